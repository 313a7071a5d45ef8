/* The usual: see usual.h. */
#include "incident/usual.h"

#include "base/text.h"
#include "world/view.h"

#include <math.h>
#include <string.h>

enum { SLOTS = 30 };
#define SLOT_NS (120 * NSEC_PER_SEC)

struct usual_track {
        uint32_t name_hash; /* entries of services are used again for others */
        uint32_t slots;     /* complete ones; slot[slots % SLOTS] is the next to be overwritten */
        float slot[SLOTS][USUAL_KINDS];
        double sum[USUAL_KINDS];
        uint32_t count[USUAL_KINDS];
};

void usual_done(struct usual *u)
{
        free(u->track);
        *u = (struct usual){0};
}

static double host_now(const struct board *b, uint32_t kind)
{
        double held = 0;

        switch (kind) {
        case USUAL_CPU:
                return b->host.cpu_busy_ratio * (double)b->host.cpus;
        case USUAL_LOAD:
                return b->host.load1;
        case USUAL_MEMORY:
                return 1 - view_ratio(b->host.memory_available_bytes, b->host.memory_bytes);
        case USUAL_ZOMBIES:
                for (uint32_t i = 0; i < view_services(b); i++)
                        held += view_service_used(b, (uint16_t)i) ? b->service[i].held : 0;
                return held;
        case USUAL_TASKS:
                return view_known(b->host.tasks) ? (double)b->host.tasks : NAN;
        default:
                return NAN;
        }
}

double usual_now(const struct board *b, uint16_t service, uint32_t kind)
{
        static const enum view_metric metrics[USUAL_KINDS] = {[USUAL_CPU] = VIEW_CPU,
                [USUAL_LOAD] = VIEW_LOAD,
                [USUAL_MEMORY] = VIEW_MEMORY,
                [USUAL_TASKS] = VIEW_TASKS};

        if (service == 0)
                return host_now(b, kind);
        if (!view_service_used(b, service))
                return NAN;
        const struct service *s = view_service(b, service);
        return kind == USUAL_ZOMBIES ? s->held : view_metric(s, metrics[kind]);
}

static uint32_t hash_of(const struct board *b, uint16_t service)
{
        return service ? text_hash(view_service_name(b, service)) : 0;
}

static void add(struct usual_track *t, const struct board *b, uint16_t service, bool close)
{
        uint32_t hash = hash_of(b, service);

        if (t->name_hash != hash)
                *t = (struct usual_track){.name_hash = hash};
        for (uint32_t k = 0; k < USUAL_KINDS; k++) {
                double value = usual_now(b, service, k);

                if (close)
                        t->slot[t->slots % SLOTS][k] =
                                t->count[k] ? (float)(t->sum[k] / t->count[k]) : (float)NAN;
                if (close)
                        t->sum[k] = t->count[k] = 0;
                if (isfinite(value)) {
                        t->sum[k] += value;
                        t->count[k]++;
                }
        }
        t->slots += close;
}

/* Without memory for more the first ones are kept. */
static void grow(struct usual *u, uint32_t tracks)
{
        if (tracks <= u->tracks)
                return;
        cleanup_free struct usual_track *t = calloc(tracks, sizeof *t);
        if (!t)
                return;
        if (u->tracks)
                memcpy(t, u->track, u->tracks * sizeof *t);
        free(u->track);
        u->track = TAKE_PTR(t);
        u->tracks = tracks;
}

void usual_add(struct usual *u, const struct board *b, uint64_t now_ns)
{
        uint32_t top = MAX(view_services(b), 1u);
        bool close = u->slot_ns && now_ns >= u->slot_ns + SLOT_NS;

        grow(u, top);
        if (close || !u->slot_ns)
                u->slot_ns = now_ns;
        for (uint32_t i = 0; i < MIN(top, u->tracks); i++)
                if (i == 0 || view_service_used(b, (uint16_t)i))
                        add(&u->track[i], b, (uint16_t)i, close);
}

static int ascending(const void *pa, const void *pb)
{
        const float *a = pa, *b = pb;

        return (*a > *b) - (*a < *b);
}

double usual_of(const struct usual *u, const struct board *b, uint16_t service, uint32_t kind)
{
        float value[SLOTS];
        uint32_t n = 0;

        if (service >= u->tracks || kind >= USUAL_KINDS)
                return NAN;
        const struct usual_track *t = &u->track[service];
        if (t->name_hash != hash_of(b, service))
                return NAN;
        for (uint32_t i = 0; i < MIN(t->slots, (uint32_t)SLOTS); i++)
                if (isfinite(t->slot[i][kind]))
                        value[n++] = t->slot[i][kind];
        if (n == 0)
                return NAN;
        qsort(value, n, sizeof value[0], ascending);
        return (double)value[n / 2];
}
