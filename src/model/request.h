/* What the recorder and the rescue console ask of the guard, and what it answers: fixed-size structs,
 * one per packet of a SOCK_SEQPACKET pair, both ends from the same binary. The guard answers every request
 * once and at once; what takes longer (a stop, a restart) is then followed on the board by its action's id.
 * Neither side ever blocks: a full socket drops the message. A guard that hangs finds requests of which
 * nobody expects anything any more: those have expired, and nothing is done.
 */
#pragma once

#include "model/action.h"

enum request_verb {
        REQUEST_TAKE = 1, /* the action `kind` on `service` */
        REQUEST_UNDO,     /* the action `action_id` */
        REQUEST_RELEASE,  /* undo all that stands on `service`, and forget its spent restart budget */
        REQUEST_KILL,     /* SIGKILL to `pid` through a pidfd; never to what must not be touched */
        REQUEST_BREAKER,  /* value: 1 open (act now), 0 close, -1 back to automatic */
        REQUEST_THAW,     /* undo what holds `service` still */
        REQUEST_VERBS
};

struct request {
        uint32_t number; /* the asker's own; comes back in the answer */
        uint8_t verb;    /* enum request_verb */
        uint8_t kind;    /* enum action_kind */
        bool dry_run;    /* say what would be done, and to what */
        int32_t pid;
        int32_t asker_pid; /* who asks, by peer credentials: where it lives is not touched; 0 unknown */
        uint32_t action_id;
        double value;        /* in the kind's unit; NAN = the default */
        uint64_t ttl_ns;     /* 0 = the default */
        uint64_t expires_ns; /* boot time from which on it isn't done any more; 0 = never */
        char service[ACTION_SERVICE];
        char who[48];
        char reason[200];
};

struct answer {
        uint32_t number;
        int32_t code;       /* 0, or negative errno: as of act_take(), -ETIME it had expired */
        uint32_t action_id; /* 0 = none was made */
        char text[240];     /* what is done, or why not and what to do */
};
