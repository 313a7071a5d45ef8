/* Reading a board: lookups, the kind of a zombie, rates. See view.h; the sentences are in view_text.c. */
#include "world/view.h"

#include "base/text.h"
#include "base/util.h"
#include "model/drill.h"

#include <errno.h>
#include <string.h>

enum { LINEAGE_MAX = 64 }; /* a garbage chain may be a circle */

double view_ratio(uint64_t part, uint64_t whole)
{
        if (!view_known(part) || !view_known(whole) || whole == 0)
                return NAN;
        return (double)part / (double)whole;
}

double view_age(uint64_t then_ns, uint64_t now_ns)
{
        if (then_ns == 0)
                return INFINITY;
        return now_ns > then_ns ? (double)(now_ns - then_ns) / (double)NSEC_PER_SEC : 0;
}

uint32_t view_processes(const struct board *b)
{
        return MIN(b->process_top, (uint32_t)BOARD_PROCESSES);
}

uint32_t view_services(const struct board *b)
{
        return MIN(b->service_top, (uint32_t)BOARD_SERVICES);
}

uint32_t view_findings(const struct board *b)
{
        return MIN(b->finding_top, (uint32_t)BOARD_FINDINGS);
}

const struct service *view_service(const struct board *b, uint16_t service)
{
        return &b->service[service < BOARD_SERVICES ? service : 0];
}

bool view_untold(const struct service *s)
{
        return (s->kind == SERVICE_CONTAINER || s->kind == SERVICE_COMPOSE) && !s->id[0];
}

bool view_service_used(const struct board *b, uint16_t service)
{
        return service < view_services(b) && b->service[service].kind != SERVICE_NONE &&
               b->service[service].name[0] != '\0';
}

bool view_is_drill(const struct service *s, uint64_t now_ns)
{
        return s->is_drill && s->drill_ns && view_age(s->drill_ns, now_ns) < DRILL_LASTS;
}

bool view_drills(const struct board *b, uint64_t now_ns)
{
        if (!b->drill_ns || view_age(b->drill_ns, now_ns) >= DRILL_LASTS)
                return false;
        for (uint32_t i = 1; i < view_services(b); i++)
                if (b->service[i].processes && view_is_drill(&b->service[i], now_ns))
                        return true;
        return false;
}

const char *view_service_name(const struct board *b, uint16_t service)
{
        const struct service *s = view_service(b, service);

        return s->name[0] && memchr(s->name, '\0', sizeof s->name) ? s->name : "(other)";
}

/* ---- processes ---- */

static bool unburied(const struct process *p)
{
        return p->state == PROCESS_ALIVE || p->state == PROCESS_LEADER || p->state == PROCESS_ZOMBIE;
}

static uint32_t pid_hash(int32_t pid)
{
        return (uint32_t)pid * UINT32_C(2654435761);
}

int view_index_init(struct view_index *ix, const struct board *b)
{
        uint32_t top = view_processes(b), count = 0, size = 64;

        for (uint32_t i = 1; i < top; i++)
                count += unburied(&b->process[i]);
        while (size < 2 * count)
                size *= 2;
        uint32_t *slot = calloc(size, sizeof *slot);
        if (!slot)
                return -ENOMEM;
        /* Entries may change state between the two loops only on a board that is being written; `count`
         * bounds what goes in. */
        for (uint32_t i = 1; i < top && count; i++) {
                const struct process *p = &b->process[i];

                if (!unburied(p))
                        continue;
                uint32_t at = pid_hash(p->pid) & (size - 1);
                while (slot[at])
                        at = (at + 1) & (size - 1);
                slot[at] = i;
                count--;
        }
        *ix = (struct view_index){.slot = slot, .mask = size - 1};
        return 0;
}

void view_index_done(struct view_index *ix)
{
        free(ix->slot);
        *ix = (struct view_index){};
}

const struct process *view_find(const struct board *b, int32_t pid)
{
        uint32_t top = view_processes(b);

        if (pid <= 0)
                return NULL;
        for (uint32_t i = 1; i < top; i++)
                if (b->process[i].pid == pid && unburied(&b->process[i]))
                        return &b->process[i];
        return NULL;
}

const struct process *view_find_in(const struct board *b, const struct view_index *ix, int32_t pid)
{
        if (!ix || !ix->slot)
                return view_find(b, pid);
        if (pid <= 0)
                return NULL;
        for (uint32_t at = pid_hash(pid) & ix->mask; ix->slot[at]; at = (at + 1) & ix->mask) {
                const struct process *p = &b->process[ix->slot[at]];

                if (p->pid == pid && unburied(p))
                        return p;
        }
        return NULL;
}

const struct process *view_parent(const struct board *b, const struct process *p)
{
        if (p->parent == 0 || p->parent >= view_processes(b))
                return NULL;
        const struct process *parent = &b->process[p->parent];

        return parent == p || parent->state == PROCESS_FREE ? NULL : parent;
}

const struct process *view_holder(const struct board *b, const struct view_index *ix, const struct process *p)
{
        if ((p->flags & PROCESS_F_PTRACED) && p->tracer_pid > 0)
                return view_find_in(b, ix, p->tracer_pid);
        const struct process *parent = view_parent(b, p);

        if (parent && parent->pid == p->ppid && unburied(parent))
                return parent;
        return view_find_in(b, ix, p->ppid);
}

bool view_is_pid1(const struct process *p)
{
        return p && (p->pid == 1 || (p->flags & PROCESS_F_INIT));
}

/* Was p handed over to its holder by the death of its parent? */
static bool reparented(const struct board *b, const struct process *p, const struct process *holder)
{
        const struct process *parent = view_parent(b, p);

        if (!(p->flags & PROCESS_F_PRE_EXISTING)) {
                if (parent)
                        return parent != holder;
                return view_is_pid1(holder);
        }
        if (parent && parent != holder)
                return true;
        if (!view_is_pid1(holder))
                return false;
        /* Found by a scan: only its session tells. That of the holder means born of it; one of its own
         * whose leader is somebody else means born in an exec or a probe. */
        if (p->origin == ORIGIN_HEALTHCHECK || p->origin == ORIGIN_EXEC)
                return true;
        return p->sid > 0 && p->sid != p->pid && holder->sid > 0 && p->sid != holder->sid;
}

enum zombie_kind view_kind_held(
        const struct board *b, const struct process *p, const struct process *holder, uint64_t now_ns)
{
        if (p->state == PROCESS_LEADER)
                return ZOMBIE_LEADER;
        if (view_age(p->exit_ns, now_ns) * (double)NSEC_PER_SEC < (double)b->grace_ns)
                return ZOMBIE_TRANSIENT;
        if (!holder || (p->flags & PROCESS_F_PTRACED))
                return ZOMBIE_UNREAPED;
        return reparented(b, p, holder) ? ZOMBIE_ORPHAN : ZOMBIE_UNREAPED;
}

enum zombie_kind view_kind(
        const struct board *b, const struct view_index *ix, const struct process *p, uint64_t now_ns)
{
        return view_kind_held(b, p, view_holder(b, ix, p), now_ns);
}

static const char *string_or(
        const struct board *b, uint32_t string, const char *other, size_t other_size, char *buf, size_t size)
{
        uint32_t top = MIN(b->string_top, (uint32_t)BOARD_STRINGS);
        const char *text = other;
        size_t bound = other_size;

        const struct board_string *s = string > 0 && string < top ? &b->string[string] : NULL;

        if (s && s->text[0]) {
                text = s->text;
                bound = sizeof s->text;
        }
        if (size)
                text_copy(buf, size, text, strnlen(text, bound));
        return buf;
}

const char *view_command(const struct board *b, const struct process *p, char *buf, size_t size)
{
        return string_or(b, p->command, p->comm, sizeof p->comm, buf, size);
}

const char *view_exe(const struct board *b, const struct process *p, char *buf, size_t size)
{
        return string_or(b, p->exe, "", 1, buf, size);
}

uint32_t view_lineage(
        const struct board *b, const struct process *p, const struct process **out, uint32_t max)
{
        uint32_t n = 0;

        while (n < MIN(max, (uint32_t)LINEAGE_MAX) && (p = view_parent(b, p)))
                out[n++] = p;
        return n;
}

/* ---- contributors ---- */

static double known_or_nan(uint64_t value)
{
        return view_known(value) ? (double)value : NAN;
}

double view_metric(const struct service *s, enum view_metric metric)
{
        switch (metric) {
        case VIEW_LOAD:
                return s->load1;
        case VIEW_CPU:
                return s->cpu_ratio;
        case VIEW_MEMORY:
                return known_or_nan(s->memory_bytes);
        case VIEW_GROWTH:
                return s->memory_slope_bytes_per_sec;
        case VIEW_TASKS:
                return (double)s->threads + s->held;
        case VIEW_FORKS:
                return s->fork_rate;
        case VIEW_STUCK:
                return s->uninterruptible;
        default:
                return NAN;
        }
}

uint32_t view_top(const struct board *b, enum view_metric metric, struct view_top *out, uint32_t max)
{
        uint32_t n = 0, top = view_services(b);

        for (uint32_t i = 0; i < top; i++) {
                double value = view_metric(&b->service[i], metric);
                uint32_t at = n;

                if (!view_service_used(b, (uint16_t)i) || !view_above(value, 0))
                        continue;
                while (at > 0 && out[at - 1].value < value)
                        at--;
                if (at >= max)
                        continue;
                n += n < max;
                memmove(&out[at + 1], &out[at], (n - at - 1) * sizeof *out);
                out[at] = (struct view_top){.service = (uint16_t)i, .value = value};
        }
        return n;
}

/* ---- rates ---- */

bool view_recent_at(const struct recent *r, uint32_t i, uint64_t *ret_ns, int32_t *ret_value)
{
        if (i >= BOARD_RECENT || i >= r->total)
                return false;
        size_t at = (size_t)((r->total - 1 - i) % BOARD_RECENT);

        *ret_ns = r->at_ns[at];
        if (ret_value)
                *ret_value = r->value[at];
        return true;
}

uint32_t view_recent(const struct recent *r, uint64_t now_ns, double window_sec)
{
        uint32_t n = 0;
        uint64_t at;

        for (uint32_t i = 0; view_recent_at(r, i, &at, NULL); i++)
                n += at != 0 && view_age(at, now_ns) <= window_sec;
        return n;
}

double view_pace(uint64_t n, uint64_t oldest_ns, uint64_t now_ns)
{
        if (n < 2)
                return (double)n;
        /* A handful within moments is no pace yet: at least a minute is looked at, unless so many happened
         * within less. */
        return (double)(n - 1) * 3600.0 / MAX(view_age(oldest_ns, now_ns), n < BOARD_RECENT ? 60.0 : 0.1);
}

double view_per_hour(const struct recent *r, uint64_t now_ns)
{
        uint32_t n = view_recent(r, now_ns, 3600);
        uint64_t oldest = 0;

        if (n < 2 || !view_recent_at(r, n - 1, &oldest, NULL))
                return n;
        return view_pace(n, oldest, now_ns);
}

double view_exhausted_in(const struct service *s, uint64_t now_ns)
{
        double rate = view_per_hour(&s->zombie_births, now_ns) / 3600;
        uint32_t n = view_recent(&s->zombie_births, now_ns, 3600);

        if (!view_known(s->pids_limit) || !view_known(s->pids) || s->pids_limit == 0 || n < 2)
                return NAN;
        if (s->pids >= s->pids_limit)
                return 0;
        return (double)(s->pids_limit - s->pids) / rate;
}
