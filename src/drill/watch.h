/* Watching a drill: which answers of the daemon to ask for, one phase after the other, and what they say
 * about the links of the alarm chain. Pure: it asks nobody and owns no time.
 */
#pragma once

#include "config/config.h"
#include "drill/drill.h"

#include <jansson.h>

enum drill_phase {
        PHASE_SEEN,     /* its group is a service */
        PHASE_LISTED,   /* what is wrong with it is among the facts */
        PHASE_FOUND,    /* a detector says so */
        PHASE_INCIDENT, /* an incident names it */
        PHASE_TOLD,     /* notifiers have been told */
        PHASE_RESOLVED, /* the incident is over */
        PHASE_TOLD_END, /* and they know */
        PHASE_TESTED,   /* page: each notifier has been tried */
        /* engine-hung, of the second Sexton */
        PHASE_FOLLOWS, /* it follows its engine */
        PHASE_NAMED,   /* and names the container */
        PHASE_HANGS,   /* it says that the engine doesn't answer */
        PHASE_GOES_ON, /* and names the container all the same */
        PHASE_NOTED,   /* it is an event */
        PHASE_BACK,    /* the engine answers again */
        PHASES
};

enum step_state { STEP_DONE, STEP_FAILED, STEP_UNTESTED };

struct drill_step {
        char name[96];  /* "seen", "told pager" */
        char text[320]; /* what was seen, or why not; printable */
        char advice[320];
        enum step_state state;
        double at; /* s since the trouble is there; NAN = not timed */
};

enum { DRILL_STEPS = 64 };

struct drill_notifier {
        char name[64];
        enum severity min;
        bool tells_end, fails;
        bool opened, resolved; /* it was told, as far as it is to be */
        char last[200];        /* what became of the last try */
};

struct drill_watch {
        const struct drill_kind *kind;
        const char *service;
        uint32_t count;    /* zombies staged */
        double grace;      /* s */
        double began_unix; /* s; what was told before is another drill's */
        double slowest;    /* s, of the answers of this phase */
        char why_not[320]; /* what the last answer lacked; "" = nothing is known */
        uint64_t incident;
        enum severity severity;
        struct drill_notifier notifier[CONFIG_NOTIFIERS];
        uint32_t notifiers;
        char quiet_below[16]; /* quiet hours hold back what is less severe; "" = none are on */
        char silence[200];    /* comment or pattern of one that keeps this service silent; "" = none */
        struct drill_step step[DRILL_STEPS];
        uint32_t steps;
};

/* The daemon's words before anything is staged; NULL = not known. */
void watch_init(struct drill_watch *w, const struct drill_kind *k, const char *service, uint32_t count,
        json_t *status, json_t *notify, json_t *silences);

/* What to ask in a phase: a verb, and one member of the query (key NULL: none). */
struct drill_question {
        const char *verb, *key;
        char value[80];
};
void watch_question(const struct drill_watch *w, enum drill_phase p, struct drill_question *ret);
/* What is being waited for, in words. */
const char *watch_waits_for(enum drill_phase p);
/* Seconds that a phase may take. */
double watch_limit(const struct drill_watch *w, enum drill_phase p);
/* Takes an answer; true when the phase is over: its steps have been added. */
bool watch_judge(struct drill_watch *w, enum drill_phase p, json_t *answer, double at);
/* Its time is over: the step has failed, because of `problem` if that is not "". */
void watch_late(struct drill_watch *w, enum drill_phase p, const char *problem, double at);
/* Nobody is to be told, or not of the end. */
bool watch_tells_nobody(const struct drill_watch *w, enum drill_phase p);

struct drill_step *watch_add(struct drill_watch *w, enum step_state state, double at, const char *name,
        const char *fmt, ...) printf_like(5, 6);
/* The first link that is broken; NULL = none is. */
const struct drill_step *watch_broken(const struct drill_watch *w);
