/* The recorder's link to the guard: questions that are answered later, or not in time. Nobody waits here: a
 * full socket, a guard that is gone, stopped or slow, an answer that comes twice, late or from before a
 * restart of the recorder are all borne.
 */
#pragma once

#include "base/loop.h"
#include "model/request.h"

enum { GUARD_LINK_QUESTIONS = 64 }; /* that may be open at once */

/* NULL: the guard did not answer in time, and does not do it later. */
typedef void (*guard_link_answered)(void *ctx, const struct answer *a);

struct guard_link_question {
        uint32_t number; /* 0 = unused */
        uint64_t due_ns;
        guard_link_answered answered;
        void *ctx;
};

struct guard_link {
        struct loop *loop;
        struct loop_fd fd;
        struct loop_timer timer;
        uint32_t next_number;
        struct guard_link_question question[GUARD_LINK_QUESTIONS];
};

/* fd may be -1: then there is no guard to ask. It stays its owner's. */
int guard_link_start(struct guard_link *l, struct loop *loop, int fd);
/* What is open is never answered. */
void guard_link_stop(struct guard_link *l);
/* Sends a copy, with a number of its own and a time at which it expires. Its number, to forget it by; 0 when
 * it can't be asked now: there are too many questions, or the link is full or closed. */
uint32_t guard_link_ask(
        struct guard_link *l, const struct request *q, guard_link_answered answered, void *ctx);
/* It will not be answered any more. Unknown numbers are left out. */
void guard_link_forget(struct guard_link *l, uint32_t number);
