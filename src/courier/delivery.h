/* One job under way: from the packet to the result. Sent by transfer.h (HTTP and mail) or program.h.
 */
#pragma once

#include "base/loop.h"
#include "courier/secret.h"
#include "notify/notifier.h"

enum { ANSWER_KEPT = 2048, ANSWER_READ = 64 << 10 };

struct delivery {
        struct delivery *next;
        struct job job;
        const struct notify_config *config;
        const struct secret *secret;
        const struct notifier *type;
        struct message message;
        struct request request;
        char *raw; /* the incident's text; owned */
        uint64_t started_ns;
        char answer[ANSWER_KEPT];
        size_t answer_len, answer_read;
        void *ctx; /* of `done` */
        /* Called once; the delivery may be freed in it. */
        void (*done)(
                struct delivery *d, enum outcome outcome, int status, uint32_t retry_after, const char *text);
        /* of whoever sends it */
        void *easy, *headers, *receivers;
        size_t sent; /* of the body */
        char problem[256];
        struct loop *loop;
        struct loop_fd output, end;
        struct loop_timer timeout;
        int pid;
};

/* Keeps the beginning of what the far side says; false when it says too much. */
bool delivery_answer(struct delivery *d, const char *data, size_t len);
