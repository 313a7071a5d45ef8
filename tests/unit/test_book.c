/* Tests of the book of incidents: what belongs together, how it rises, calms down and comes back. Findings
 * are made by the real detectors on made boards, or put there by hand.
 */
#include "book_desk.h"

static void one_deadly_and_one_small(void)
{
        uint16_t worker, api;
        struct desk *d = afternoon(&worker, &api);

        storm(d, worker, api, 8); /* past the 5 min of the saturation */
        check_int(book_open_count(d->book), 2);
        check_int(book_open_of(d->book, SEVERITY_CRITICAL), 1);
        check_int(book_open_of(d->book, SEVERITY_WARNING), 1);
        struct incident *one = get(d, 1), *two = get(d, 2);
        struct incident *deadly = strcmp(one->owner, "odin/celery-worker") ? two : one;
        struct incident *small = deadly == one ? two : one;
        check_str(deadly->owner, "odin/celery-worker");
        check_str(deadly->said.culprit, "odin/celery-worker");
        check(has(deadly, "zombie_leak")->is.open && has(deadly, "health_check")->is.open);
        check(has(deadly, "saturation")->is.open);
        check_int(deadly->severity, SEVERITY_CRITICAL);
        check(deadly->named);
        check(strstr(deadly->said.why.answer, "Most likely odin/celery-worker"));
        check(deadly->said.suspects >= 2);
        check_str(deadly->said.suspect[0].service, "odin/celery-worker");
        check(deadly->said.suspect[0].is.score > 0.5 && !deadly->said.suspect[0].is.refuted);
        check_int(lines(deadly, "opened"), 1);
        check_int(lines(deadly, "deploy"), 1);
        check_int(lines(deadly, "health_timeout"), 1); /* twelve in one line */
        check(lines(deadly, "threshold") >= 1);
        check_near(deadly->service[USUAL_CPU].normal, 0.1, 0.001);
        check_near(deadly->service[USUAL_CPU].peak, 1.7, 0.001);
        check_near(deadly->host[USUAL_LOAD].peak, 10.4, 0.001);
        check_str(small->owner, "odin/api");
        check_int(small->findings, 1);
        check_int(has(small, "restart_loop")->is.severity, SEVERITY_CRITICAL); /* loud */
        check_int(small->severity_peak, SEVERITY_WARNING);                     /* and small */
        check(has(small, "restart_loop")->is.open);
        check_int(small->said.suspects, 1);
        check(!small->said.suspect[0].is.refuted);
        check(small->said.suspect[0].is.score < 0.2);
        incident_free(one);
        incident_free(two);
        desk_done(d);
}

static void resolved_after_the_fix(void)
{
        uint16_t worker, api;
        struct desk *d = afternoon(&worker, &api);
        struct board *b = d->l->b;

        storm(d, worker, api, 8);
        for (uint16_t s = api; s <= worker; s++) {
                struct service *v = &b->service[s];
                v->held = v->zombies = v->probe_orphans = 0;
                v->cpu_ratio = v->load1 = 0;
                v->restarts = v->probe_timeouts = v->zombie_births = (struct recent){0};
                v->has_health_check = false;
        }
        for (uint32_t i = 1; i < b->process_top; i++)
                b->process[i].state = PROCESS_BURIED;
        b->zombies = b->ledger_head = 0;
        b->host.load1 = 0.3;
        b->host.psi_cpu = 0;
        b->host.cpu_busy_ratio = 0.05;
        tick(d, 30);
        check_int(book_open_count(d->book), 2); /* not yet */
        tick(d, CALM + 120);
        check_int(book_open_count(d->book), 0);
        for (uint64_t id = 1; id <= 2; id++) {
                struct incident *n = get(d, id);
                check(!n->open && n->resolved_unix_ns > n->opened_unix_ns);
                check_near(n->lasted, (double)(n->resolved_unix_ns - n->opened_unix_ns) / 1e9, 0.01);
                check_int(lines(n, "resolved"), 1);
                check_int(lines(n, "calm"), 1);
                check_near(n->host[USUAL_LOAD].after, 0.3, 0.001);
                check(n->said.why.answer[0] && strcmp(n->said.culprit, n->owner) == 0);
                check(told_of(d, BOOK_OPENED, id) && told_of(d, BOOK_RESOLVED, id));
                incident_free(n);
        }
        check_int(d->tells, 4 + told_of(d, BOOK_SEVERITY, 1) + told_of(d, BOOK_SEVERITY, 2));
        desk_done(d);
}

/* ---- one thing at a time ---- */

static void severity_rises_and_falls_only_for_good(void)
{
        struct desk *d = desk_new();
        uint16_t s = fake_service(d->l->b, "shop", SERVICE_CONTAINER);
        struct finding *f = find(d, 1, "zombie_leak", s, SEVERITY_WARNING);

        look(d, 1);
        struct incident *n = get(d, 1);
        check_int(n->severity, SEVERITY_WARNING);
        check(n->open && n->opened_unix_ns == (int64_t)d->l->now + d->offset);
        incident_free(n);
        check_int(d->tells, 1);
        f->severity = SEVERITY_CRITICAL;
        look(d, 1);
        check_int(d->tells, 2);
        check_int(d->told[1].change, BOOK_SEVERITY);
        f->severity = SEVERITY_WARNING;
        look(d, CALM - 15);
        n = get(d, 1);
        check_int(n->severity, SEVERITY_CRITICAL);
        incident_free(n);
        f->severity = SEVERITY_CRITICAL; /* it comes back: the wait begins anew */
        look(d, 20);
        f->severity = SEVERITY_WARNING;
        look(d, CALM - 15);
        check_int(d->tells, 2);
        look(d, 30);
        check_int(d->tells, 3);
        n = get(d, 1);
        check_int(n->severity, SEVERITY_WARNING);
        check_int(n->severity_before, SEVERITY_CRITICAL);
        check_int(n->severity_peak, SEVERITY_CRITICAL);
        check_int(lines(n, "severity"), 2);
        incident_free(n);
        desk_done(d);
}

static void flapping_is_one_incident(void)
{
        struct desk *d = desk_new();
        uint16_t s = fake_service(d->l->b, "shop", SERVICE_CONTAINER);

        for (uint32_t i = 0; i < 40; i++) {
                struct finding *f = find(d, 1, "memory", s, SEVERITY_WARNING);
                f->id = 100 + i; /* each time anew */
                look(d, 5);
                over(d, f);
                look(d, CALM / 2);
                check_int(book_open_count(d->book), 1);
        }
        check_int(d->tells, 1);
        struct incident *n = get(d, 1);
        check_int(n->findings, 1);
        check(n->entries < INCIDENT_ENTRIES);
        incident_free(n);
        look(d, 2 * CALM);
        check_int(book_open_count(d->book), 0);
        check_int(d->tells, 2);
        desk_done(d);
}

static void what_comes_back_reopens(void)
{
        struct desk *d = desk_new();
        uint16_t s = fake_service(d->l->b, "shop", SERVICE_CONTAINER);
        struct finding *f = find(d, 1, "pids", s, SEVERITY_CRITICAL);

        look(d, 5);
        over(d, f);
        look(d, 2 * CALM);
        check(told_of(d, BOOK_RESOLVED, 1));
        book_note(d->book, 1, "notified", "told hook", (int64_t)d->l->now + d->offset); /* a little late */
        book_note(d->book, 7, "notified", "told hook", (int64_t)d->l->now + d->offset); /* there is none */
        look(d, 300);
        find(d, 2, "pids", s, SEVERITY_WARNING);
        look(d, 2);
        check_int(book_open_count(d->book), 1);
        check(told_of(d, BOOK_REOPENED, 1));
        struct incident *n = get(d, 1);
        check_int(n->reopened, 1);
        check_int(n->findings, 1);
        check(n->open && n->resolved_unix_ns == 0 && n->severity == SEVERITY_WARNING);
        check_int(n->severity_peak, SEVERITY_CRITICAL);
        check_int(lines(n, "reopened"), 1);
        check_int(lines(n, "notified"), 1);
        check(n->lasted > 300);
        incident_free(n);
        over(d, &d->l->b->finding[2]);
        look(d, 2 * CALM);
        look(d, 700);
        find(d, 3, "pids", s, SEVERITY_WARNING);
        look(d, 2);
        check(told_of(d, BOOK_OPENED, 2)); /* too late: another one */
        desk_done(d);
}

/* The host is loaded; by whom becomes clear later. */
static void the_hosts_goes_to_its_culprit(void)
{
        struct desk *d = desk_new();
        struct board *b = d->l->b;
        uint16_t eater = fake_service(b, "eater", SERVICE_CONTAINER);

        b->host.load1 = 9;
        b->host.psi_cpu = 0.8;
        b->host.cpu_busy_ratio = 1;
        find(d, 1, "saturation", 0, SEVERITY_CRITICAL);
        look(d, 30);
        struct incident *n = get(d, 1);
        check_str(n->owner, "");
        check_str(n->said.culprit, "");
        incident_free(n);
        /* a defect of its own, harmless as yet */
        find(d, 2, "zombie_leak", eater, SEVERITY_WARNING);
        look(d, 2);
        check_int(book_open_count(d->book), 2);
        b->service[eater].load1 = 8.5;
        b->service[eater].cpu_ratio = 1.9;
        look(d, 60);
        check_int(book_open_count(d->book), 1);
        n = get(d, 1);
        check(!n->open);
        check_int(n->merged_into, 2);
        incident_free(n);
        n = get(d, 2);
        check_int(n->severity, SEVERITY_CRITICAL);
        check_str(n->said.culprit, "eater");
        check(has(n, "saturation")->is.open);
        check_int(lines(n, "merged"), 1);
        incident_free(n);
        check(told_of(d, BOOK_SEVERITY, 2) && told_of(d, BOOK_RESOLVED, 1));
        desk_done(d);
}

static void an_incident_finds_its_owner(void)
{
        struct desk *d = desk_new();
        struct board *b = d->l->b;
        uint16_t build = fake_service(b, "session-5.scope", SERVICE_SESSION);

        b->host.load1 = 9;
        b->host.psi_cpu = 0.8;
        find(d, 1, "saturation", 0, SEVERITY_WARNING);
        look(d, 30);
        b->service[build].load1 = 8;
        look(d, 5);
        struct incident *n = get(d, 1);
        check_str(n->owner, ""); /* not convinced so soon */
        incident_free(n);
        look(d, 40);
        n = get(d, 1);
        check_str(n->owner, "session-5.scope");
        check_str(n->said.culprit, "session-5.scope");
        check_int(lines(n, "suspect"), 1);
        incident_free(n);
        check_int(d->tells, 1);
        desk_done(d);
}

/* `why` would name the leaker, which has all that is wrong; the kernel's kill was not its. */
static void what_nobody_explains_is_nobodys(void)
{
        struct desk *d = desk_new();
        struct board *b = d->l->b;
        uint16_t s = fake_service(b, "leaker", SERVICE_CONTAINER);

        b->service[s].held = 50;
        b->service[s].memory_bytes = 1 << 30;
        find(d, 1, "zombie_leak", s, SEVERITY_WARNING);
        find(d, 2, "oom", 0, SEVERITY_WARNING);
        find(d, 3, "unattributed", 0, SEVERITY_WARNING);
        look(d, 60);
        check_int(book_open_count(d->book), 2);
        struct incident *n = get(d, 2);
        check_str(n->owner, "");
        check_str(n->said.culprit, "");
        check_int(n->findings, 2);
        check_int(n->said.suspects, 0);
        check(strstr(n->said.why.answer, "oom found") && !strstr(n->said.why.answer, "leaker"));
        incident_free(n);
        n = get(d, 1);
        check_str(n->said.culprit, "leaker");
        check_int(n->findings, 1);
        incident_free(n);
        desk_done(d);
}

static void disks_are_nobodys(void)
{
        struct desk *d = desk_new();
        struct board *b = d->l->b;
        uint16_t s = fake_service(b, "busy", SERVICE_CONTAINER);

        b->service[s].load1 = 9;
        b->host.load1 = 9;
        b->host.psi_cpu = 0.9;
        find(d, 1, "disk", 0, SEVERITY_WARNING);
        find(d, 2, "disk", 0, SEVERITY_CRITICAL); /* another mount */
        find(d, 3, "saturation", 0, SEVERITY_WARNING);
        look(d, 60);
        check_int(book_open_count(d->book), 2);
        struct incident *n = get(d, 1);
        check(n->disk);
        check_int(n->findings, 2);
        check_str(n->said.culprit, "");
        check_int(n->said.suspects, 0);
        check(strstr(n->said.why.answer, "disk found") != NULL);
        incident_free(n);
        n = get(d, 2);
        check_str(n->owner, "busy");
        incident_free(n);
        desk_done(d);
}

static void a_victim_belongs_to_its_culprit(void)
{
        struct desk *d = desk_new();
        struct board *b = d->l->b;
        uint16_t eater = fake_service(b, "eater", SERVICE_CONTAINER);
        uint16_t victim = fake_service(b, "victim", SERVICE_CONTAINER);

        b->host.load1 = 9;
        b->host.psi_cpu = 0.8;
        b->host.cpu_busy_ratio = 1;
        b->service[eater].load1 = 8.5;
        b->service[eater].cpu_ratio = 1.9;
        fake_recent(&b->service[victim].probe_timeouts, d->l->now, 0);
        find(d, 1, "saturation", 0, SEVERITY_CRITICAL);
        look(d, 5);
        struct finding *hurt = find(d, 2, "health_check", victim, SEVERITY_WARNING);
        find(d, 3, "restart_loop", victim, SEVERITY_WARNING); /* a defect all the same */
        look(d, 5);
        check_int(book_open_count(d->book), 2);
        struct incident *n = get(d, 1);
        check_str(n->owner, "eater");
        check(has(n, "health_check")->consequence);
        check(!strcmp(n->title, "saturation found"));
        incident_free(n);
        n = get(d, 2);
        check_str(n->owner, "victim");
        check_int(n->findings, 1);
        incident_free(n);
        /* the culprit is cured and the victim isn't */
        over(d, &b->finding[1]);
        b->host.load1 = 0.1;
        b->service[eater].load1 = 0;
        b->service[eater].cpu_ratio = 0;
        look(d, 2 * CALM);
        check(told_of(d, BOOK_RESOLVED, 1));
        n = get(d, 2);
        check(has(n, "health_check")->is.open && hurt->open);
        check(!has(n, "health_check")->consequence);
        incident_free(n);
        desk_done(d);
}

static void all(void)
{
        test(one_deadly_and_one_small);
        test(resolved_after_the_fix);
        test(severity_rises_and_falls_only_for_good);
        test(flapping_is_one_incident);
        test(what_comes_back_reopens);
        test(the_hosts_goes_to_its_culprit);
        test(an_incident_finds_its_owner);
        test(what_nobody_explains_is_nobodys);
        test(disks_are_nobodys);
        test(a_victim_belongs_to_its_culprit);
}

int main(void)
{
        return tap_main(all);
}
