/* Containers and their execs: see tracker.h.
 *
 * How a health check that timed out is known. Docker gives a probe its timeout from shortly before
 * exec_start, kills it then, and exec_die follows: measured 2 to 60 ms later with exit code 127, but the
 * code is no proof (137 also comes from a stopped container). So exec_die with such a code at or after the
 * timeout means timed out, and well before it means not; both cost no request. What is left is asked from
 * State.Health.Log, which names time-outs in words, by one inspection each: exec_die within the margin before
 * the timeout, or later but with a code of its own (a daemon that was stalled itself saw the end late); and
 * probes without any exec_die (a program that cannot be started; engines that do not kill), when the timeout
 * has passed by a second or the next probe of the container starts: the log holds the last five only, and
 * probes of one container never overlap, so none can have left the log by then.
 */
#include "source/engine/tracker.h"

#include "base/text.h"
#include "base/util.h"

#include <math.h>
#include <signal.h>
#include <string.h>

#define INSPECT_DELAY_NS   (20 * NSEC_PER_MSEC)  /* so that die and start of a restart are one inspection */
#define INSPECT_SPACING_NS (250 * NSEC_PER_MSEC) /* between two of one container */
#define INSPECT_RETRY_NS   (30 * NSEC_PER_SEC)
#define MARGIN_NS          ((int64_t)500 * (int64_t)NSEC_PER_MSEC)
#define OVERDUE_NS         ((int64_t)NSEC_PER_SEC)
#define HELD_NS            ((int64_t)2 * (int64_t)NSEC_PER_SEC) /* the longest wait for the log's word */
#define GIVE_UP_NS         ((int64_t)30 * (int64_t)NSEC_PER_SEC)

enum { RUNS_MAX = 64 };

enum run_kind {
        RUN_UNDECIDED = 0, /* the container's health check is not known yet */
        RUN_PROBE,
        RUN_EXEC,
};

struct run {
        struct run *next; /* newest first */
        char id[72];
        int64_t start_unix_ns, end_unix_ns; /* end 0 while it runs */
        int64_t superseded_unix_ns;         /* start of the next probe, when it came before this one's end */
        int32_t code;
        uint8_t kind;
        bool replayed, doubtful; /* doubtful: its end may have been missed */
        bool asked;              /* the log was or is being asked */
        uint64_t hash;
        char command[BOARD_STRING];
};

struct tracked {
        struct tracked *next;
        struct container c;
        bool full;         /* c comes from an inspection, not only from an event or the list */
        bool stop_told;    /* a person's stop since the last start */
        bool under_way;    /* being inspected */
        bool sync_pending; /* synced waits for its inspection */
        uint32_t listing;  /* last listing that had it */
        uint64_t want_ns;  /* when to inspect, 0 = no need */
        uint64_t inspected_ns;
        uint64_t health_hash;
        int64_t started_unix_ns;
        int64_t logged_unix_ns; /* end of the last probe told from the health log */
        int32_t stop_signal;
        uint32_t run_count;
        struct run *runs;
};

/* ---- the table ---- */

static struct tracked **bucket_of(struct tracker *t, const char *id)
{
        uint32_t h = 5381;

        for (int i = 0; i < 12 && id[i]; i++)
                h = h * 33 + (unsigned char)id[i];
        return &t->bucket[h % TRACKER_BUCKETS];
}

static struct tracked *find(struct tracker *t, const char *id)
{
        for (struct tracked *c = *bucket_of(t, id); c; c = c->next)
                if (!strcmp(c->c.id, id))
                        return c;
        return NULL;
}

/* NULL when there are too many, or no memory. */
static struct tracked *find_or_add(struct tracker *t, const struct container *brief)
{
        struct tracked *c = find(t, brief->id), **b = bucket_of(t, brief->id);

        if (c)
                return c;
        c = t->count < BOARD_CONTAINERS - 1 ? calloc(1, sizeof *c) : NULL;
        if (!c) {
                t->overflow++;
                return NULL;
        }
        c->c = *brief;
        c->next = *b;
        *b = c;
        t->count++;
        t->ops->container(t->ctx, &c->c);
        return c;
}

static void drop(struct tracker *t, struct tracked *c)
{
        struct tracked **p = bucket_of(t, c->c.id);

        while (*p != c)
                p = &(*p)->next;
        *p = c->next;
        for (struct run *r = c->runs, *next; r; r = next) {
                next = r->next;
                t->runs--;
                free(r);
        }
        t->count--;
        free(c);
}

/* The first (c NULL) or the next of all. */
static struct tracked *tracked_after(struct tracker *t, const struct tracked *c)
{
        struct tracked **b = c ? bucket_of(t, c->c.id) + 1 : t->bucket;

        if (c && c->next)
                return c->next;
        while (b < t->bucket + TRACKER_BUCKETS && !*b)
                b++;
        return b < t->bucket + TRACKER_BUCKETS ? *b : NULL;
}

void tracker_init(struct tracker *t, const struct tracker_ops *ops, void *ctx)
{
        *t = (struct tracker){.ops = ops, .ctx = ctx};
}

void tracker_done(struct tracker *t)
{
        for (struct tracked *c; (c = tracked_after(t, NULL));)
                drop(t, c);
}

/* ---- what is to be inspected ---- */

static void want(struct tracked *c, uint64_t due_ns)
{
        if (c->inspected_ns)
                due_ns = MAX(due_ns, c->inspected_ns + INSPECT_SPACING_NS);
        if (!c->want_ns || due_ns < c->want_ns)
                c->want_ns = due_ns;
}

bool tracker_next_inspection(struct tracker *t, uint64_t now_ns, char ret_id[72], uint64_t *ret_due_ns)
{
        struct tracked *best = NULL;

        for (struct tracked *c = tracked_after(t, NULL); c; c = tracked_after(t, c))
                if (c->want_ns && !c->under_way && (!best || c->want_ns < best->want_ns))
                        best = c;
        *ret_due_ns = best ? best->want_ns : 0;
        if (!best || best->want_ns > now_ns)
                return false;
        best->under_way = true;
        best->want_ns = 0;
        best->inspected_ns = now_ns;
        text_set(ret_id, 72, best->c.id);
        return true;
}

/* ---- execs ---- */

static void tell(struct tracker *t, const struct tracked *c, struct engine_event *e)
{
        text_set(e->id, sizeof e->id, c->c.id);
        t->ops->event(t->ctx, e);
}

static void run_tell_start(struct tracker *t, struct tracked *c, struct run *r)
{
        struct engine_event e = {
                .kind = r->kind == RUN_PROBE ? CONTAINER_EVENT_PROBE_START : CONTAINER_EVENT_EXEC_START,
                .replayed = r->replayed,
                .unix_ns = r->start_unix_ns,
                .value = NAN,
        };

        text_set(e.exec_id, sizeof e.exec_id, r->id);
        text_set(e.command, sizeof e.command, r->command);
        tell(t, c, &e);
}

static void run_free(struct tracker *t, struct tracked *c, struct run *r)
{
        struct run **p = &c->runs;

        while (*p != r)
                p = &(*p)->next;
        *p = r->next;
        c->run_count--;
        t->runs--;
        free(r);
}

/* end 0: not known. Frees r. */
static void run_tell_end(struct tracker *t, struct tracked *c, struct run *r, int64_t end_unix_ns,
        int32_t code, bool timed_out)
{
        struct engine_event e = {
                .kind = r->kind == RUN_PROBE ? CONTAINER_EVENT_PROBE_END : CONTAINER_EVENT_EXEC_END,
                .replayed = r->replayed,
                .unix_ns = end_unix_ns ? end_unix_ns : r->start_unix_ns,
                .value = end_unix_ns ? (double)(end_unix_ns - r->start_unix_ns) / 1e9 : NAN,
                .code = code,
                .timed_out = timed_out && r->kind == RUN_PROBE,
        };

        text_set(e.exec_id, sizeof e.exec_id, r->id);
        text_set(e.command, sizeof e.command, r->command);
        tell(t, c, &e);
        run_free(t, c, r);
}

static int64_t timeout_of(const struct tracked *c)
{
        return (int64_t)MIN(c->c.health_timeout_ns, (uint64_t)INT64_MAX / 4);
}

static int64_t margin_of(const struct tracked *c)
{
        return MIN(MARGIN_NS, timeout_of(c) / 4);
}

/* Exit codes that a kill leaves: Docker's own 127 when it no longer knows, else the shell's convention. */
static bool killed(int32_t code)
{
        return code == 127 || code == 128 + SIGKILL || code == 128 + SIGTERM;
}

/* Tells the end of a run that has one, unless the log must be asked first. */
static void run_ended(struct tracker *t, struct tracked *c, struct run *r, struct tracker_time now)
{
        int64_t took = r->end_unix_ns - r->start_unix_ns, timeout = timeout_of(c);

        if (r->kind == RUN_UNDECIDED)
                return;
        if (r->kind == RUN_PROBE && took >= timeout - margin_of(c) && (took < timeout || !killed(r->code))) {
                r->asked = true;
                want(c, now.boot_ns);
                return;
        }
        run_tell_end(t, c, r, r->end_unix_ns, r->code, took >= timeout);
}

static void run_decide(struct tracker *t, struct tracked *c, struct run *r)
{
        r->kind = c->c.health_command[0] && r->hash == c->health_hash ? RUN_PROBE : RUN_EXEC;
        run_tell_start(t, c, r);
}

static void exec_started(struct tracker *t, struct tracked *c, const struct docker_event *e, bool replayed,
        struct tracker_time now)
{
        struct run *r = calloc(1, sizeof *r);

        if (!r)
                return;
        if (c->run_count >= RUNS_MAX) {
                struct run *oldest = c->runs;
                while (oldest->next)
                        oldest = oldest->next;
                if (oldest->kind == RUN_UNDECIDED)
                        run_free(t, c, oldest);
                else
                        run_tell_end(t, c, oldest, 0, -1, false);
        }
        text_set(r->id, sizeof r->id, e->exec_id);
        text_set(r->command, sizeof r->command, e->command);
        r->hash = e->command_hash;
        r->start_unix_ns = e->unix_ns;
        r->replayed = replayed;
        if (c->full)
                run_decide(t, c, r);
        else
                want(c, now.boot_ns);
        if (r->kind == RUN_PROBE)
                for (struct run *old = c->runs; old; old = old->next)
                        if (old->kind == RUN_PROBE && !old->end_unix_ns && !old->superseded_unix_ns) {
                                old->superseded_unix_ns = e->unix_ns;
                                old->asked = true;
                                want(c, now.boot_ns);
                        }
        r->next = c->runs;
        c->runs = r;
        c->run_count++;
        t->runs++;
}

/* An exec that began before we listened is not known here: its start was not told, nor is its end. */
static void exec_died(
        struct tracker *t, struct tracked *c, const struct docker_event *e, struct tracker_time now)
{
        for (struct run *r = c->runs; r; r = r->next)
                if (!r->end_unix_ns && !strcmp(r->id, e->exec_id)) {
                        r->end_unix_ns = MAX(e->unix_ns, r->start_unix_ns + 1);
                        r->code = e->exit_code;
                        run_ended(t, c, r, now);
                        return;
                }
}

/* The next probe starts an interval after this one was over. */
static void superseded(struct tracker *t, struct tracked *c, struct run *r)
{
        int64_t end = r->superseded_unix_ns - (int64_t)MIN(c->c.health_interval_ns, (uint64_t)INT64_MAX / 4);

        run_tell_end(t, c, r, MAX(end, r->start_unix_ns + 1), -1,
                end - r->start_unix_ns >= timeout_of(c) - margin_of(c));
}

/* Nothing in a container outlives it. */
static void end_all_runs(struct tracker *t, struct tracked *c, int64_t unix_ns)
{
        for (struct run *r = c->runs, *next; r; r = next) {
                next = r->next;
                int64_t end = r->end_unix_ns ? r->end_unix_ns : MAX(unix_ns, r->start_unix_ns + 1);
                int32_t code = r->end_unix_ns ? r->code : 128 + SIGKILL;
                if (r->kind == RUN_UNDECIDED)
                        run_free(t, c, r);
                else if (r->doubtful && !r->end_unix_ns)
                        run_tell_end(t, c, r, 0, -1, false);
                else if (r->superseded_unix_ns && !r->end_unix_ns)
                        superseded(t, c, r);
                else
                        run_tell_end(t, c, r, end, code, end - r->start_unix_ns >= timeout_of(c));
        }
}

/* ---- what the health log knows ---- */

/* Probes of one container never overlap, so the entry that encloses the start of a run is the run's. The
 * log's clock is read a little before the event's. */
static const struct docker_probe *log_entry(const struct docker_container *d, const struct run *r)
{
        for (uint32_t i = 0; i < d->probe_count; i++)
                if (d->probe[i].start_unix_ns <= r->start_unix_ns &&
                        r->start_unix_ns <= d->probe[i].end_unix_ns)
                        return &d->probe[i];
        return NULL;
}

static void settle_runs(
        struct tracker *t, struct tracked *c, const struct docker_container *d, struct tracker_time now)
{
        for (struct run *r = c->runs, *next; r; r = next) {
                next = r->next;
                if (r->kind == RUN_UNDECIDED) {
                        run_decide(t, c, r);
                        if (r->end_unix_ns)
                                run_ended(t, c, r, now);
                        continue;
                }
                const struct docker_probe *p = r->kind == RUN_PROBE && r->asked ? log_entry(d, r) : NULL;
                if (p)
                        run_tell_end(t, c, r, r->end_unix_ns ? r->end_unix_ns : p->end_unix_ns,
                                r->end_unix_ns ? r->code : p->exit_code, p->timed_out);
        }
}

/* Without a word from the log: what follows from the times alone. */
static void settle_without_log(struct tracker *t, struct tracked *c, struct run *r, struct tracker_time now)
{
        int64_t timeout = timeout_of(c), age = now.unix_ns - r->start_unix_ns;

        if (r->end_unix_ns) {
                if (now.unix_ns - r->end_unix_ns > HELD_NS)
                        run_tell_end(t, c, r, r->end_unix_ns, r->code,
                                r->end_unix_ns - r->start_unix_ns >= timeout || killed(r->code));
        } else if (r->superseded_unix_ns) {
                if (now.unix_ns - r->superseded_unix_ns > HELD_NS)
                        superseded(t, c, r);
        } else if (age > timeout + GIVE_UP_NS) {
                run_tell_end(t, c, r, 0, -1, !r->doubtful);
        } else if (age > timeout + OVERDUE_NS && !r->asked) {
                r->asked = true;
                want(c, now.boot_ns);
        }
}

void tracker_tick(struct tracker *t, struct tracker_time now)
{
        if (!t->runs)
                return;
        for (struct tracked *c = tracked_after(t, NULL); c; c = tracked_after(t, c)) {
                for (struct run *r = c->runs, *next; r; r = next) {
                        next = r->next;
                        if (r->kind == RUN_PROBE)
                                settle_without_log(t, c, r, now);
                }
        }
}

/* Probes of the time before we listened, which the log of a container new to us still holds: a service whose
 * probes time out is known as such from the first second. And, with an engine whose events say nothing about
 * single execs, all others: there the log is all there is. */
static void tell_logged_probes(
        struct tracker *t, struct tracked *c, const struct docker_container *d, bool first)
{
        for (uint32_t i = 0; i < d->probe_count; i++) {
                const struct docker_probe *p = &d->probe[i];
                bool past = p->start_unix_ns < t->listening_since_unix_ns;
                int64_t took = p->end_unix_ns - p->start_unix_ns;
                if (!p->start_unix_ns || took < 0 || p->end_unix_ns <= c->logged_unix_ns ||
                        !(past ? first : t->probes_from_log))
                        continue;
                struct engine_event e = {.kind = CONTAINER_EVENT_PROBE_END,
                        .replayed = past,
                        .unix_ns = p->end_unix_ns,
                        .value = (double)took / 1e9,
                        .code = p->exit_code,
                        .timed_out = p->timed_out ||
                                     (t->probes_from_log && p->exit_code == -1 && took >= timeout_of(c))};
                text_set(e.command, sizeof e.command, c->c.health_command);
                tell(t, c, &e);
                c->logged_unix_ns = p->end_unix_ns;
        }
}

/* ---- events ---- */

static bool stops(const struct tracked *c, int32_t sig)
{
        return sig == SIGTERM || sig == SIGKILL || sig == SIGINT || sig == SIGQUIT ||
               (sig && sig == c->stop_signal);
}

/* docker stop says kill, die, stop; docker kill says kill, die; a restart kill, die, stop, start, restart.
 * The guard wants to know before the death that a person wished it, and once. */
static uint8_t stop_kind(struct tracked *c, const struct docker_event *e)
{
        if (c->stop_told || (e->action == DOCKER_KILL && !stops(c, e->signal)))
                return 0;
        c->stop_told = true;
        return CONTAINER_EVENT_STOP;
}

static double ran_seconds(const struct tracked *c, const struct docker_event *e)
{
        if (!isnan(e->ran))
                return e->ran;
        if (c->started_unix_ns <= 0 || e->unix_ns < c->started_unix_ns)
                return NAN;
        return (double)(e->unix_ns - c->started_unix_ns) / 1e9;
}

static uint8_t plain_kind(enum docker_action action)
{
        static const uint8_t kinds[] = {
                [DOCKER_CREATE] = CONTAINER_EVENT_CREATE,
                [DOCKER_RESTART] = CONTAINER_EVENT_RESTART,
                [DOCKER_PAUSE] = CONTAINER_EVENT_PAUSE,
                [DOCKER_UNPAUSE] = CONTAINER_EVENT_UNPAUSE,
                [DOCKER_DESTROY] = CONTAINER_EVENT_DESTROY,
                [DOCKER_OOM] = CONTAINER_EVENT_OOM,
                [DOCKER_UPDATE] = CONTAINER_EVENT_UPDATE,
                [DOCKER_RENAME] = CONTAINER_EVENT_RENAME,
                [DOCKER_HEALTH] = CONTAINER_EVENT_HEALTH,
        };

        return action < ARRAY_SIZE(kinds) ? kinds[action] : 0;
}

static void apply(struct tracker *t, struct tracked *c, const struct docker_event *d, bool replayed)
{
        struct engine_event e = {.replayed = replayed, .unix_ns = d->unix_ns, .value = NAN};

        e.kind = plain_kind(d->action);
        if (d->action == DOCKER_START) {
                e.kind = CONTAINER_EVENT_START;
                c->stop_told = false;
                c->started_unix_ns = d->unix_ns;
                c->c.state = CONTAINER_RUNNING;
        } else if (d->action == DOCKER_DIE) {
                end_all_runs(t, c, d->unix_ns);
                e.kind = CONTAINER_EVENT_DIE;
                e.code = d->exit_code;
                e.value = ran_seconds(c, d);
                c->c.state = CONTAINER_EXITED;
        } else if (d->action == DOCKER_KILL || d->action == DOCKER_STOP) {
                e.kind = stop_kind(c, d);
        } else if (d->action == DOCKER_HEALTH) {
                e.code = d->health;
                if (d->health == HEALTH_NONE) /* Podman: a probe ran, the inspection will say how */
                        e.kind = 0;
        }
        if (e.kind)
                tell(t, c, &e);
}

void tracker_event(struct tracker *t, const struct docker_event *e, bool replayed, struct tracker_time now)
{
        struct tracked *c = e->action == DOCKER_OTHER ? NULL : find_or_add(t, &e->container);

        if (!c)
                return;
        if (e->action == DOCKER_EXEC_START) {
                exec_started(t, c, e, replayed, now);
                return;
        }
        if (e->action == DOCKER_EXEC_DIE) {
                exec_died(t, c, e, now);
                return;
        }
        apply(t, c, e, replayed);
        if (e->action == DOCKER_DESTROY)
                drop(t, c);
        else if (e->action != DOCKER_KILL && e->action != DOCKER_OOM)
                want(c, now.boot_ns + INSPECT_DELAY_NS);
}

/* ---- listings and inspections ---- */

static void check_synced(struct tracker *t)
{
        if (!t->syncing)
                return;
        for (struct tracked *c = tracked_after(t, NULL); c; c = tracked_after(t, c))
                if (c->sync_pending)
                        return;
        t->syncing = false;
        t->ops->synced(t->ctx);
}

void tracker_list_begin(struct tracker *t, bool resync)
{
        t->listing++;
        t->syncing = resync;
        for (struct tracked *c = tracked_after(t, NULL); c; c = tracked_after(t, c))
                c->sync_pending = false;
}

void tracker_listed(struct tracker *t, const struct container *brief, struct tracker_time now)
{
        struct tracked *c = find_or_add(t, brief);

        if (!c)
                return;
        c->listing = t->listing;
        c->sync_pending = t->syncing;
        if (t->syncing || !c->full || c->c.state != brief->state)
                want(c, now.boot_ns);
}

void tracker_list_end(struct tracker *t, struct tracker_time now)
{
        for (struct tracked *c = tracked_after(t, NULL), *next; c; c = next) {
                next = tracked_after(t, c);
                /* One created after the listing was made is wanted because of its event. */
                if (c->listing == t->listing || c->want_ns || c->under_way)
                        continue;
                struct engine_event e = {
                        .kind = CONTAINER_EVENT_DESTROY, .unix_ns = now.unix_ns, .value = NAN};
                end_all_runs(t, c, now.unix_ns);
                tell(t, c, &e);
                drop(t, c);
        }
        check_synced(t);
}

void tracker_inspected(struct tracker *t, const struct docker_container *d, struct tracker_time now)
{
        struct tracked *c = find(t, d->c.id);

        if (!c) /* destroyed meanwhile */
                return;
        bool first = !c->full;
        c->under_way = c->sync_pending = false;
        c->full = true;
        c->c = d->c;
        c->health_hash = d->health_hash;
        c->stop_signal = d->stop_signal;
        if (d->started_unix_ns > c->started_unix_ns)
                c->started_unix_ns = d->started_unix_ns;
        t->ops->container(t->ctx, &c->c);
        tell_logged_probes(t, c, d, first);
        settle_runs(t, c, d, now);
        check_synced(t);
}

void tracker_gone(struct tracker *t, const char *id, struct tracker_time now)
{
        struct tracked *c = find(t, id);
        struct engine_event e = {.kind = CONTAINER_EVENT_DESTROY, .unix_ns = now.unix_ns, .value = NAN};

        if (!c)
                return;
        end_all_runs(t, c, now.unix_ns);
        tell(t, c, &e);
        drop(t, c);
        check_synced(t);
}

void tracker_not_inspected(struct tracker *t, const char *id, struct tracker_time now)
{
        struct tracked *c = find(t, id);

        if (!c)
                return;
        c->under_way = false;
        want(c, now.boot_ns + INSPECT_RETRY_NS);
        if (c->sync_pending) { /* what we know of it must do, lest it be taken for gone */
                c->sync_pending = false;
                t->ops->container(t->ctx, &c->c);
        }
        check_synced(t);
}

void tracker_disconnected(struct tracker *t)
{
        t->syncing = false;
        for (struct tracked *c = tracked_after(t, NULL); c; c = tracked_after(t, c)) {
                c->under_way = c->sync_pending = false;
                for (struct run *r = c->runs; r; r = r->next)
                        r->doubtful = true;
        }
}
