/* Findings that belong together: see group.h. */
#include "incident/group.h"

#include "base/util.h"

#include <stdlib.h>
#include <string.h>

static int by_service_and_time(const void *pa, const void *pb, void *board)
{
        const struct board *b = board;
        const struct finding *x = &b->finding[*(const uint16_t *)pa], *y = &b->finding[*(const uint16_t *)pb];
        int c = strncmp(x->service_name, y->service_name, sizeof x->service_name);

        if (c)
                return c;
        if (x->opened_ns != y->opened_ns)
                return x->opened_ns < y->opened_ns ? -1 : 1;
        return x->id < y->id ? -1 : x->id > y->id;
}

static int open_and_newest_first(const void *pa, const void *pb)
{
        const struct incident *x = pa, *y = pb;

        if (x->open != y->open)
                return x->open ? -1 : 1;
        if (x->opened_ns != y->opened_ns)
                return x->opened_ns > y->opened_ns ? -1 : 1;
        return x->id < y->id ? -1 : x->id > y->id;
}

static void join(struct incident *n, const struct board *b, uint16_t finding)
{
        const struct finding *f = &b->finding[finding];

        n->count++;
        n->open |= f->open;
        n->closed_ns = MAX(n->closed_ns, f->closed_ns);
        if (f->severity > n->severity || n->count == 1) {
                n->severity = f->severity;
                n->title = finding;
        }
}

void incident_group(const struct board *b, struct incidents *ret)
{
        uint32_t top = MIN(b->finding_top, (uint32_t)BOARD_FINDINGS), n = 0;
        struct incident *now = NULL;
        const struct finding *before = NULL;

        for (uint32_t i = 0; i < top; i++)
                if (b->finding[i].id)
                        ret->order[n++] = (uint16_t)i;
        ret->count = 0;
        union {
                const struct board *in;
                void *out;
        } unconst = {.in = b}; /* qsort_r() hands it on untouched */
        qsort_r(ret->order, n, sizeof ret->order[0], by_service_and_time, unconst.out);
        for (uint32_t i = 0; i < n; i++) {
                const struct finding *f = &b->finding[ret->order[i]];
                bool same = before && !strncmp(before->service_name, f->service_name, sizeof f->service_name);
                if (!same || (!now->open && f->opened_ns > now->closed_ns)) {
                        now = &ret->incident[ret->count++];
                        *now = (struct incident){
                                .id = f->id, .first = (uint16_t)i, .opened_ns = f->opened_ns};
                }
                join(now, b, ret->order[i]);
                before = f;
        }
        qsort(ret->incident, ret->count, sizeof ret->incident[0], open_and_newest_first);
}

uint32_t incident_open_count(const struct board *b)
{
        struct incidents all;
        uint32_t n = 0;

        incident_group(b, &all);
        while (n < all.count && all.incident[n].open)
                n++;
        return n;
}
