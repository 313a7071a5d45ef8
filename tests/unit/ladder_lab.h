/* A made host for tests of the ladder: services that want CPU, a hand that freezes and limits them, the
 * figures that follow from it (run queue, idle time, pressure, load, as measured on a real kernel: under a
 * quota the queue and the pressure stay, the idle time comes back), the real detectors, and a clock.
 */
#pragma once

#include "detect_lab.h"
#include "ladder/ladder.h"
#include "tap.h"

#include <errno.h>

enum { YARD_SERVICES = 32, YARD_ORDERS = 4096 };

struct yard_order {
        struct ladder_order o;
        uint64_t at_ns;
        uint32_t id;
};

struct yard {
        struct lab *lab;
        struct board *b;
        struct ladder *l;
        struct config cfg;
        double want[YARD_SERVICES]; /* tasks that want a CPU */
        double quota[YARD_SERVICES];
        bool frozen[YARD_SERVICES], stopped[YARD_SERVICES];
        bool untouchable[YARD_SERVICES]; /* the hand refuses */
        int answer;                      /* of the hand, when it is not 0 */
        struct yard_order order[YARD_ORDERS];
        uint32_t orders, undone, judged, told;
        char undo_why[100], tell_text[120];
        uint32_t next_id;
        uint64_t guard_ns; /* since when this guard lives; 0 = from the beginning */
};

static inline struct action *yard_row(struct yard *y, uint32_t id)
{
        for (uint32_t i = 1; i < y->b->action_top; i++)
                if (y->b->action[i].id == id && y->b->action[i].state != ACTION_FREE)
                        return &y->b->action[i];
        return NULL;
}

static inline struct action *yard_new_row(struct yard *y)
{
        struct action *oldest = NULL;

        if (!y->b->action_top)
                y->b->action_top = 1;
        if (y->b->action_top < BOARD_ACTIONS)
                return &y->b->action[y->b->action_top++];
        for (uint32_t i = 1; i < BOARD_ACTIONS; i++) {
                struct action *a = &y->b->action[i];
                if (a->state != ACTION_ACTIVE && (!oldest || a->id < oldest->id))
                        oldest = a;
        }
        return oldest;
}

static inline void yard_effect(struct yard *y, const struct action *a, bool on)
{
        uint16_t s = a->service;

        if (a->kind == ACTION_QUOTA)
                y->quota[s] = on ? a->value : INFINITY;
        if (a->kind == ACTION_FREEZE || a->kind == ACTION_HOLD)
                y->frozen[s] = on;
        if (a->kind == ACTION_QUARANTINE || a->kind == ACTION_STOP)
                y->stopped[s] = on;
}

static inline int yard_take(void *ctx, const struct ladder_order *o, uint64_t now_ns, uint32_t *ret_id)
{
        struct yard *y = ctx;
        bool once = o->kind == ACTION_STOP || o->kind == ACTION_RESTART || o->kind == ACTION_BURY;

        if (y->untouchable[o->service])
                return -EPERM;
        if (y->answer)
                return y->answer;
        for (uint32_t i = 1; i < y->b->action_top && !o->would; i++) {
                struct action *before = &y->b->action[i];
                bool same = before->state == ACTION_ACTIVE && before->service == o->service &&
                            before->kind == o->kind && before->taken_ns <= y->guard_ns;
                if (!same) /* what a guard before had taken goes on, as the hand has it */
                        continue;
                before->until_ns = o->ttl_ns ? MAX(before->until_ns, now_ns + o->ttl_ns) : before->until_ns;
                *ret_id = before->id;
                return 0;
        }
        struct action *a = yard_new_row(y);
        if (!a)
                return -ENOSPC;
        *a = (struct action){.id = ++y->next_id,
                .kind = (uint8_t)o->kind,
                .state = o->would ? ACTION_WOULD
                         : once   ? ACTION_DONE
                                  : ACTION_ACTIVE,
                .service = o->service,
                .finding = o->finding,
                .value = o->value,
                .taken_ns = now_ns,
                .until_ns = o->ttl_ns ? now_ns + o->ttl_ns : 0};
        snprintf(a->service_name, sizeof a->service_name, "%s", y->b->service[o->service].name);
        snprintf(a->who, sizeof a->who, "%s", o->who);
        snprintf(a->reason, sizeof a->reason, "%s", o->reason);
        memcpy(a->measure, o->measure, sizeof a->measure);
        if (!o->would)
                yard_effect(y, a, true);
        *ret_id = a->id;
        y->order[y->orders++ % YARD_ORDERS] = (struct yard_order){.o = *o, .at_ns = now_ns, .id = a->id};
        return 0;
}

static inline void yard_undo(void *ctx, uint32_t id, const char *why, uint64_t now_ns)
{
        struct yard *y = ctx;
        struct action *a = yard_row(y, id);

        snprintf(y->undo_why, sizeof y->undo_why, "%s", why);
        if (!a || a->state != ACTION_ACTIVE)
                return;
        a->state = ACTION_UNDONE;
        a->ended_ns = now_ns;
        y->undone++;
        yard_effect(y, a, false);
}

static inline void yard_judge(void *ctx, uint32_t id, const struct action_measure *m, enum action_help helped)
{
        struct yard *y = ctx;
        struct action *a = yard_row(y, id);

        y->judged++;
        if (!a)
                return;
        a->helped = (uint8_t)helped;
        memcpy(a->measure, m, sizeof a->measure);
}

static inline void yard_tell(void *ctx, uint16_t service, const char *text, uint64_t now_ns)
{
        struct yard *y = ctx;

        y->told++;
        snprintf(y->tell_text, sizeof y->tell_text, "%s", text);
}

/* What the hand does by itself: ends what is over. */
static inline void yard_expire(struct yard *y)
{
        for (uint32_t i = 1; i < y->b->action_top; i++) {
                struct action *a = &y->b->action[i];
                if (a->state != ACTION_ACTIVE || !a->until_ns || a->until_ns > y->lab->now)
                        continue;
                a->state = ACTION_UNDONE;
                a->ended_ns = y->lab->now;
                yard_effect(y, a, false);
        }
}

/* One second of the host. */
static inline void yard_weather(struct yard *y)
{
        struct host *h = &y->b->host;
        double left = h->cpus, running = 0, waiting = 0, got[YARD_SERVICES] = {};

        for (int round = 0; round < 4; round++) { /* equal shares; what one leaves the others take */
                uint32_t hungry = 0;
                for (uint32_t i = 1; i < y->b->service_top; i++)
                        hungry += !y->frozen[i] && !y->stopped[i] &&
                                  got[i] + 1e-9 < fmin(y->want[i], y->quota[i]);
                double part = hungry ? left / hungry : 0;
                for (uint32_t i = 1; i < y->b->service_top && hungry; i++) {
                        double more = y->frozen[i] || y->stopped[i]
                                              ? 0
                                              : fmin(part, fmin(y->want[i], y->quota[i]) - got[i]);
                        got[i] += fmax(more, 0);
                        left -= fmax(more, 0);
                }
        }
        for (uint32_t i = 1; i < y->b->service_top; i++) {
                struct service *s = &y->b->service[i];
                double tasks = y->frozen[i] || y->stopped[i] ? 0 : y->want[i];
                running += tasks;
                waiting += tasks - got[i];
                s->cpu_ratio = got[i];
                s->load1 += (tasks - s->load1) * (1 - exp(-1.0 / 60));
                s->processes = y->stopped[i] ? 0 : 1;
        }
        h->runnable = (uint32_t)lround(running);
        h->cpu_busy_ratio = 1 - left / h->cpus;
        h->load1 += (running - h->load1) * (1 - exp(-1.0 / 60));
        h->psi_cpu += ((waiting > 0.01 ? 1 : 0) - h->psi_cpu) * (1 - exp(-1.0 / 10));
}

static inline void yard_tick(struct yard *y, double seconds)
{
        for (uint64_t end = y->lab->now + FAKE_S(seconds); y->lab->now < end;) {
                yard_expire(y);
                yard_weather(y);
                lab_tick(y->lab, 1);
                ladder_look(y->l, y->lab->now);
        }
}

static inline void yard_ladder(struct yard *y)
{
        *y->l = (struct ladder){};
        ladder_init(y->l, y->b,
                &(struct ladder_ops){.take = yard_take,
                        .undo = yard_undo,
                        .judge = yard_judge,
                        .tell = yard_tell,
                        .ctx = y});
        ladder_configure(y->l, &y->cfg);
}

/* The guard is killed, and another one goes on by what stands on the board. */
static inline void yard_guard_killed(struct yard *y)
{
        y->guard_ns = y->lab->now;
        y->b->breaker = y->l->breaker; /* as the guard has it there after each look */
        yard_ladder(y);
}

/* A person has taken back what stood, as the guard hands it on. */
static inline void yard_released(struct yard *y, uint16_t service)
{
        y->b->service[service].released_ns = y->lab->now;
        ladder_released(y->l, service, y->lab->now);
}

static inline struct yard *yard_new(enum mode mode)
{
        struct yard *y = calloc(1, sizeof *y);

        y->lab = lab_new();
        y->b = y->lab->b;
        y->b->host.load1 = 0;
        y->b->action_top = 1;
        y->l = calloc(1, sizeof *y->l);
        config_defaults(&y->cfg);
        y->cfg.mode = mode;
        for (uint32_t i = 0; i < YARD_SERVICES; i++)
                y->quota[i] = INFINITY;
        yard_ladder(y);
        return y;
}

static inline void yard_configure(struct yard *y)
{
        y->lab->cfg = y->cfg.detect;
        ladder_configure(y->l, &y->cfg);
}

static inline void yard_done(struct yard *y)
{
        lab_done(y->lab);
        free(y->l);
        free(y);
}

static inline uint16_t yard_service(struct yard *y, const char *name, double want)
{
        uint16_t i = fake_service(y->b, name, SERVICE_CONTAINER);

        y->want[i] = want;
        y->b->service[i].state = CONTAINER_RUNNING;
        y->b->service[i].policy = RESTART_UNLESS_STOPPED;
        y->b->service[i].processes = 1;
        y->b->service[i].threads = (uint32_t)want + 1;
        return i;
}

/* The newest action of that kind on the service; an empty one, of id 0, when there was none. */
static inline const struct action *yard_action(const struct yard *y, uint16_t service, enum action_kind kind)
{
        static const struct action none;
        const struct action *found = &none;

        for (uint32_t i = 1; i < y->b->action_top; i++) {
                const struct action *a = &y->b->action[i];
                if (a->state != ACTION_FREE && a->service == service && a->kind == kind && a->id > found->id)
                        found = a;
        }
        return found;
}

static inline bool yard_has(const struct yard *y, uint16_t service, enum action_kind kind)
{
        return yard_action(y, service, kind)->id != 0;
}

static inline uint32_t yard_count(const struct yard *y, uint16_t service)
{
        uint32_t n = 0;

        for (uint32_t i = 0; i < MIN(y->orders, (uint32_t)YARD_ORDERS); i++)
                n += y->order[i].o.service == service;
        return n;
}

static inline void yard_crash(struct yard *y, uint16_t i, int32_t code)
{
        struct service *s = &y->b->service[i];

        fake_recent(&s->restarts, y->lab->now, code);
        ladder_look(y->l, y->lab->now); /* as the guard does when a container has started */
}

/* Four crashes: one too many. */
static inline struct yard *yard_held(uint16_t *ret)
{
        struct yard *y = yard_new(MODE_ENFORCE);

        *ret = yard_service(y, "api", 0);
        for (int k = 0; k < 4; k++) {
                yard_crash(y, *ret, 1);
                yard_tick(y, 2);
        }
        check(yard_action(y, *ret, ACTION_HOLD)->state == ACTION_ACTIVE);
        return y;
}
