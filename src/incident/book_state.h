/* What the parts of the book share: see book.h. Internal to incident/. */
#pragma once

#include "incident/book.h"
#include "incident/harm.h"
#include "incident/incident.h"
#include "incident/usual.h"

/* Whose share of all that is wrong with the host is less only looks guilty. */
#define BOOK_GUILTY 0.2

enum {
        BOOK_SHELF = 64,            /* resolved ones kept in memory... */
        BOOK_SHELF_BYTES = 1 << 20, /* ...in so much of it */
};

/* A resolved incident: its document, and what is needed to know it again. */
struct book_shelved {
        uint64_t id;
        char owner[BOARD_NAME];
        bool disk, merged;
        bool acting;         /* what was done still stood: its end is written down, too */
        int64_t resolved_ns; /* boot time; before 0 when that was before boot */
        char *json;
        size_t len;
};

struct book {
        struct book_params params;
        struct book_keeper keeper;
        struct book_listener listener[BOOK_LISTENERS];
        uint32_t listeners;
        uint64_t next_id;
        struct incident **open;
        uint32_t opens, open_size;
        struct book_shelved shelf[BOOK_SHELF]; /* the oldest first */
        uint32_t shelved;
        size_t shelf_bytes;
        struct usual usual;
        uint64_t look_ns;  /* of the last look, 0 = none yet */
        uint64_t usual_ns; /* of the last one that counted for the usual */
        uint32_t digest;   /* of the findings as they were then */
        uint32_t generation;
        int64_t offset_ns; /* of wall time then */
};

/* One look. */
struct look {
        struct book *book;
        const struct board *b;
        uint64_t now_ns;
        int64_t offset_ns, unix_ns;
        double passed; /* s watched since the last look */
        struct harm harm;
        /* worked out when first needed */
        bool has_why;
        struct why_answer why;
        struct suspect suspect[INCIDENT_SUSPECTS];
        uint32_t suspects;
};

/* ---- whose is it (assign.c) ---- */

/* The incident that an open finding belongs to: one that is open, one that reopens, or a new one;
 * *ret_consequence when it only suffers from that incident's culprit. NULL when there is no memory. */
struct incident *assign_finding(struct look *l, const struct finding *f, bool *ret_consequence);
/* The kind of harm that a finding about the host tells of; HARM_KINDS: one that no service can be charged
 * with. */
enum harm_kind assign_harm(const char *detector);
/* Moves what turned out to be another's: the host's trouble to whom it is due, victims to their culprit. */
void assign_again(struct look *l);

/* ---- what is said of it (explain.c) ---- */

/* Peaks, thresholds, and while a finding is open: title, culprit, suspects, verdict. */
void explain(struct look *l, struct incident *n);
/* What happened to a service before its incident opened, from the board. */
void explain_before(struct look *l, struct incident *n, uint16_t service);
/* Normal values, when it opens or gets an owner; values after it. */
void explain_normal(struct look *l, struct incident *n);
void explain_after(struct look *l, struct incident *n);

/* ---- what was done (acts.c) ---- */

void acts_look(struct look *l, struct incident *n);
bool acts_stand(const struct incident *n);
/* The same for one that is over. */
void acts_look_shelved(struct look *l, struct book_shelved *s);

/* ---- used by those (book.c) ---- */

/* A resolved one, changed; its document is written anew. */
void book_rewrite(struct book *b, struct book_shelved *s, const struct incident *n);

uint16_t book_service(const struct look *l, const char *name); /* 0 = not on the board */
struct incident *book_find_open(const struct book *b, const char *owner, bool disk);
struct incident *book_open(struct look *l, const char *owner, bool disk);
/* A resolved one of that owner that may still reopen, open again; NULL when there is none. */
struct incident *book_reopen(struct look *l, const char *owner, bool disk);
/* Puts what changed, tells, and takes those that are over from the open ones to the shelf. */
void book_publish(struct look *l);
static inline void book_news(struct incident *n, enum book_change change)
{
        n->news |= (uint8_t)(1u << change);
        n->dirty = n->urgent = true;
}
static inline bool book_has_open(const struct incident *n, bool own_only)
{
        for (uint32_t i = 0; i < n->findings; i++)
                if (n->finding[i].is.open && !(own_only && n->finding[i].consequence))
                        return true;
        return false;
}
