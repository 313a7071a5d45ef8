/* What the console shows of a board's copy, of the ring and of the kernel's log. Takes no memory.
 */
#pragma once

#include "model/board.h"
#include "rescue/command.h"
#include "rescue/console.h"
#include "rescue/page.h"
#include "source/kmsg/kmsg.h"
#include "wire/ring.h"

struct show {
        const struct board *board; /* a copy */
        const struct ring *ring;
        bool torn;       /* the copy's parts may not fit together */
        uint64_t now_ns; /* boot clock */
        int64_t wall_offset_ns;
        unsigned width;
        struct page *page;
};

enum console_exit show_help(struct page *p, const char *name);
enum console_exit show_top(const struct show *s);
enum console_exit show_services(const struct show *s, const char *service);
enum console_exit show_zombies(const struct show *s, const char *service);
enum console_exit show_why(const struct show *s, const char *service);
enum console_exit show_deaths(const struct show *s, uint64_t count);
enum console_exit show_actions(const struct show *s);
/* The last `count` lines of the kernel's log that are kept, 0 = as many as a screen holds. */
enum console_exit show_dmesg(const struct kmsg *k, uint64_t count, struct page *p);

/* Internal to show*.c: how old or doubtful it is, when it is; one line for each service in rank[0..count). */
void show_doubt(const struct show *s);
void show_service_rows(const struct show *s, const uint16_t *rank, uint32_t count);
/* Standing actions only, or the ended ones too. Returns how many. */
uint32_t show_action_rows(const struct show *s, bool standing);
