/* Tests of what an incident says of itself: while it is open, what is true now; when it is over, what it was
 * at its worst, also after restarts.
 */
#include "book_desk.h"

static void heal(struct desk *d, uint16_t worker)
{
        struct board *b = d->l->b;
        struct service *w = &b->service[worker];

        for (uint32_t i = 1; i < b->process_top; i++)
                b->process[i].state = PROCESS_BURIED;
        b->zombies = b->ledger_head = 0;
        w->held = w->zombies = w->probe_orphans = 0;
        w->zombie_births = (struct recent){0};
        w->cpu_ratio = w->load1 = 0.1;
        b->host.load1 = 0.3;
        b->host.psi_cpu = 0;
        b->host.cpu_busy_ratio = 0.05;
}

/* The afternoon's deadly one: critical; the dead are buried and the load falls, but probes still time out for
 * a while, which is a warning. */
static void its_end_tells_of_its_worst(void)
{
        uint16_t worker, api;
        struct desk *d = afternoon(&worker, &api);

        storm(d, worker, api, 8);
        struct incident *deadly = get(d, 1);
        uint64_t id = strcmp(deadly->owner, "odin/celery-worker") ? 2 : 1;
        incident_free(deadly);
        deadly = get(d, id);
        check_int(deadly->severity, SEVERITY_CRITICAL);
        check(strstr(deadly->said.why.answer, "Most likely odin/celery-worker"));
        check(!deadly->worst);
        check_int(deadly->rank.severity, SEVERITY_CRITICAL);
        check_int(deadly->rank.findings, 3);

        heal(d, worker);
        tick(d, 2 * CALM + 30);
        struct incident *low = get(d, id);
        check(low->open && has(low, "health_check")->is.open);
        check(!has(low, "zombie_leak")->is.open && !has(low, "saturation")->is.open);
        check_int(low->severity, SEVERITY_WARNING);
        check_str(low->title, has(low, "health_check")->is.text); /* that is what it is now */
        check(!strstr(low->said.why.answer, "zombies"));
        check(low->worst && strstr(low->worst->why.answer, "Most likely odin/celery-worker"));

        restart(d);
        d->l->b->service[worker].has_health_check = false;
        d->l->b->service[worker].probe_timeouts = (struct recent){0};
        tick(d, 5 * CALM);
        struct incident *n = get(d, id);
        check(!n->open);
        check_int(n->severity_peak, SEVERITY_CRITICAL);
        check_str(n->title, deadly->title);
        check_str(n->said.culprit, "odin/celery-worker");
        check_str(n->said.why.answer, deadly->said.why.answer);
        check_near(n->said.why.confidence, deadly->said.why.confidence, 0.001);
        check_int(n->said.suspects, deadly->said.suspects);
        check_str(n->said.suspect[0].service, deadly->said.suspect[0].service);
        check_int(n->said.why.remedy_count, deadly->said.why.remedy_count);
        check(!n->worst);
        check_int(has(n, "zombie_leak")->is.severity, has(deadly, "zombie_leak")->is.severity);
        check_str(has(n, "zombie_leak")->is.text, has(deadly, "zombie_leak")->is.text);
        incident_free(deadly);
        incident_free(low);
        incident_free(n);
        desk_done(d);
}

static void measure(struct finding *f, enum severity severity, double value)
{
        f->severity = (uint8_t)severity;
        f->evidence_count = 1;
        f->evidence[0] = (struct evidence){.value = value, .unit = "zombies"};
        snprintf(f->text, sizeof f->text, "holds %.0f zombies", value);
        snprintf(f->evidence[0].text, sizeof f->evidence[0].text, "%.0f held", value);
}

/* A defect that doesn't hurt the host: the numbers of its worst moment stay. */
static void numbers_that_fall_are_not_its_last_word(void)
{
        static const struct {
                enum severity severity;
                double value;
        } life[] = {{SEVERITY_WARNING, 3}, {SEVERITY_WARNING, 31}, {SEVERITY_WARNING, 12},
                {SEVERITY_INFO, 90}, {SEVERITY_WARNING, 1}};
        struct desk *d = desk_new();
        uint16_t s = fake_service(d->l->b, "shop", SERVICE_CONTAINER);
        struct finding *f = find(d, 1, "zombie_leak", s, SEVERITY_WARNING);
        char now[64];

        for (uint32_t i = 0; i < ARRAY_SIZE(life); i++) {
                measure(f, life[i].severity, life[i].value);
                look(d, 80); /* documents are put once a minute */
                struct incident *n = get(d, 1);
                snprintf(now, sizeof now, "holds %.0f zombies", life[i].value);
                check_str(n->title, now);
                check_str(n->finding[0].is.text, now);
                check(strstr(n->said.why.answer, now) != NULL);
                incident_free(n);
                if (i == 2)
                        restart(d);
        }
        over(d, f);
        look(d, 5);
        for (int resolved = 0; resolved < 2; resolved++) { /* calm already, then resolved */
                struct incident *n = get(d, 1);
                check_int(n->open, !resolved);
                check_str(n->title, "holds 31 zombies");
                check_str(n->finding[0].is.text, "holds 31 zombies");
                check_str(n->finding[0].is.evidence[0].text, "31 held");
                check_int(n->finding[0].is.severity, SEVERITY_WARNING);
                check(strstr(n->said.why.answer, "holds 31 zombies") != NULL);
                incident_free(n);
                look(d, 2 * CALM);
        }
        desk_done(d);
}

/* It comes back less bad: what is open is told as it is, and at the end the first time was the worst. */
static void what_comes_back_is_told_anew(void)
{
        struct desk *d = desk_new();
        uint16_t s = fake_service(d->l->b, "shop", SERVICE_CONTAINER);
        struct finding *f = find(d, 1, "zombie_leak", s, SEVERITY_WARNING);

        measure(f, SEVERITY_CRITICAL, 31);
        look(d, 20);
        over(d, f);
        look(d, 2 * CALM);
        measure(find(d, 2, "zombie_leak", s, SEVERITY_WARNING), SEVERITY_WARNING, 2);
        look(d, 20);
        struct incident *n = get(d, 1);
        check(n->open);
        check_str(n->title, "holds 2 zombies");
        check(strstr(n->said.why.answer, "holds 2 zombies") != NULL);
        incident_free(n);
        over(d, &d->l->b->finding[2]);
        look(d, 2 * CALM);
        n = get(d, 1);
        check(!n->open);
        check_str(n->title, "holds 31 zombies");
        check(strstr(n->said.why.answer, "holds 31 zombies") != NULL);
        check_int(n->findings, 1);
        incident_free(n);
        desk_done(d);
}

/* What was said while nobody was to blame gives way to the verdict on the owner, though that is found when
 * things are a little better. */
static void an_owner_found_late_is_named_at_the_end(void)
{
        struct desk *d = desk_new();
        struct board *b = d->l->b;
        uint16_t build = fake_service(b, "session-5.scope", SERVICE_SESSION);

        b->host.load1 = 9;
        b->host.psi_cpu = 0.8;
        find(d, 1, "saturation", 0, SEVERITY_CRITICAL);
        look(d, 30);
        b->host.load1 = 3;
        b->service[build].load1 = 2.8;
        find(d, 1, "saturation", 0, SEVERITY_WARNING)->id = 1001;
        look(d, 60);
        over(d, &b->finding[1]);
        b->host.load1 = 0.1;
        b->service[build].load1 = 0;
        look(d, 2 * CALM);
        struct incident *n = get(d, 1);
        check(!n->open);
        check_int(n->severity_peak, SEVERITY_CRITICAL);
        check_str(n->owner, "session-5.scope");
        check_str(n->said.culprit, "session-5.scope");
        check(strstr(n->said.why.answer, "Most likely session-5.scope") != NULL);
        incident_free(n);
        desk_done(d);
}

static void disks_don_t_speak_for_each_other(void)
{
        struct desk *d = desk_new();
        struct finding *var = find(d, 1, "disk", 0, SEVERITY_WARNING);

        snprintf(var->text, sizeof var->text, "/var is 98 %% full: 1 GiB of 50 GiB left");
        look(d, 20);
        over(d, var);
        look(d, 20);
        struct finding *home = find(d, 2, "disk", 0, SEVERITY_WARNING);
        snprintf(home->text, sizeof home->text, "/home is 91 %% full: 9 GiB of 100 GiB left");
        look(d, 20);
        over(d, home);
        look(d, 2 * CALM);
        struct incident *n = get(d, 1);
        check(!n->open);
        check_int(n->findings, 2);
        check(strstr(n->finding[0].is.text, "/var is 98 %") != NULL);
        check(strstr(n->finding[1].is.text, "/home is 91 %") != NULL);
        incident_free(n);
        desk_done(d);
}

static void all(void)
{
        test(its_end_tells_of_its_worst);
        test(numbers_that_fall_are_not_its_last_word);
        test(what_comes_back_is_told_anew);
        test(an_owner_found_late_is_named_at_the_end);
        test(disks_don_t_speak_for_each_other);
}

int main(void)
{
        return tap_main(all);
}
