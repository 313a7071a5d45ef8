/* The parts of one incident: findings and the timeline, both bounded. See incident.h. */
#include "incident/incident.h"

#include "base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
        KEEP_FIRST = 40, /* of a full timeline, how it began... */
        KEEP_LAST = 100, /* ...and what was last stay as they are */
        LOOK_BACK = 32,  /* entries among which those alike are looked for */
};
#define TALLY_SPAN (INT64_C(600) * (int64_t)NSEC_PER_SEC)

struct incident *incident_new(void)
{
        struct incident *n = calloc(1, sizeof *n);

        if (!n)
                return NULL;
        for (uint32_t i = 0; i < USUAL_KINDS; i++)
                n->service[i] = n->host[i] = (struct incident_resource){NAN, NAN, NAN};
        return n;
}

void incident_free(struct incident *n)
{
        if (!n)
                return;
        free(n->finding);
        free(n->entry);
        free(n->action);
        free(n->worst);
        free(n);
}

void incident_text(char *dst, size_t size, const char *src, size_t src_size)
{
        text_printable(dst, size, src, strnlen(src, src_size));
}

static uint64_t unix_of(uint64_t boot_ns, int64_t wall_offset_ns)
{
        int64_t unix_ns;

        if (boot_ns == 0 || boot_ns > INT64_MAX ||
                __builtin_add_overflow((int64_t)boot_ns, wall_offset_ns, &unix_ns) || unix_ns < 0)
                return 0;
        return (uint64_t)unix_ns;
}

static void say_as(struct finding *to, const struct finding *from)
{
        to->severity = from->severity;
        text_set(to->text, sizeof to->text, from->text);
        text_set(to->remedy, sizeof to->remedy, from->remedy);
        to->evidence_count = from->evidence_count;
        memcpy(to->evidence, from->evidence, sizeof to->evidence);
}

/* Of two as severe the one whose measure, its first evidence, is larger; where they can't be compared, the
 * later. */
static void keep_worst(struct incident_finding *f)
{
        const struct finding *is = &f->is, *worst = &f->worst;
        bool comparable = is->evidence_count && worst->evidence_count &&
                          !strcmp(is->evidence[0].unit, worst->evidence[0].unit);

        f->grew = !worst->text[0] || is->severity > worst->severity ||
                  (is->severity == worst->severity && comparable &&
                          isgreater(is->evidence[0].value, worst->evidence[0].value));
        f->at_worst =
                f->grew || (is->severity == worst->severity &&
                                   !(comparable && isless(is->evidence[0].value, worst->evidence[0].value)));
        if (f->at_worst)
                say_as(&f->worst, is);
}

void incident_take_finding(struct incident_finding *to, const struct finding *f, int64_t wall_offset_ns)
{
        struct finding *is = &to->is;
        uint64_t since = is->since_ns, opened = is->opened_ns;

        *is = *f;
        incident_text(is->detector, sizeof is->detector, f->detector, sizeof f->detector);
        incident_text(is->service_name, sizeof is->service_name, f->service_name, sizeof f->service_name);
        incident_text(is->runbook, sizeof is->runbook, f->runbook, sizeof f->runbook);
        incident_text(is->text, sizeof is->text, f->text, sizeof f->text);
        incident_text(is->remedy, sizeof is->remedy, f->remedy, sizeof f->remedy);
        is->since_ns = since ? since : unix_of(f->since_ns, wall_offset_ns);
        is->opened_ns = opened ? opened : unix_of(f->opened_ns, wall_offset_ns);
        is->closed_ns = f->open ? 0 : unix_of(f->closed_ns, wall_offset_ns);
        is->updated_ns = unix_of(f->updated_ns, wall_offset_ns);
        is->severity = (uint8_t)MIN(f->severity, (uint8_t)SEVERITY_CRITICAL);
        is->evidence_count = MIN(f->evidence_count, (uint32_t)BOARD_EVIDENCE);
        for (uint32_t i = 0; i < is->evidence_count; i++) {
                struct evidence *e = &is->evidence[i];

                e->time_ns = unix_of(f->evidence[i].time_ns, wall_offset_ns);
                incident_text(e->text, sizeof e->text, f->evidence[i].text, sizeof e->text);
                incident_text(e->unit, sizeof e->unit, f->evidence[i].unit, sizeof e->unit);
        }
        to->bound = true;
        keep_worst(to);
}

void incident_show_worst(struct incident_finding *f)
{
        if (!f->worst.text[0])
                return;
        say_as(&f->is, &f->worst);
        f->at_worst = true;
}

bool incident_same_finding(const struct finding *kept, const struct finding *f)
{
        char service[BOARD_NAME];
        size_t path = strcspn(kept->text, " ");

        incident_text(service, sizeof service, f->service_name, sizeof f->service_name);
        if (strcmp(kept->service_name, service) != 0 ||
                strncmp(kept->detector, f->detector, sizeof kept->detector) != 0)
                return false;
        return strcmp(kept->detector, "disk") != 0 || !strncmp(kept->text, f->text, path + 1);
}

/* Room for one more of `size` bytes in an array that doubles up to `max`. */
static bool grow(void **array, uint32_t *size, uint32_t used, uint32_t max, size_t each)
{
        if (used < *size)
                return true;
        uint32_t wanted = MIN(*size ? *size * 2 : 4u, max);
        void *p = wanted > used ? reallocarray(*array, wanted, each) : NULL;

        if (!p)
                return false;
        *array = p;
        *size = wanted;
        return true;
}

struct incident_finding *incident_add_finding(struct incident *n)
{
        struct incident_finding *f = NULL;
        union {
                struct incident_finding *f;
                void *p;
        } array = {.f = n->finding};

        if (n->findings == INCIDENT_FINDINGS) {
                for (uint32_t i = 0; i < n->findings; i++)
                        if (!n->finding[i].is.open && (!f || n->finding[i].is.closed_ns < f->is.closed_ns))
                                f = &n->finding[i];
        } else if (grow(&array.p, &n->findings_size, n->findings, INCIDENT_FINDINGS, sizeof *f)) {
                n->finding = array.f;
                f = &n->finding[n->findings++];
        }
        if (f)
                *f = (struct incident_finding){0};
        return f;
}

bool incident_is_drill(const struct incident *n)
{
        for (uint32_t i = 0; i < n->findings; i++)
                if (!n->finding[i].is.drill)
                        return false;
        return n->findings > 0;
}

bool incident_concerns(const struct incident *n, const char *service)
{
        if (!*service)
                return false;
        if (!strcmp(n->owner, service))
                return true;
        for (uint32_t i = 0; i < n->findings; i++)
                if (!strcmp(n->finding[i].is.service_name, service))
                        return true;
        return false;
}

/* ---- the timeline ---- */

static void drop(struct incident *n, uint32_t at)
{
        n->entries--;
        memmove(&n->entry[at], &n->entry[at + 1], (n->entries - at) * sizeof *n->entry);
}

static bool alike(const struct incident_entry *a, const char *kind, const char *service)
{
        return !strcmp(a->kind, kind) && !strcmp(a->service, service);
}

/* Makes room in a full timeline: of the middle, the oldest line that has one like it behind it joins that;
 * else the oldest is left out. How it began, and the lines that are landmarks, stay while others can go. */
static void fold(struct incident *n)
{
        uint32_t end = n->entries - KEEP_LAST;

        for (uint32_t i = KEEP_FIRST; i < end; i++)
                for (uint32_t k = i + 1; k < end; k++) {
                        struct incident_entry *a = &n->entry[i], *b = &n->entry[k];

                        if (!alike(a, b->kind, b->service))
                                continue;
                        b->from_unix_ns = MIN(a->from_unix_ns, b->from_unix_ns);
                        b->count += a->count;
                        char last[sizeof b->text];
                        text_set(last, sizeof last, b->text);
                        const char *text = strstr(last, ", last: ");
                        snprintf(b->text, sizeof b->text, "%llu times, last: %.150s",
                                (unsigned long long)b->count, text ? text + 8 : last);
                        /* it stands where it began */
                        *a = *b;
                        drop(n, k);
                        return;
                }
        drop(n, KEEP_FIRST);
        n->left_out++;
}

struct incident_entry *incident_place(struct incident *n, int64_t unix_ns)
{
        union {
                struct incident_entry *e;
                void *p;
        } array = {.e = n->entry};
        uint32_t at;

        if (n->entries == INCIDENT_ENTRIES)
                fold(n);
        if (!grow(&array.p, &n->entries_size, n->entries, INCIDENT_ENTRIES, sizeof *n->entry)) {
                n->left_out++;
                return NULL;
        }
        n->entry = array.e;
        for (at = n->entries; at > 0 && n->entry[at - 1].from_unix_ns > unix_ns;)
                at--;
        memmove(&n->entry[at + 1], &n->entry[at], (n->entries - at) * sizeof *n->entry);
        n->entries++;
        n->dirty = true;
        n->entry[at] = (struct incident_entry){.from_unix_ns = unix_ns, .until_unix_ns = unix_ns, .count = 1};
        return &n->entry[at];
}

static void put_line(struct incident *n, int64_t unix_ns, const char *kind, const char *service,
        uint64_t count, const char *text)
{
        struct incident_entry *e = incident_place(n, unix_ns);

        if (!e)
                return;
        e->count = count;
        incident_text(e->kind, sizeof e->kind, kind, sizeof e->kind);
        incident_text(e->service, sizeof e->service, service, sizeof e->service);
        if (count > 1)
                snprintf(
                        e->text, sizeof e->text, "%llu times, last: %.150s", (unsigned long long)count, text);
        else
                text_set(e->text, sizeof e->text, text);
}

void incident_say(
        struct incident *n, int64_t unix_ns, const char *kind, const char *service, const char *fmt, ...)
{
        char raw[400], text[200];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(raw, sizeof raw, fmt, ap);
        va_end(ap);
        incident_text(text, sizeof text, raw, sizeof raw);
        put_line(n, unix_ns, kind, service, 1, text);
}

void incident_tally(struct incident *n, int64_t unix_ns, const char *kind, const char *service,
        uint64_t count, const char *raw)
{
        char text[160], name[BOARD_NAME];

        incident_text(text, sizeof text, raw, sizeof text);
        incident_text(name, sizeof name, service, sizeof name);
        for (uint32_t i = n->entries; i > 0 && i + LOOK_BACK > n->entries; i--) {
                struct incident_entry *e = &n->entry[i - 1];

                if (!alike(e, kind, name))
                        continue;
                if (unix_ns < e->from_unix_ns || unix_ns - e->from_unix_ns > TALLY_SPAN)
                        break;
                e->count += count;
                e->until_unix_ns = MAX(e->until_unix_ns, unix_ns);
                snprintf(e->text, sizeof e->text, "%llu times, last: %s", (unsigned long long)e->count, text);
                n->dirty = true;
                return;
        }
        put_line(n, unix_ns, kind, name, count, text);
}
