/* Tests of the detectors' frame: durations, hysteresis, severities, tables that are full, services
 * that are replaced, time nobody watched. Driven through real detectors.
 */
#include "detect_lab.h"
#include "tap.h"

/* A container at its pid limit: the simplest condition with a duration (10 s) and a clear_after (30 s). */
static uint16_t full(struct lab *l, const char *name)
{
        uint16_t i = fake_service(l->b, name, SERVICE_CONTAINER);

        l->b->service[i].pids_limit = 100;
        l->b->service[i].pids = 90;
        return i;
}

static void opens_after_its_duration_and_closes_with_hysteresis(void)
{
        struct lab *l = lab_new();
        uint16_t i = full(l, "a");

        lab_tick(l, 10);
        check(!lab_find(l, "pids", i));
        check_int(l->events, 0);
        lab_tick(l, 1);
        const struct finding *f = lab_find(l, "pids", i);
        check(f);
        if (!f)
                goto done;
        check_int(f ? f->severity : -1, SEVERITY_WARNING);
        check_int((f->opened_ns - f->since_ns) / NSEC_PER_SEC, 10);
        check_str(f->runbook, "pids");
        check_str(f->service_name, "a");
        check_int(l->events, 1);
        check_int(l->last.kind, EVENT_FINDING);
        check_near(l->last.value, SEVERITY_WARNING, 0);
        check_str(l->last.service, "a");
        uint32_t id = f->id;
        l->b->service[i].pids = 10;
        lab_tick(l, 29);
        check(f->open);
        l->b->service[i].pids = 90; /* back before it closed: the same finding */
        lab_tick(l, 1);
        check(f->open && f->id == id);
        l->b->service[i].pids = 10;
        lab_tick(l, 31);
        check(!f->open);
        check_near(l->last.value, -1, 0);
        check_int(f->closed_ns, l->now - FAKE_S(1));
        l->b->service[i].pids = 90;
        lab_tick(l, 11);
        check(lab_find(l, "pids", i) && lab_find(l, "pids", i)->id > id);
done:
        lab_done(l);
}

static void what_has_not_lasted_is_pending(void)
{
        struct lab *l = lab_new();
        uint16_t i = full(l, "a");

        lab_tick(l, 5);
        check_int(l->b->pendings, 1);
        const struct pending *p = &l->b->pending[0];
        check_str(p->finding.detector, "pids");
        check_str(p->finding.service_name, "a");
        check_int(p->finding.id, 0);
        check(!p->finding.open);
        check_int(p->finding.severity, SEVERITY_WARNING);
        check_near(view_age(p->finding.since_ns, l->now), 4, 1e-9);
        check_near(p->for_sec, 10, 0);
        check(lab_says(&p->finding, "a has 90 of at most 100 tasks"));
        l->b->service[i].pids = 20; /* a break */
        lab_tick(l, 1);
        check_int(l->b->pendings, 0);
        l->b->service[i].pids = 99;
        lab_tick(l, 1);
        check_int(l->b->pending[0].finding.severity, SEVERITY_CRITICAL);
        check_near(view_age(l->b->pending[0].finding.since_ns, l->now), 0, 1e-9);
        lab_tick(l, 10); /* a finding from now on */
        check(lab_find(l, "pids", i));
        check_int(l->b->pendings, 0);
        check_int(l->events, 1);
        for (int k = 0; k < 2 * BOARD_PENDING; k++) {
                char name[16];
                snprintf(name, sizeof name, "s%d", k);
                full(l, name);
        }
        lab_tick(l, 1);
        check_int(l->b->pendings, BOARD_PENDING);
        lab_tick(l, 10); /* without room there they become findings all the same */
        check_int(l->b->pendings, 0);
        check_int(lab_open(l), 1 + 2 * BOARD_PENDING);
        lab_done(l);
}

static void a_break_starts_the_duration_anew(void)
{
        struct lab *l = lab_new();
        uint16_t i = full(l, "a");

        for (int k = 0; k < 5; k++) {
                l->b->service[i].pids = 90;
                lab_tick(l, 8);
                l->b->service[i].pids = 20;
                lab_tick(l, 1);
        }
        check_int(lab_open(l), 0);
        lab_done(l);
}

static void severity_rises_at_once_and_falls_calmly(void)
{
        struct lab *l = lab_new();
        uint16_t i = full(l, "a");

        lab_tick(l, 11);
        const struct finding *f = lab_find(l, "pids", i);
        l->b->service[i].pids = 99;
        lab_tick(l, 1);
        check_int(f ? f->severity : -1, SEVERITY_CRITICAL);
        check_int(l->events, 2);
        l->b->service[i].pids = 90;
        lab_tick(l, 29);
        check_int(f ? f->severity : -1, SEVERITY_CRITICAL);
        lab_tick(l, 2);
        check_int(f ? f->severity : -1, SEVERITY_WARNING);
        check_int(l->events, 3);
        check_near(l->last.value, SEVERITY_WARNING, 0);
        lab_done(l);
}

static void a_service_replaced_by_another_starts_anew(void)
{
        struct lab *l = lab_new();
        uint16_t i = full(l, "a");

        lab_tick(l, 11);
        const struct finding *f = lab_find(l, "pids", i);
        strcpy(l->b->service[i].name, "b");
        lab_tick(l, 1);
        check(f && !f->open && !strcmp(f->service_name, "a"));
        check(!lab_find(l, "pids", i));
        lab_tick(l, 10);
        check(lab_find(l, "pids", i));
        memset(&l->b->service[i], 0, sizeof l->b->service[i]);
        lab_tick(l, 1);
        check_int(lab_open(l), 0);
        lab_done(l);
}

static void a_full_table_drops_the_oldest_closed(void)
{
        struct lab *l = lab_new();
        uint16_t first = full(l, "s0");

        for (int k = 1; k < BOARD_FINDINGS - 1; k++) {
                char name[16];
                snprintf(name, sizeof name, "s%d", k);
                full(l, name);
        }
        lab_tick(l, 11);
        check_int(lab_open(l), BOARD_FINDINGS - 1);
        check_int(l->b->finding_top, BOARD_FINDINGS);
        uint16_t late = full(l, "late");
        lab_tick(l, 20);
        check(!lab_find(l, "pids", late));
        check_int(l->b->self.overflow_findings, 1);
        l->b->service[first].pids = 1;
        lab_tick(l, 32);
        const struct finding *f = lab_find(l, "pids", late);
        check(f && f->id == BOARD_FINDINGS);
        check_int(lab_open(l), BOARD_FINDINGS - 1);
        lab_done(l);
}

static void full_states_are_counted(void)
{
        struct lab *l = lab_new();

        for (int k = 0; k < DETECT_STATES + 6; k++) {
                char name[16];
                snprintf(name, sizeof name, "s%d", k);
                full(l, name);
        }
        lab_tick(l, 5);
        check_int(l->b->self.overflow_findings, 6);
        lab_done(l);
}

static void time_nobody_watched_counts_for_nothing(void)
{
        struct lab *l = lab_new();
        uint16_t i = full(l, "a");

        lab_tick(l, 5);
        l->now += FAKE_S(8 * 3600); /* suspended */
        lab_tick(l, 5);
        check(!lab_find(l, "pids", i));
        lab_tick(l, 2);
        const struct finding *f = lab_find(l, "pids", i);
        check(f);
        l->b->service[i].pids = 1;
        lab_tick(l, 10);
        l->now += FAKE_S(3600);
        lab_tick(l, 5);
        check(f && f->open);
        lab_done(l);
}

static void a_new_guard_takes_over_a_used_board(void)
{
        struct lab *l = lab_new();
        uint16_t i = full(l, "a");

        lab_tick(l, 11);
        uint32_t id = l->s->next_id;
        check(lab_find(l, "pids", i) && lab_find(l, "pids", i)->id == id);
        memset(l->s, 0, sizeof *l->s);
        lab_tick(l, 1);
        check_int(lab_open(l), 0);
        lab_tick(l, 10);
        check(lab_find(l, "pids", i) && lab_find(l, "pids", i)->id > id);
        lab_done(l);
}

static void an_emptied_board_is_no_trap(void)
{
        struct lab *l = lab_new();
        uint16_t i = full(l, "a");

        lab_tick(l, 11);
        memset(l->b->finding, 0, sizeof l->b->finding);
        l->b->finding_top = 1;
        lab_tick(l, 1);
        check(lab_find(l, "pids", i));
        lab_done(l);
}

static void garbage_on_the_board(void)
{
        struct lab *l = lab_new();
        uint16_t i = full(l, "a");

        uint32_t holder = fake_process(l->b, i, 10, 0, "h");
        uint32_t z = fake_process(l->b, i, 11, holder, "z");
        fake_dies(l->b, z, holder, FAKE_T0 - FAKE_S(600));
        l->b->process[z].list_next = z; /* a circle */
        l->b->process[z].service = UINT16_MAX;
        l->b->process[z].origin = 200;
        l->b->process[z].parent = UINT32_MAX;
        l->b->process[z].ppid = -7;
        l->b->finding_top = UINT32_MAX;
        l->b->service_top = UINT32_MAX;
        l->b->process_top = UINT32_MAX;
        l->b->host.mounts = UINT32_MAX;
        memset(l->b->host.mount, 0xff, sizeof l->b->host.mount);
        l->b->host.cpus = 0;
        lab_tick(l, 20);
        check(lab_find(l, "pids", i));
        lab_done(l);
}

static void unknown_numbers_fire_nothing(void)
{
        struct lab *l = lab_new();
        struct host *h = &l->b->host;
        uint16_t i = fake_service(l->b, "a", SERVICE_COMPOSE);
        struct service *s = &l->b->service[i];

        h->load1 = h->load5 = h->load15 = h->psi_cpu = h->psi_memory = h->psi_io = h->cpu_busy_ratio = NAN;
        h->cpu_unattributed_ratio = h->memory_slope_bytes_per_sec = NAN;
        h->memory_bytes = h->memory_available_bytes = h->pid_max = h->threads_max = h->tasks = h->oom_kills =
                BOARD_UNKNOWN;
        h->mounts = 1;
        h->mount[0].size_bytes = h->mount[0].free_bytes = h->mount[0].inodes = h->mount[0].inodes_free =
                BOARD_UNKNOWN;
        h->mount[0].slope_bytes_per_sec = NAN;
        s->cpu_ratio = s->load1 = s->fork_rate = NAN;
        s->memory_bytes = s->pids = s->cpu_ns = s->cpu_exited_ns = s->probe_cpu_ns = BOARD_UNKNOWN;
        s->has_health_check = true;
        lab_tick(l, 700);
        check_int(lab_open(l), 0);
        lab_done(l);
}

static void every_detector_is_in_the_table_once(void)
{
        check_int(detectors_count, 15);
        for (size_t i = 0; i < detectors_count; i++) {
                check(detectors[i]->name[0] && detectors[i]->title[0] && detectors[i]->look);
                check(strlen(detectors[i]->runbook) < sizeof((struct finding *)0)->runbook);
                for (size_t k = 0; k < i; k++)
                        check(strcmp(detectors[i]->name, detectors[k]->name));
        }
}

static void all(void)
{
        test(opens_after_its_duration_and_closes_with_hysteresis);
        test(what_has_not_lasted_is_pending);
        test(a_break_starts_the_duration_anew);
        test(severity_rises_at_once_and_falls_calmly);
        test(a_service_replaced_by_another_starts_anew);
        test(a_full_table_drops_the_oldest_closed);
        test(full_states_are_counted);
        test(time_nobody_watched_counts_for_nothing);
        test(a_new_guard_takes_over_a_used_board);
        test(an_emptied_board_is_no_trap);
        test(garbage_on_the_board);
        test(unknown_numbers_fire_nothing);
        test(every_detector_is_in_the_table_once);
}

int main(void)
{
        return tap_main(all);
}
