/* Tests of incident/: the incident with its decoy, and the answers "nothing is wrong", "none of these".
 * Findings are made by the real detectors on made boards.
 */
#include "detect_lab.h"
#include "incident/harm.h"
#include "incident/why.h"
#include "tap.h"

#include <errno.h>

/* The post-mortem's afternoon: a worker whose probes time out and end as its PID 1's zombies, an API that
 * crash-loops and makes noise, a monitoring feature deployed two hours ago. */
struct cast {
        struct lab *l;
        uint16_t worker, api, monitoring;
};

static struct cast incident(void)
{
        struct cast c = {.l = lab_new()};
        struct board *b = c.l->b;
        uint64_t now = c.l->now;

        c.api = fake_service(b, "odin/api", SERVICE_COMPOSE);
        c.worker = fake_service(b, "odin/celery-worker", SERVICE_COMPOSE);
        c.monitoring = fake_service(b, "odin/monitoring", SERVICE_COMPOSE);
        uint32_t init = fake_process(b, c.worker, 500, 0, "celery -A app worker");

        lab_afternoon(c.l, c.worker, init, c.api);
        b->service[c.api].deaths = 400;
        b->service[c.monitoring].deployed_ns = now - FAKE_S(7200);
        b->service[c.monitoring].cpu_ratio = 0.02;
        lab_tick(c.l, 2);
        return c;
}

static const char *refutation(const struct why_answer *a, const char *about)
{
        for (uint32_t i = 0; i < a->refuted_count; i++)
                if (strstr(a->refuted[i].hypothesis, about))
                        return a->refuted[i].because;
        return "";
}

static bool has_remedy(const struct why_answer *a, const char *text)
{
        for (uint32_t i = 0; i < a->remedy_count; i++)
                if (strstr(a->remedy[i], text))
                        return true;
        return false;
}

static void the_incident_and_its_decoy(void)
{
        struct cast c = incident();
        struct why_answer a;

        why_host(c.l->b, c.l->now, &a);
        check_str(a.question, "What is killing vm?");
        check(a.has_culprit);
        check_str(a.culprit_name, "odin/celery-worker");
        check(a.confidence > 0.8 && a.confidence <= 0.95);
        check(strstr(a.answer, "Most likely odin/celery-worker") && strstr(a.answer, "12 of 12 zombies"));
        check(strstr(a.answer, "9.80 of load 10.40"));
        check(has_remedy(&a, "`init: true`") && has_remedy(&a, "exec form") &&
                has_remedy(&a, "timeout longer"));
        const char *api = refutation(&a, "odin/api");
        check(strstr(api, "restarts in a loop (12 times)") && strstr(api, "4.2 of 397.0 CPU s") &&
                strstr(api, "no zombie"));
        check(strstr(api, "a defect of its own, not what is killing the host"));
        check(strstr(refutation(&a, "odin/monitoring"), "deployed last (2.0 h ago)"));
        check(strstr(refutation(&a, "odin/monitoring"), "no cause"));
        check(strstr(refutation(&a, "zombies burn"), "a zombie uses none"));
        check(strstr(refutation(&a, "zombies burn"), "120.0 CPU s, and 4 of their leftovers"));
        check(strstr(refutation(&a, "out of memory"), "25 %"));
        check(a.evidence_count >= 6 && a.evidence_count <= WHY_EVIDENCE);
        printf("# %s\n", a.answer);
        for (uint32_t i = 0; i < a.refuted_count; i++)
                printf("# refuted: %s: %s\n", a.refuted[i].hypothesis, a.refuted[i].because);
        for (uint32_t i = 0; i < a.remedy_count; i++)
                printf("# remedy: %s\n", a.remedy[i]);
        for (uint32_t i = 0; i < a.evidence_count; i++)
                printf("# evidence: %s\n", a.evidence[i].text);
        lab_done(c.l);
}

static void suspects(void)
{
        struct cast c = incident();
        struct suspect s[8];
        uint32_t n = suspects_rank(c.l->b, c.l->now, s, 8);

        check_int(n, 3);
        check_int(s[0].service, c.worker);
        check(!s[0].refuted && s[0].reasons >= 3);
        check(s[1].refuted && s[2].refuted);
        double sum = 0;
        for (uint32_t i = 0; i < n; i++)
                sum += s[i].score;
        check(sum <= 1);
        check_int(suspects_rank(c.l->b, c.l->now, s, 1), 1);
        check_int(s[0].service, c.worker);
        check_int(suspects_rank(c.l->b, c.l->now, s, 0), 0);
        lab_done(c.l);
}

static void zombies_alone_are_said_to_be_borne(void)
{
        struct cast c = incident();
        struct why_answer a;
        struct host *h = &c.l->b->host;

        h->load1 = 0.3;
        h->psi_cpu = 0;
        h->cpu_busy_ratio = 0.1;
        c.l->b->service[c.worker].load1 = c.l->b->service[c.worker].cpu_ratio = 0.1;
        why_host(c.l->b, c.l->now, &a);
        check(a.has_culprit && a.culprit == c.worker);
        check(strstr(a.answer,
                "The host bears it so far: load 0.3 on 2 cores, 25 % of memory in use, 12 zombies held"));
        lab_done(c.l);
}

static void nothing_is_wrong(void)
{
        struct lab *l = lab_new();
        struct why_answer a;
        struct suspect s[4];

        fake_service(l->b, "web", SERVICE_COMPOSE);
        l->b->service[1].cpu_ratio = 0.3;
        lab_tick(l, 2);
        why_host(l->b, l->now, &a);
        check(!a.has_culprit);
        check_str(a.answer, "Nothing is wrong with the host: load 0.2 on 2 cores, 25 % of memory in use, no "
                            "lasting zombie.");
        check_int(a.refuted_count, 0);
        check_int(a.remedy_count, 0);
        check_int(suspects_rank(l->b, l->now, s, 4), 0);
        lab_done(l);
}

static void a_harmless_loop_is_a_defect_of_its_own(void)
{
        struct lab *l = lab_new();
        struct why_answer a;
        uint16_t i = fake_service(l->b, "odin/api", SERVICE_COMPOSE);

        for (int k = 0; k < 5; k++)
                fake_recent(&l->b->service[i].restarts, l->now - FAKE_S(60 * (5 - k)), 1);
        lab_tick(l, 2);
        why_host(l->b, l->now, &a);
        check(!a.has_culprit);
        check(strstr(a.answer, "A defect of its own: odin/api restarts in a loop"));
        check(strstr(refutation(&a, "odin/api"), "a defect of its own"));
        check(a.remedy_count == 1);
        lab_done(l);
}

static void none_of_these(void)
{
        struct lab *l = lab_new();
        struct why_answer a;

        for (int k = 0; k < 5; k++) {
                char name[8];
                snprintf(name, sizeof name, "s%d", k);
                uint16_t i = fake_service(l->b, name, SERVICE_COMPOSE);
                l->b->service[i].load1 = 1.4;
                l->b->service[i].cpu_ratio = 0.4;
        }
        l->b->host.load1 = 7;
        l->b->host.psi_cpu = 0.9;
        l->b->host.cpu_busy_ratio = 1;
        why_host(l->b, l->now, &a);
        check(!a.has_culprit);
        check(strstr(a.answer, "None of the services stands out") && strstr(a.answer, "load 7.0"));
        for (int k = 1; k <= 5; k++) /* nor when nobody is known to have it */
                l->b->service[k].load1 = l->b->service[k].cpu_ratio = NAN;
        l->b->host.cpu_unattributed_ratio = 1.9;
        why_host(l->b, l->now, &a);
        check(!a.has_culprit && strstr(a.answer, "None of the services explains it"));
        check(a.evidence_count == 1 && strstr(a.evidence[0].text, "1.90 cores are used by nobody"));
        lab_done(l);
}

static void the_hog_is_named_beside_a_small_leak(void)
{
        struct cast c = incident();
        struct board *b = c.l->b;
        struct why_answer a;
        uint16_t hog = fake_service(b, "batch", SERVICE_COMPOSE);

        b->service[c.worker].load1 = 0.2;
        b->service[c.worker].cpu_ratio = 0.1;
        b->service[c.worker].probe_timeouts.total = 0;
        b->service[c.worker].probe_orphans = 0;
        b->service[hog].load1 = 9.9;
        b->service[hog].cpu_ratio = 1.8;
        why_host(b, c.l->now, &a);
        check_str(a.culprit_name, "batch");
        lab_done(c.l);
}

static void never_sexton_nor_the_kernel(void)
{
        struct lab *l = lab_new();
        struct why_answer a;
        uint16_t self = fake_service(l->b, "sexton", SERVICE_SYSTEMD),
                 kernel = fake_service(l->b, "kernel", SERVICE_KERNEL);

        l->b->service[self].is_self = true;
        l->b->service[self].load1 = 3;
        l->b->service[kernel].load1 = 3;
        l->b->host.load1 = 6;
        l->b->host.psi_cpu = 0.9;
        why_host(l->b, l->now, &a);
        check(!a.has_culprit);
        lab_done(l);
}

static void physics(void)
{
        struct cast c = incident();
        struct service *w = &c.l->b->service[c.worker];
        struct suspect s[4];

        w->cpu_ns = FAKE_S(1e9); /* an account gone wrong */
        w->load1 = 40;
        w->cpu_ratio = 4.86;
        double had = (double)(c.l->now - c.l->b->started_ns) / 1e9 * 2;
        check(harm_cpu_seconds(c.l->b, c.worker, c.l->now) <= had);
        check(harm_cpu_seconds_all(c.l->b, c.l->now) <= had);
        suspects_rank(c.l->b, c.l->now, s, 4);
        check(s[0].score <= 1);
        for (uint32_t i = 0; i < s[0].reasons; i++)
                check(!strstr(s[0].reason[i], "4.86"));
        lab_done(c.l);
}

static void of_one_service(void)
{
        struct cast c = incident();
        struct why_answer a;

        check_int(why_service(c.l->b, "odin/nobody", c.l->now, &a), -ENOENT);
        check_int(why_service(c.l->b, "odin/api", c.l->now, &a), 0);
        check(a.has_culprit && strstr(a.answer, "odin/api restarts in a loop: 12 times") &&
                strstr(a.answer, "exit code 1"));
        check_int(a.refuted_count, 1);
        check_int(why_service(c.l->b, "odin/celery-worker", c.l->now, &a), 0);
        check(strstr(a.answer, "holds 12 zombies") && has_remedy(&a, "`init: true`"));
        check_int(a.refuted_count, 0);
        check_int(why_service(c.l->b, "odin/monitoring", c.l->now, &a), 0);
        check(!a.has_culprit && strstr(a.answer, "Nothing is known to be wrong with odin/monitoring"));
        lab_done(c.l);
}

static void a_host_finding_without_a_service(void)
{
        struct lab *l = lab_new();
        struct why_answer a;

        l->b->host.mounts = 1;
        l->b->host.mount[0] = (struct mount_point){"/var", UINT64_C(10) << 30, UINT64_C(1) << 27, 0, 0, NAN};
        lab_tick(l, 40);
        why_host(l->b, l->now, &a);
        check(!a.has_culprit && strstr(a.answer, "No service: ") && strstr(a.answer, "/var is 99 % full"));
        check_int(a.remedy_count, 1);
        lab_done(l);
}

static void garbage(void)
{
        struct cast c = incident();
        struct why_answer a;
        struct suspect s[4];

        c.l->b->finding_top = c.l->b->service_top = c.l->b->process_top = UINT32_MAX;
        for (int i = 1; i < BOARD_FINDINGS; i++)
                if (c.l->b->finding[i].id)
                        c.l->b->finding[i].evidence_count = UINT32_MAX;
        c.l->b->host.cpus = 0;
        why_host(c.l->b, c.l->now, &a);
        suspects_rank(c.l->b, c.l->now, s, 4);
        check(why_service(c.l->b, "odin/api", c.l->now, &a) == 0);
        check(a.evidence_count <= WHY_EVIDENCE);
        lab_done(c.l);
}

/* Random indices, times and counters everywhere; only what is a truth value or an end of text stays. */
static void noise(void)
{
        struct cast c = incident();
        struct board *b = c.l->b;
        struct why_answer a;
        char text[300];
        uint64_t seed = 88172645463325252u;

        for (int round = 0; round < 200; round++) {
                for (uint32_t i = 1; i < 40; i++) {
                        struct process *p = &b->process[i];
                        uint32_t *field[] = {&p->parent, &p->command, &p->exe, &p->list_next, &p->threads,
                                &b->finding[i].evidence_count};

                        for (size_t k = 0; k < ARRAY_SIZE(field); k++) {
                                seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
                                *field[k] = seed & 1 ? (uint32_t)(seed >> 32) : (uint32_t)(seed >> 32) % 60;
                        }
                        p->ppid = p->tracer_pid = (int32_t)(seed >> 20);
                        p->service = (uint16_t)(seed >> 9);
                        p->flags = (uint16_t)(seed >> 24);
                        p->state = (uint8_t)(seed >> 40) % 8;
                        p->origin = (uint8_t)(seed >> 50);
                        p->exit_ns = seed;
                        b->finding[i].severity = (uint8_t)(seed >> 33);
                        b->finding[i].service = (uint16_t)(seed >> 35) % 5;
                        b->service[i % 4].restarts.total = seed;
                        b->service[i % 4].ooms.at_ns[i % BOARD_RECENT] = seed;
                        b->service[i % 4].cpu_ns = seed;
                        view_why(b, NULL, p, c.l->now, text, sizeof text);
                        view_remedy(b, NULL, p, c.l->now, text, sizeof text);
                }
                b->ledger_head = (uint32_t)(seed >> 7);
                why_host(b, c.l->now, &a);
                lab_tick(c.l, 1);
                check(a.evidence_count <= WHY_EVIDENCE && a.remedy_count <= WHY_REMEDIES);
        }
        lab_done(c.l);
}

static void all(void)
{
        test(the_incident_and_its_decoy);
        test(suspects);
        test(zombies_alone_are_said_to_be_borne);
        test(nothing_is_wrong);
        test(a_harmless_loop_is_a_defect_of_its_own);
        test(none_of_these);
        test(the_hog_is_named_beside_a_small_leak);
        test(never_sexton_nor_the_kernel);
        test(physics);
        test(of_one_service);
        test(a_host_finding_without_a_service);
        test(garbage);
        test(noise);
}

int main(void)
{
        return tap_main(all);
}
