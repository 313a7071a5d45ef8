/* One incident, in memory and as a document. Internal to incident/ and to what prints an incident.
 *
 * Texts in it are printable (text_printable), so that they are the same before and after a restart. Times are
 * Unix ns as they were when it happened; spans are of the boot clock, which doesn't step.
 */
#pragma once

#include "base/json_out.h"
#include "incident/why.h"
#include "model/board.h"

enum {
        INCIDENT_FINDINGS = 48,
        INCIDENT_ENTRIES = 200,
        INCIDENT_SUSPECTS = 8,
        INCIDENT_ACTIONS = 24,
        INCIDENT_DOCUMENT = 512 << 10, /* bytes of a document, at most */
};

struct incident_finding {
        struct finding is; /* times in Unix ns, names and texts printable */
        /* What it said when it was worst: severity, text, remedy, evidence. Once over, `is` says that again.
         */
        struct finding worst;
        bool at_worst;    /* `is` says the same, or what is no better */
        bool grew;        /* it was never as bad before */
        bool bound;       /* is.id is its number on the board as it is now */
        bool consequence; /* of what the culprit does, in another service */
};

/* One line of the timeline, or several alike. */
struct incident_entry {
        int64_t from_unix_ns, until_unix_ns;
        uint64_t count;
        char kind[16];
        char service[BOARD_NAME]; /* "" = the host */
        char text[200];
};

struct incident_suspect {
        char service[BOARD_NAME];
        struct suspect is; /* is.service means nothing here */
};

/* What is compared: of the incident's service, then of the host. */
enum {
        USUAL_CPU = 0,
        USUAL_LOAD,
        USUAL_MEMORY,
        USUAL_ZOMBIES,
        USUAL_TASKS,
        USUAL_KINDS,
};
struct incident_resource {
        double normal, peak, after; /* NAN = unknown */
};
struct incident_unit {
        const char *name, *unit;
};
extern const struct incident_unit incident_units[2][USUAL_KINDS]; /* [1] = of the host */

/* Who is to blame, and why. */
struct incident_account {
        char culprit[BOARD_NAME];
        struct why_answer why; /* evidence in Unix ns; printable */
        struct incident_suspect suspect[INCIDENT_SUSPECTS];
        uint32_t suspects;
};

/* How bad things are: compared in this order. */
struct incident_rank {
        uint8_t severity;
        uint32_t findings; /* its own, open */
        double harm;       /* to the host, by its owner */
};

struct incident {
        uint64_t id;
        char owner[BOARD_NAME]; /* whose it is; "" = the host's */
        bool disk;              /* the host's, of a disk: nobody else's trouble */
        bool open;
        uint8_t severity, severity_peak, severity_before;
        int64_t opened_unix_ns, resolved_unix_ns;
        double lasted; /* s from opening to resolution, or to now */
        uint32_t reopened;
        uint64_t merged_into; /* 0 = not */
        char title[256];

        struct incident_finding *finding;
        uint32_t findings, findings_size;
        struct incident_entry *entry;
        uint32_t entries, entries_size;
        uint64_t left_out;     /* entries that gave way */
        struct action *action; /* what was done, the oldest first; in Unix time, printable */
        uint32_t actions;
        uint64_t actions_left_out;

        struct incident_account said;   /* now, while a finding is open; else at its worst */
        struct incident_account *worst; /* NULL: the same */
        struct incident_rank rank;      /* how bad it was at its worst */
        bool named;                     /* `why` named the owner as culprit of the host's trouble */
        struct incident_resource service[USUAL_KINDS], host[USUAL_KINDS];

        /* Only in memory. */
        uint8_t severity_now;       /* of what is open, while `severity` still waits to fall */
        double calm, below;         /* s that all findings are over; that all are below `severity` */
        bool patient;               /* findings were lost by a restart: wait longer for them */
        char candidate[BOARD_NAME]; /* whose it seems to be instead... */
        double candidate_for;       /* ...for so many s */
        uint64_t put_ns;
        bool dirty, urgent; /* to be put; at once */
        uint8_t news;       /* bits of 1 << enum book_change, not told yet */
};

struct incident *incident_new(void);
void incident_free(struct incident *n);
static inline void incident_cleanup(struct incident **n)
{
        incident_free(*n);
}
#define cleanup_incident cleanup(incident_cleanup)

/* One more of what was done, as it is; the oldest that has ended gives way. */
void incident_add_action(struct incident *n, const struct action *a);

/* ---- words ---- */

/* Printable copies of what others wrote, cut to fit. */
void incident_text(char *dst, size_t size, const char *src, size_t src_size);
/* A board's finding as the incident keeps it. */
void incident_take_finding(struct incident_finding *to, const struct finding *f, int64_t wall_offset_ns);
/* What it said when it was worst: from now on it says that. */
void incident_show_worst(struct incident_finding *f);
/* Does a finding go on with what another of that detector and service said? Of disks: of the same one. */
bool incident_same_finding(const struct finding *kept, const struct finding *f);

/* ---- parts ---- */

/* A new entry at the end; NULL when there is no memory or all INCIDENT_FINDINGS are open. A closed one gives
 * way when it is full. */
struct incident_finding *incident_add_finding(struct incident *n);
/* Is all that belongs to it part of a drill? */
bool incident_is_drill(const struct incident *n);
/* Does the service take part: as owner, or with a finding? */
bool incident_concerns(const struct incident *n, const char *service);

/* An empty line for the timeline, at its place in time: the newest of its time. NULL without memory; it is
 * counted as left out. */
struct incident_entry *incident_place(struct incident *n, int64_t unix_ns);
/* One line more. Without memory it is left out and counted. */
void incident_say(struct incident *n, int64_t unix_ns, const char *kind, const char *service, const char *fmt,
        ...) printf_like(5, 6);
/* One of many alike: joins the last line of that kind and service if that isn't long ago. */
void incident_tally(struct incident *n, int64_t unix_ns, const char *kind, const char *service,
        uint64_t count, const char *text);

/* ---- as a document ---- */

void incident_write(const struct incident *n, struct json_out *j);
/* -EINVAL when it isn't the document of an incident, -ENOMEM. What it doesn't understand it leaves out. */
int incident_read(const char *json, size_t len, struct incident **ret);
