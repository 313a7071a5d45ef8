/* The ladder against a simple model, by random lives of a host: services that storm, leak, fork and crash;
 * people who pause, update, release, deploy; a hand that refuses, fails and is overruled; configurations that
 * change, a clock that jumps, guards that are killed. Whatever happens: nobody is touched who must not be;
 * only who has most of the trouble is; every action has an end; no more than so many a minute; nothing flaps;
 * and when all is calm nothing stands.
 */
#include "base/text.h"
#include "ladder/internal.h"
#include "ladder_lab.h"
#include "world/view.h"

enum { SERVICES = 10, HOUR = 3600, MAX_PER_HOUR = 12 };

struct model {
        struct yard *y;
        uint64_t random;
        uint32_t seen; /* orders looked at */
        uint64_t left_alone_ns[YARD_SERVICES];
        uint64_t freezes[YARD_SERVICES][MAX_PER_HOUR];
        uint32_t frozen[YARD_SERVICES];
        uint64_t budget_from_ns[YARD_SERVICES];
        uint64_t stormed_ns[YARD_SERVICES];
        double share[YARD_SERVICES][4]; /* of the trouble, in the last seconds */
        uint32_t faults;
};

static uint32_t dice(struct model *m, uint32_t sides)
{
        m->random ^= m->random << 13;
        m->random ^= m->random >> 7;
        m->random ^= m->random << 17;
        return (uint32_t)((m->random * UINT64_C(2685821657736338717)) >> 33) % sides;
}

static void fault(struct model *m, const struct yard_order *o, const char *what)
{
        if (m->faults++ < 5)
                printf("# %s: %s of %s by %s: %s\n", what, action_kind_name((uint8_t)o->o.kind),
                        m->y->b->service[o->o.service].name, o->o.who, o->o.reason);
}

/* ---- what the model knows ---- */

static bool may_touch(const struct model *m, uint16_t i)
{
        const struct service *s = &m->y->b->service[i];
        bool named = m->y->cfg.act_only_in_count == 0;

        for (uint32_t k = 0; k < m->y->cfg.act_only_in_count; k++)
                named = named || text_glob(m->y->cfg.act_only_in[k], s->name);
        return named && !s->protect && !s->is_self && s->kind != SERVICE_KERNEL && s->kind != SERVICE_HOST &&
               s->state != CONTAINER_PAUSED;
}

static bool observes(const struct model *m, uint16_t i)
{
        uint8_t label = m->y->b->service[i].labels.mode;

        return label ? label == 1 : m->y->cfg.mode == MODE_OBSERVE;
}

static bool has_end(const struct ladder_order *o)
{
        return o->ttl_ns > 0 || o->kind == ACTION_STOP || o->kind == ACTION_RESTART || o->kind == ACTION_BURY;
}

static void note_shares(struct model *m)
{
        const struct board *b = m->y->b;
        double load = 0, cpu = 0;

        for (uint32_t i = 1; i <= SERVICES; i++) {
                load += b->service[i].load1;
                cpu += b->service[i].cpu_ratio;
        }
        for (uint32_t i = 1; i <= SERVICES; i++) {
                if (b->service[i].fork_rate >= 1000)
                        m->stormed_ns[i] = m->y->lab->now;
                memmove(m->share[i] + 1, m->share[i], sizeof m->share[i] - sizeof m->share[i][0]);
                m->share[i][0] = (load > 0 ? b->service[i].load1 / load : 0) / 2 +
                                 (cpu > 0 ? b->service[i].cpu_ratio / cpu : 0) / 2;
        }
}

static bool had_most(const struct model *m, uint16_t i)
{
        for (size_t k = 0; k < ARRAY_SIZE(m->share[i]); k++)
                if (m->share[i][k] >= 0.45)
                        return true;
        return false;
}

static uint32_t crashes(const struct model *m, uint16_t i, uint64_t now_ns)
{
        const struct service *s = &m->y->b->service[i];
        uint64_t at;
        int32_t code;
        uint32_t n = 0;

        for (uint32_t k = 0; view_recent_at(&s->restarts, k, &at, &code); k++)
                n += code == 1 && at > m->budget_from_ns[i] &&
                     now_ns - at <= FAKE_S(m->y->cfg.ladder.restart_budget_window);
        return n;
}

/* ---- judging an order ---- */

static void judge_culprit(struct model *m, const struct yard_order *o)
{
        const struct service *s = &m->y->b->service[o->o.service];

        if (!strcmp(o->o.who, "budget")) {
                if (crashes(m, o->o.service, o->at_ns) <= (uint32_t)m->y->cfg.ladder.restart_budget_restarts)
                        fault(m, o, "a budget that isn't spent");
        } else if (strstr(o->o.reason, "breaker: ") || strstr(o->o.reason, "saturation: ")) {
                if (!had_most(m, o->o.service))
                        fault(m, o, "not the culprit");
        } else if (strstr(o->o.reason, "fork_storm: ")) {
                if (o->at_ns > m->stormed_ns[o->o.service] + FAKE_S(4))
                        fault(m, o, "no storm of its");
        } else if (strstr(o->o.reason, "zombie_leak: ")) {
                if (!s->held || (o->o.kind == ACTION_BURY && !s->labels.bury) ||
                        (o->o.kind == ACTION_RESTART && s->pids_limit != 15))
                        fault(m, o, "no leak that matters");
        } else if (strstr(o->o.reason, "memory: ")) {
                if (s->memory_bytes < UINT64_C(1) << 30)
                        fault(m, o, "doesn't fill the memory");
        } else {
                fault(m, o, "an order without a reason");
        }
}

static void judge_pace(struct model *m, const struct yard_order *o)
{
        uint32_t minute = 0, at = o->o.service;
        uint64_t *slot = &m->freezes[at][m->frozen[at] % MAX_PER_HOUR];

        for (uint32_t i = 0; i < m->seen; i++)
                minute += o->at_ns - m->y->order[i % YARD_ORDERS].at_ns < FAKE_S(60) && i + 64 > m->seen;
        if (minute + 1 > (uint32_t)m->y->cfg.actions.max_per_minute)
                fault(m, o, "too many a minute");
        if (o->o.kind != ACTION_FREEZE)
                return;
        if (*slot && o->at_ns - *slot < FAKE_S(HOUR))
                fault(m, o, "flaps");
        *slot = o->at_ns;
        m->frozen[at]++;
}

static void judge_order(struct model *m, const struct yard_order *o)
{
        struct yard *y = m->y;
        uint16_t i = o->o.service;

        if (!may_touch(m, i))
                fault(m, o, "must not be touched");
        if (!has_end(&o->o))
                fault(m, o, "has no end");
        if (o->o.would != observes(m, i) && y->l->breaker.forced <= 0)
                fault(m, o, "not its mode");
        if (o->at_ns < m->left_alone_ns[i])
                fault(m, o, "was to be left alone");
        if (!o->o.reason[0] || !o->o.measure[0].name[0])
                fault(m, o, "without evidence");
        if (!yard_row(y, o->id))
                fault(m, o, "without a record");
        for (uint32_t k = 1; k < y->b->action_top && !o->o.would; k++) {
                const struct action *a = &y->b->action[k];
                if (a->id < o->id && a->state == ACTION_ACTIVE && a->service == i && a->kind == o->o.kind)
                        fault(m, o, "stands already");
        }
        judge_culprit(m, o);
        judge_pace(m, o);
}

/* ---- what happens ---- */

static void person_does(struct model *m, uint16_t i, enum person_act act)
{
        struct service *s = &m->y->b->service[i];

        s->person_act = (uint8_t)act;
        s->person_ns = m->y->lab->now + 1;
        if (act == PERSON_PAUSE)
                s->state = CONTAINER_PAUSED;
        else if (act != PERSON_UPDATE)
                s->state = CONTAINER_RUNNING;
        if (act == PERSON_START)
                m->y->stopped[i] = false;
        bool ours = s->person_ns < m->y->l->memory[i].ours_ns; /* it would be taken for the hand's own stop */
        if (!ours && (act == PERSON_START || case_of(m->y->l, i)))
                m->budget_from_ns[i] = s->person_ns;
}

static void released(struct model *m, uint16_t i)
{
        struct yard *y = m->y;

        for (uint32_t k = 1; k < y->b->action_top; k++)
                if (y->b->action[k].state == ACTION_ACTIVE && y->b->action[k].service == i)
                        yard_undo(y, y->b->action[k].id, "released", y->lab->now);
        yard_released(y, i);
        m->left_alone_ns[i] = y->lab->now + FAKE_S(y->cfg.ladder.acting_respect);
        m->budget_from_ns[i] = y->lab->now;
}

/* Somebody else undid what stood, or it failed. */
static void reverted(struct model *m, uint8_t state)
{
        struct yard *y = m->y;

        for (uint32_t k = 1; k < y->b->action_top; k++) {
                struct action *a = &y->b->action[k];
                if (a->state != ACTION_ACTIVE || dice(m, 2))
                        continue;
                a->state = state;
                a->ended_ns = y->lab->now;
                yard_effect(y, a, false);
                return;
        }
}

static void configure(struct model *m)
{
        struct yard *y = m->y;

        y->cfg.mode = dice(m, 4) ? MODE_ENFORCE : MODE_OBSERVE;
        y->cfg.actions.max_per_minute = 1 + dice(m, 6);
        y->cfg.act_only_in_count = !dice(m, 4);
        strcpy(y->cfg.act_only_in[0], "s?");
        yard_configure(y);
}

static void second(struct model *m)
{
        uint32_t before = m->y->l->breaker.opened;

        uint64_t used = 0;
        for (uint32_t i = 1; i <= SERVICES; i++)
                used += m->y->b->service[i].memory_bytes;
        m->y->b->host.memory_available_bytes =
                m->y->b->host.memory_bytes - MIN(used, m->y->b->host.memory_bytes);
        yard_tick(m->y, 1);
        note_shares(m);
        for (; m->seen < m->y->orders; m->seen++)
                judge_order(m, &m->y->order[m->seen % YARD_ORDERS]);
        if (m->y->l->breaker.opened > before + 1)
                m->faults++;
}

static void crash_again_and_again(struct model *m, uint16_t i)
{
        struct yard *y = m->y;
        struct service *s = &y->b->service[i];

        for (uint32_t n = dice(m, 6); n && !y->stopped[i] && !y->frozen[i] && s->state == CONTAINER_RUNNING;
                n--) {
                fake_recent(&s->restarts, y->lab->now, dice(m, 8) ? 1 : 0);
                ladder_look(y->l, y->lab->now);
                second(m);
        }
}

static void happens_to(struct model *m, uint16_t i)
{
        struct yard *y = m->y;
        struct service *s = &y->b->service[i];

        switch (dice(m, 18)) {
        case 0:
        case 1:
                y->want[i] = 5 + dice(m, 60);
                break;
        case 2:
        case 3:
        case 4:
                y->want[i] = dice(m, 10) / 10.0;
                break;
        case 5:
                s->fork_rate = dice(m, 2) ? 3000 : 0;
                break;
        case 6:
        case 7:
                crash_again_and_again(m, i);
                break;
        case 8:
                person_does(m, i, PERSON_PAUSE);
                break;
        case 9:
                person_does(m, i, dice(m, 2) ? PERSON_UNPAUSE : PERSON_UPDATE);
                break;
        case 10:
                person_does(m, i, PERSON_START);
                break;
        case 11:
                s->deployed_ns = y->lab->now + 1;
                m->budget_from_ns[i] = y->lab->now + 1;
                y->stopped[i] = false;
                break;
        case 12:
                released(m, i);
                break;
        case 13:
                s->pids = 14;
                s->pids_limit = dice(m, 2) ? 15 : BOARD_UNKNOWN;
                break;
        case 14:
                s->labels.mode = (uint8_t)dice(m, 3);
                break;
        case 15:
                s->protect = !dice(m, 3);
                break;
        case 16:
                s->memory_bytes = (uint64_t)dice(m, 4) << 30;
                break;
        default:
                s->autoheal = !dice(m, 3);
                break;
        }
}

static void happens(struct model *m)
{
        struct yard *y = m->y;
        static const int answers[] = {0, 0, 0, -EAGAIN, -ENOTSUP, -EIO, -ENOENT, -EALREADY};

        switch (dice(m, 12)) {
        case 0:
                reverted(m, dice(m, 2) ? ACTION_UNDONE : ACTION_FAILED);
                break;
        case 1:
                configure(m);
                break;
        case 2:
                y->answer = answers[dice(m, ARRAY_SIZE(answers))];
                break;
        case 3:
                ladder_breaker_force(y->l, (int)dice(m, 3) - 1, y->lab->now);
                break;
        case 4:
                y->lab->now += FAKE_S(dice(m, 300)); /* the host slept */
                break;
        case 5:
                yard_guard_killed(y);
                break;
        default:
                happens_to(m, (uint16_t)(1 + dice(m, SERVICES)));
                break;
        }
}

/* ---- lives ---- */

static void begin(struct model *m, uint64_t seed)
{
        struct yard *y = yard_new(MODE_ENFORCE);

        *m = (struct model){.y = y, .random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1};
        y->cfg.detect.saturation_for = 10;
        y->cfg.detect.fork_storm_for = 5;
        y->cfg.ladder.breaker_for = 15;
        for (uint32_t i = 1; i <= SERVICES; i++) {
                char name[16];
                snprintf(name, sizeof name, i > 7 ? "t%u" : "s%u", i);
                yard_service(y, name, 0.1);
        }
        for (uint16_t i = 3; i <= 6; i += 3) {
                uint32_t holder = fake_process(y->b, i, 100 * i, 0, "worker");
                for (int32_t k = 1; k <= 12; k++)
                        fake_dies(y->b, fake_process(y->b, i, 100 * i + k, holder, "probe"), holder,
                                y->lab->now);
        }
        y->cfg.ladder.restart_budget_window = 600;
        y->b->service[1].is_self = true;
        y->b->service[2].kind = SERVICE_KERNEL;
        y->b->service[3].labels.bury = true;
        y->b->service[4].kind = SERVICE_SESSION;
        y->untouchable[5] = true;
        yard_configure(y);
}

/* All trouble ends, people go home. */
static void calm(struct model *m)
{
        struct yard *y = m->y;

        y->answer = 0;
        ladder_breaker_force(y->l, -1, y->lab->now);
        for (uint32_t i = 1; i <= SERVICES; i++) {
                y->want[i] = 0.05;
                y->b->service[i].fork_rate = 0;
                y->b->service[i].memory_bytes = 0;
                y->b->service[i].pids = 5;
                y->b->service[i].pids_limit = BOARD_UNKNOWN;
        }
        for (uint32_t t = 0; t < 2 * HOUR; t++)
                second(m);
        for (uint32_t k = 1; k < y->b->action_top; k++) {
                const struct action *a = &y->b->action[k];
                if (a->state != ACTION_ACTIVE || a->kind == ACTION_QUARANTINE)
                        continue;
                printf("# %s of %s stands, though all is calm\n", action_kind_name(a->kind), a->service_name);
                m->faults++;
        }
        for (uint32_t i = 0; i < LADDER_CASES; i++)
                if (y->l->cases[i].used && y->l->cases[i].rule != RULE_restart_loop &&
                        y->l->cases[i].rule != RULE_zombie_leak)
                        m->faults++;
        if (y->l->breaker.open)
                m->faults++;
}

static void lives(void)
{
        const char *more = getenv("LADDER_LIVES");
        uint64_t count = more ? strtoull(more, NULL, 10) : 30, taken = 0;
        uint32_t kinds = 0;

        for (uint64_t seed = 1; seed <= count; seed++) {
                static struct model m;
                begin(&m, seed);
                for (uint32_t t = 0; t < 2 * HOUR; t++) {
                        if (!dice(&m, 20))
                                happens(&m);
                        second(&m);
                }
                calm(&m);
                if (m.faults)
                        printf("# life %llu: %u faults\n", (unsigned long long)seed, m.faults);
                check_int(m.faults, 0);
                taken += m.y->orders;
                for (uint32_t k = 0; k < MIN(m.y->orders, (uint32_t)YARD_ORDERS); k++)
                        kinds |= 1u << m.y->order[k].o.kind;
                yard_done(m.y);
        }
        printf("# %llu lives, %llu orders, kinds %#x\n", (unsigned long long)count, (unsigned long long)taken,
                kinds);
        check(taken > count * 5); /* it was no idle model */
}

static void all(void)
{
        test(lives);
}

int main(void)
{
        return tap_main(all);
}
