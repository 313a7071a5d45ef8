/* A guard's second hand for tests of detectors: a made board, a state, defaults, and a clock that
 * ticks once a second as often as a test says; events are counted and the last one kept.
 */
#pragma once

#include "detect/detect.h"
#include "fake_board.h"

struct lab {
        struct board *b;
        struct detect_state *s;
        struct detect_config cfg;
        uint64_t now;
        uint32_t events;
        struct event last;
};

static inline void lab_event(void *ctx, const struct event *e)
{
        struct lab *l = ctx;

        l->events++;
        l->last = *e;
}

static inline void lab_tick(struct lab *l, double seconds)
{
        for (uint64_t end = l->now + FAKE_S(seconds); l->now < end;) {
                l->now += NSEC_PER_SEC;
                detect_all(l->s, l->b, &l->cfg, l->now, lab_event, l);
        }
}

static inline struct lab *lab_new(void)
{
        struct lab *l = calloc(1, sizeof *l);

        *l = (struct lab){.b = fake_board(),
                .s = calloc(1, sizeof *l->s),
                .cfg = detect_config_defaults(),
                .now = FAKE_T0};
        l->b->host.load1 = 0.2;
        l->b->host.cpu_busy_ratio = 0.1;
        l->b->host.oom_kills = 7;
        return l;
}

static inline void lab_done(struct lab *l)
{
        fake_board_done(l->b);
        free(l->s);
        free(l);
}

/* ---- the post-mortem's afternoon ---- */

/* Twelve health checks of a Celery worker timed out, half a minute apart, and left a zombie each with `init`,
 * its PID 1; the API beside it crash-loops as often, for next to nothing; the host suffers. */
static inline void lab_afternoon(struct lab *l, uint16_t worker, uint32_t init, uint16_t api)
{
        struct board *b = l->b;
        struct service *w = &b->service[worker], *a = &b->service[api];

        b->process[init].flags |= PROCESS_F_INIT;
        w->has_health_check = w->health_shell = true;
        w->health_timeout_ns = FAKE_S(10);
        w->health_interval_ns = FAKE_S(30);
        for (int k = 0; k < 12; k++) {
                uint64_t at = l->now - FAKE_S(30 * (12 - k));
                uint32_t sh = fake_process(b, worker, 600 + 2 * k, 0, "/bin/sh -c celery inspect ping");
                uint32_t ping = fake_process(b, worker, 601 + 2 * k, sh, "celery inspect ping");

                b->process[sh].state = PROCESS_BURIED;
                b->process[ping].origin = ORIGIN_HEALTHCHECK;
                fake_dies(b, ping, init, at);
                fake_recent(&w->zombie_births, at, 0);
                fake_recent(&w->probe_timeouts, at, 0);
                fake_recent(&a->restarts, l->now - FAKE_S(40 * (12 - k)), 1);
        }
        w->probe_orphans = 4;
        w->probe_cpu_ns = FAKE_S(120);
        w->cpu_ns = FAKE_S(392.8);
        w->cpu_ratio = 1.7;
        w->load1 = 9.8;
        a->cpu_ns = FAKE_S(4.2);
        a->cpu_ratio = 0.05;
        a->load1 = 0.2;
        b->host.load1 = 10.4;
        b->host.psi_cpu = 0.8;
        b->host.cpu_busy_ratio = 0.98;
}

/* ---- what is found ---- */

/* The open finding of a detector on a service (0 = the host), NULL when there is none. */
static inline const struct finding *lab_find(const struct lab *l, const char *detector, uint16_t service)
{
        for (uint32_t i = 1; i < l->b->finding_top; i++) {
                const struct finding *f = &l->b->finding[i];

                if (f->open && f->service == service && !strcmp(f->detector, detector))
                        return f;
        }
        return NULL;
}

static inline uint32_t lab_open(const struct lab *l)
{
        uint32_t n = 0;

        for (uint32_t i = 1; i < l->b->finding_top; i++)
                n += l->b->finding[i].id && l->b->finding[i].open;
        return n;
}

/* Does any of a finding's words contain `text`? */
static inline bool lab_says(const struct finding *f, const char *text)
{
        if (!f)
                return false;
        for (uint32_t i = 0; i < f->evidence_count; i++)
                if (strstr(f->evidence[i].text, text))
                        return true;
        return strstr(f->text, text) || strstr(f->remedy, text);
}
