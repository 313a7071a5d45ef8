/* Samples: taking them from the board, keeping those that wait for the disk, and reading them back as series
 * of a wanted length.
 */
#include "store/internal.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { READ_TRIES = 3, JOIN_MEAN, JOIN_MAX, OF_HOST = 1, OF_SERVICE = 2, OF_BOTH = 3 };

static const struct {
        const char *name;
        int join, of;
} series[STORE_SERIES_COUNT] = {
#define X(id, json, join, of, unit) {json, JOIN_##join, OF_##of},
        STORE_SERIES(X)
#undef X
};

const char *store_series_name(enum store_series n)
{
        return series[n].name;
}

bool store_series_of_host(enum store_series n)
{
        return series[n].of & OF_HOST;
}

bool store_series_of_service(enum store_series n)
{
        return series[n].of & OF_SERVICE;
}

/* ---- taking ---- */

static float known(uint64_t n)
{
        return n == BOARD_UNKNOWN ? NAN : (float)n;
}

static void sample_host(const struct board *b, struct store_sample *s)
{
        const struct host *h = &b->host;
        bool memory = h->memory_bytes && h->memory_bytes != BOARD_UNKNOWN &&
                      h->memory_available_bytes <= h->memory_bytes;

        s->value[STORE_LOAD1] = (float)h->load1;
        s->value[STORE_CPU_BUSY] = (float)h->cpu_busy_ratio;
        s->value[STORE_CPU] = (float)(h->cpu_busy_ratio * h->cpus);
        s->value[STORE_MEMORY] = memory ? (float)(h->memory_bytes - h->memory_available_bytes) : NAN;
        s->value[STORE_MEMORY_USED] =
                memory ? 1 - (float)((double)h->memory_available_bytes / (double)h->memory_bytes) : NAN;
        s->value[STORE_ZOMBIES] = (float)b->zombies;
        s->value[STORE_TASKS] = known(h->tasks);
        s->value[STORE_PSI_CPU] = (float)h->psi_cpu;
        s->value[STORE_PSI_MEMORY] = (float)h->psi_memory;
        s->value[STORE_PSI_IO] = (float)h->psi_io;
}

static void sample_service(const struct service *v, struct store_sample *s)
{
        s->value[STORE_LOAD1] = (float)v->load1;
        s->value[STORE_CPU] = (float)v->cpu_ratio;
        s->value[STORE_MEMORY] = known(v->memory_bytes);
        s->value[STORE_ZOMBIES] = (float)v->zombies;
        s->value[STORE_PROCESSES] = (float)v->processes;
        s->value[STORE_TASKS] = (float)v->threads;
        s->value[STORE_RESTARTS] = (float)(v->restarts.total + v->restarts_before);
        s->value[STORE_PSI_CPU] = (float)v->psi_cpu;
        s->value[STORE_PSI_MEMORY] = (float)v->psi_memory;
        s->value[STORE_PSI_IO] = (float)v->psi_io;
}

/* Room for one more; false when there is no memory. */
static bool grow(struct sampler *m)
{
        if (m->count < m->size)
                return true;
        uint32_t size = m->size ? m->size * 2 : 16;
        cleanup_free struct sampled *more = calloc(size, sizeof *more);
        if (!more)
                return false;
        if (m->count)
                memcpy(more, m->of, m->count * sizeof *more);
        free(m->of);
        m->of = TAKE_PTR(more);
        m->size = size;
        return true;
}

/* NULL when there is no memory. */
static struct sampled *sampled_of(struct sampler *m, const char *service)
{
        for (uint32_t i = 0; i < m->count; i++)
                if (!strcmp(m->of[i].service, service))
                        return &m->of[i];
        if (!grow(m))
                return NULL;
        struct sampled *one = &m->of[m->count++];
        *one = (struct sampled){0}; /* the place may have been another's */
        text_set(one->service, sizeof one->service, service);
        return one;
}

/* False when the guard wrote meanwhile: then nothing is kept. */
static bool read_board(struct sampler *m, const struct board *b, int64_t now_ms)
{
        uint32_t before = __atomic_load_n(&b->sequence, __ATOMIC_ACQUIRE);
        uint32_t top = MIN(b->service_top, (uint32_t)BOARD_SERVICES);
        struct store_sample s;

        if (before & 1u)
                return false;
        for (uint32_t i = 0; i <= top; i++) {
                /* the host first; then the services in use */
                const struct service *v = i ? &b->service[i - 1] : NULL;
                char name[BOARD_NAME] = "";
                if (v && (v->kind == SERVICE_NONE || (!v->processes && !v->zombies && !v->containers)))
                        continue;
                if (v)
                        text_copy(name, sizeof name, v->name, strnlen(v->name, sizeof v->name));
                struct sampled *to = sampled_of(m, name);
                if (!to || to->count == SAMPLES_PER_PACK)
                        continue;
                s = (struct store_sample){.time_ms = now_ms};
                for (int k = 0; k < STORE_SERIES_COUNT; k++)
                        s.value[k] = NAN;
                if (v)
                        sample_service(v, &s);
                else
                        sample_host(b, &s);
                to->sample[to->count] = s;
        }
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        return __atomic_load_n(&b->sequence, __ATOMIC_RELAXED) == before;
}

void store_sample(struct store *s, const struct board *shared)
{
        struct sampler *m = &s->sampler;
        uint64_t now = s->options.boot_ns();

        if (now < m->due_ns || !__atomic_load_n(&shared->updated_ns, __ATOMIC_RELAXED))
                return;
        int64_t now_ms = s->options.unix_ms();
        for (int i = 0; i < READ_TRIES; i++)
                if (read_board(m, shared, now_ms)) {
                        bool full = false;
                        for (uint32_t k = 0; k < m->count; k++) {
                                m->of[k].count += m->of[k].count < SAMPLES_PER_PACK &&
                                                  m->of[k].sample[m->of[k].count].time_ms == now_ms;
                                full |= m->of[k].count == SAMPLES_PER_PACK;
                        }
                        /* a steady pace, but none that catches up */
                        m->due_ns = MAX(m->due_ns + STORE_SAMPLE_MS * NSEC_PER_MSEC, now + NSEC_PER_SEC);
                        if (full)
                                samples_pack(s, true);
                        return;
                }
}

/* ---- waiting for the disk ---- */

static void drop_oldest(struct store *s)
{
        struct pack *p = s->packs;

        s->packs = p->next;
        if (!s->packs)
                s->packs_last = NULL;
        s->packs_bytes -= sizeof *p + p->len;
        free(p);
}

void samples_written(struct store *s, const struct pack *end)
{
        while (s->packs && s->packs != end)
                drop_oldest(s);
}

static void pack_one(struct store *s, struct sampled *x)
{
        struct out o = out_of(4096);

        sample_pack(x->sample, x->count, &o);
        struct pack *p = o.failed ? NULL : calloc(1, sizeof *p + o.len);
        if (p) {
                p->id = ++s->next_pack;
                p->from_ms = p->to_ms = x->sample[0].time_ms;
                for (uint32_t i = 1; i < x->count; i++) {
                        p->from_ms = MIN(p->from_ms, x->sample[i].time_ms);
                        p->to_ms = MAX(p->to_ms, x->sample[i].time_ms);
                }
                memcpy(p->service, x->service, sizeof p->service);
                p->len = o.len;
                memcpy(p->data, o.buf, o.len);
                *(s->packs_last ? &s->packs_last->next : &s->packs) = p;
                s->packs_last = p;
                s->packs_bytes += sizeof *p + p->len;
        }
        out_done(&o);
        x->count = 0;
}

void samples_pack(struct store *s, bool all)
{
        struct sampler *m = &s->sampler;

        for (uint32_t i = 0; i < m->count; i++)
                if (m->of[i].count && (all || m->of[i].count == SAMPLES_PER_PACK))
                        pack_one(s, &m->of[i]);
        /* names of two minutes: services that have gone take no room */
        m->count = 0;
        while (s->packs_bytes > WAITING_SAMPLES_MAX && !s->flying)
                drop_oldest(s);
}

void samples_free(struct store *s)
{
        samples_written(s, NULL);
        free(TAKE_PTR(s->sampler.of));
        s->sampler.count = s->sampler.size = 0;
}

/* ---- reading ---- */

struct fold {
        struct store_sample *point;
        uint32_t *known; /* per point and series */
        uint32_t points;
        int64_t from_ms, to_ms, step_ms;
};

static void fold_one(void *ctx, const struct store_sample *s)
{
        struct fold *f = ctx;

        if (s->time_ms < f->from_ms || s->time_ms >= f->to_ms)
                return;
        uint32_t at = (uint32_t)((s->time_ms - f->from_ms) / f->step_ms);
        if (at >= f->points)
                return;
        for (int k = 0; k < STORE_SERIES_COUNT; k++) {
                uint32_t *n = &f->known[at * STORE_SERIES_COUNT + (uint32_t)k];
                float *to = &f->point[at].value[k], v = s->value[k];
                if (!isfinite(v))
                        continue;
                ++*n;
                if (*n == 1)
                        *to = v;
                else if (series[k].join == JOIN_MAX)
                        *to = MAX(*to, v);
                else
                        *to += (v - *to) / (float)*n;
        }
}

static int fold_rows(const struct db *d, const char *sql, const char *service, struct fold *f)
{
        sqlite3_stmt *st = db_prepare(d, sql);
        int r = st ? SQLITE_ROW : SQLITE_ERROR;

        if (st) {
                d->q->bind_blob(st, 1, service, (int)strlen(service), SQLITE_STATIC);
                d->q->bind_int64(st, 2, f->from_ms);
                d->q->bind_int64(st, 3, f->to_ms);
        }
        while (st && (r = d->q->step(st)) == SQLITE_ROW)
                sample_unpack(d->q->column_blob(st, 0), (size_t)d->q->column_bytes(st, 0), fold_one, f);
        db_end(d, &st);
        return r;
}

static bool fold_stored(struct store *s, const char *service, struct fold *f)
{
        struct db *d = store_reader(s);
        /* the host has no name: service 0 */
        static const char *const hours[] = {"SELECT data FROM hour CROSS JOIN sample ON sample.hour = "
                                            "hour.id AND service = (SELECT id FROM"
                                            " name WHERE text = ?1) WHERE to_ms >= ?2 AND from_ms < ?3",
                "SELECT data FROM hour CROSS JOIN sample ON sample.hour = hour.id AND service = 0 AND ?1 IS "
                "NOT"
                " NULL WHERE to_ms >= ?2 AND from_ms < ?3"};
        static const char *const recent[] = {"SELECT data FROM sample_recent WHERE service = (SELECT id FROM "
                                             "name WHERE text = ?1) AND ?2 < ?3",
                "SELECT data FROM sample_recent WHERE service = 0 AND ?1 IS NOT NULL AND ?2 < ?3"};

        return d && fold_rows(d, hours[!*service], service, f) == SQLITE_DONE &&
               fold_rows(d, recent[!*service], service, f) == SQLITE_DONE;
}

static void fold_waiting(const struct store *s, const char *service, struct fold *f)
{
        for (const struct pack *p = s->packs; p; p = p->next)
                if (!strcmp(p->service, service))
                        sample_unpack(p->data, p->len, fold_one, f);
        for (uint32_t i = 0; i < s->sampler.count; i++)
                if (!strcmp(s->sampler.of[i].service, service))
                        for (uint32_t k = 0; k < s->sampler.of[i].count; k++)
                                fold_one(f, &s->sampler.of[i].sample[k]);
}

int store_history(struct store *s, const char *service, int64_t from_ms, int64_t to_ms, uint32_t points,
        struct store_sample *ret, int64_t *ret_step_ms, bool *ret_cut)
{
        int64_t span;

        if (from_ms < 0 || to_ms <= from_ms || __builtin_sub_overflow(to_ms, from_ms, &span) ||
                span > INT64_MAX / 2 || !points || points > STORE_POINTS)
                return -EINVAL;
        int64_t step = MAX((span + points - 1) / points, (int64_t)STORE_SAMPLE_MS);
        int64_t wanted = (span + step - 1) / step;
        wanted = MIN(wanted, (int64_t)points);
        struct fold f = {.point = ret,
                .points = (uint32_t)wanted,
                .from_ms = from_ms,
                .to_ms = to_ms,
                .step_ms = step};
        cleanup_free uint32_t *count = calloc((size_t)f.points * STORE_SERIES_COUNT, sizeof *count);

        if (!count)
                return -ENOMEM;
        f.known = count;
        for (uint32_t i = 0; i < f.points; i++) {
                ret[i].time_ms = from_ms + step * i;
                for (int k = 0; k < STORE_SERIES_COUNT; k++)
                        ret[i].value[k] = NAN;
        }
        *ret_step_ms = step;
        *ret_cut = !fold_stored(s, service ? service : "", &f) && s->state != STORE_OFF;
        fold_waiting(s, service ? service : "", &f);
        return (int)f.points;
}
