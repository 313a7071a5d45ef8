/* Tests of what the book of incidents survives: restarts, missing memory, stepping clocks, hostile names,
 * full tables and documents that are none.
 */
#include "book_desk.h"

/* ---- restarts ---- */

static void a_restart_of_the_recorder_changes_nothing(void)
{
        uint16_t worker, api;
        struct desk *d = afternoon(&worker, &api);

        storm(d, worker, api, 8);
        uint32_t tells = d->tells;
        struct incident *before = get(d, 1);
        restart(d);
        tick(d, 30);
        check_int(book_open_count(d->book), 2);
        check_int(d->tells, tells); /* nobody is told twice */
        struct incident *after = get(d, 1);
        check_int(after->findings, before->findings);
        check_str(after->owner, before->owner);
        check(after->opened_unix_ns / 1000000 == before->opened_unix_ns / 1000000);
        check_near(after->service[USUAL_CPU].normal, before->service[USUAL_CPU].normal, 0.001);
        check_near(after->service[USUAL_CPU].peak, before->service[USUAL_CPU].peak, 0.001);
        check_int(after->entries, before->entries);
        for (uint32_t i = 0; i < after->findings; i++)
                check(after->finding[i].is.open);
        incident_free(before);
        incident_free(after);
        desk_done(d);
}

static void a_restart_of_the_guard_is_waited_out(void)
{
        struct desk *d = desk_new();
        uint16_t s = fake_service(d->l->b, "shop", SERVICE_CONTAINER);
        struct finding *f = find(d, 1, "memory", s, SEVERITY_WARNING);

        d->l->b->guard_generation = 1;
        look(d, 20);
        d->l->b->guard_generation = 2;
        over(d, f);
        look(d, 2 * CALM); /* the detector wants to see it for a while again */
        check_int(book_open_count(d->book), 1);
        find(d, 2, "memory", s, SEVERITY_WARNING);
        look(d, 20);
        struct incident *n = get(d, 1);
        check_int(n->findings, 1);
        check(n->finding[0].is.open);
        check_int(lines(n, "finding"), 0); /* that it was looked for anew is no news */
        incident_free(n);
        check_int(d->tells, 1);
        /* a whole new board: everything restarted */
        memset(d->l->b->finding, 0, sizeof d->l->b->finding);
        d->l->b->finding_top = 1;
        restart(d);
        look(d, 2 * CALM);
        check_int(book_open_count(d->book), 1);
        find(d, 1, "memory", s, SEVERITY_WARNING)->id = 1;
        look(d, 20);
        check_int(book_open_count(d->book), 1);
        over(d, &d->l->b->finding[1]);
        look(d, 2 * CALM);
        check_int(book_open_count(d->book), 0); /* an ordinary end */
        find(d, 2, "memory", s, SEVERITY_WARNING);
        restart(d);
        look(d, 5);
        check(told_of(d, BOOK_REOPENED, 1));
        find(d, 3, "pids", fake_service(d->l->b, "other", SERVICE_CONTAINER), SEVERITY_WARNING);
        look(d, 5);
        check(told_of(d, BOOK_OPENED, 2)); /* numbers go on */
        desk_done(d);
}

/* The store was slow: what it remembers comes when the same trouble has been opened again already. */
static void what_comes_late_goes_on(void)
{
        struct desk *d = desk_new();
        uint16_t s = fake_service(d->l->b, "shop", SERVICE_CONTAINER);

        find(d, 1, "memory", s, SEVERITY_WARNING);
        look(d, 20);
        find(d, 2, "pids", s, SEVERITY_WARNING);
        look(d, 20);
        uint32_t kept = d->keeps;
        book_free(d->book);
        open_book(d);
        book_number_from(d->book, 1000);
        look(d, 20);
        check(told_of(d, BOOK_OPENED, 1000));
        for (uint32_t i = 0; i < kept; i++)
                check_int(book_restore(d->book, d->kept[i].json, d->kept[i].len, d->l->now, d->offset), 0);
        look(d, 20);
        check_int(book_open_count(d->book), 1);
        struct incident *n = get(d, 1);
        check(n->open);
        check_int(n->findings, 2);
        for (uint32_t i = 0; i < n->findings; i++)
                check(n->finding[i].is.open);
        check_int(lines(n, "merged"), 1);
        incident_free(n);
        n = get(d, 1000);
        check(!n->open);
        check_int(n->merged_into, 1);
        incident_free(n);
        over(d, &d->l->b->finding[1]);
        over(d, &d->l->b->finding[2]);
        look(d, 4 * CALM);
        check_int(book_open_count(d->book), 0);
        desk_done(d);
}

static void a_resolved_one_is_found_again(void)
{
        struct desk *d = desk_new();
        char name[32];

        /* more than the shelf holds */
        for (uint32_t i = 0; i < 60; i++) {
                snprintf(name, sizeof name, "service-%u", i);
                over(d, find(d, 1, "pids", fake_service(d->l->b, name, SERVICE_CONTAINER), SEVERITY_INFO));
                d->l->b->finding[1].open = true;
                d->l->b->finding[1].id = 5000 + i;
                look(d, 1);
                over(d, &d->l->b->finding[1]);
                look(d, 1);
        }
        look(d, 2 * CALM);
        check_int(book_open_count(d->book), 0);
        struct json_out j = json_out_of(16 << 20);
        struct book_query q = {.limit = 1000, .open = true, .resolved = true};
        json_out_array(&j, NULL);
        check_int(book_list(d->book, &q, &j), 60);
        json_out_array_end(&j);
        json_t *list = json_loadb(j.out.buf, j.out.len, 0, NULL);
        check_int(json_array_size(list), 60);
        json_decref(list);
        json_out_done(&j);
        book_free(d->book); /* nothing in memory: the keeper knows */
        open_book(d);
        struct incident *n = get(d, 7);
        check_str(n->owner, "service-6");
        check(!n->open);
        incident_free(n);
        check_int(book_get(d->book, 999, &n), -ENOENT);
        desk_done(d);
}

/* Brought newest first, as a store does, more than there is room for: the newest stay. */
static void the_shelf_keeps_the_newest(void)
{
        struct desk *d = desk_new();
        char json[200], when[CLOCK_RFC3339_SIZE];

        for (int i = 199; i > 0; i--) {
                int64_t at = (int64_t)d->l->now + OFFSET - (int64_t)FAKE_S(10 * (200 - i));
                snprintf(json, sizeof json,
                        "{\"id\":%d,\"state\":\"resolved\",\"service\":\"s\",\"resolved_at\":\"%s\"}", i,
                        clock_rfc3339(at, when));
                check_int(book_restore(d->book, json, strlen(json), d->l->now, OFFSET), 0);
        }
        struct incident *n = get(d, 199), *none;
        incident_free(n);
        incident_free(get(d, 150));
        check_int(book_get(d->book, 100, &none), -ENOENT);
        check_int(book_next_number(d->book), 200);
        book_number_from(d->book, 1000);
        book_number_from(d->book, 7);
        find(d, 1, "pids", fake_service(d->l->b, "t", SERVICE_CONTAINER), SEVERITY_WARNING);
        find(d, 2, "pids", fake_service(d->l->b, "s", SERVICE_CONTAINER), SEVERITY_WARNING);
        look(d, 5);
        check(told_of(d, BOOK_OPENED, 1000));
        check(told_of(d, BOOK_REOPENED, 199)); /* the last of that service */
        desk_done(d);
}

/* ---- what can go wrong ---- */

/* Every allocation fails in turn: later looks make up for it, and nobody is told twice. */
static void without_memory(void)
{
        if (!FAILING_MALLOC)
                skip("the sanitizer has its own malloc()");
        for (long nth = 0; nth < 60; nth++) {
                struct desk *d = desk_new();
                uint16_t s = fake_service(d->l->b, "shop", SERVICE_CONTAINER);

                d->l->b->host.load1 = 9;
                d->l->b->host.psi_cpu = 0.8;
                find(d, 1, "zombie_leak", s, SEVERITY_WARNING);
                find(d, 2, "saturation", 0, SEVERITY_WARNING);
                failing_malloc_left = nth;
                look(d, 2);
                failing_malloc_left = -1;
                look(d, 30);
                check_int(book_open_count(d->book), 2);
                check_int(d->tells, 2);
                over(d, &d->l->b->finding[1]);
                look(d, 2);
                failing_malloc_left = nth / 4;
                look(d, 2 * CALM);
                failing_malloc_left = -1;
                look(d, 30);
                check_int(book_open_count(d->book), 1);
                check_int(d->tells, 3);
                failing_malloc_left = nth / 4;
                find(d, 3, "pids", s, SEVERITY_WARNING);
                look(d, 2);
                failing_malloc_left = -1;
                look(d, 30);
                check_int(book_open_count(d->book), 2);
                check_int(d->tells, 4);
                desk_done(d);
        }
}

static void hostile_names_stay_themselves(void)
{
        static const char *const names[] = {"\x1b[31mred", "a\xff\xfe", "\"},{\"id\":1",
                "x\xe2\x80\xae"
                "fdp.exe",
                "<b>"};
        struct desk *d = desk_new();

        for (uint32_t i = 0; i < ARRAY_SIZE(names); i++)
                find(d, i + 1, "pids", fake_service(d->l->b, names[i], SERVICE_CONTAINER), SEVERITY_WARNING);
        char longest[BOARD_NAME];
        memset(longest, 0x80, sizeof longest - 1);
        longest[sizeof longest - 1] = '\0';
        find(d, 9, "pids", fake_service(d->l->b, longest, SERVICE_CONTAINER), SEVERITY_WARNING);
        look(d, 30);
        check_int(book_open_count(d->book), 6);
        struct incident *n = get(d, 1);
        check_str(n->owner, "\\x1b[31mred");
        check_str(n->said.culprit, "\\x1b[31mred");
        check(isfinite(n->host[USUAL_LOAD].peak));
        incident_free(n);
        struct event e = {.kind = EVENT_HEALTH_TIMEOUT, .count = 1, .unix_ns = (int64_t)d->l->now + OFFSET};
        memcpy(e.service, names[0], strlen(names[0]));
        memset(e.text, 0x9b, sizeof e.text - 1);
        book_event(d->book, &e);
        n = get(d, 1);
        check_int(lines(n, "health_timeout"), 1);
        incident_free(n);
        restart(d);
        look(d, 30);
        check_int(book_open_count(d->book), 6); /* each has found its findings again */
        check_int(d->tells, 6);
        n = get(d, 6);
        check(n->finding[0].is.open);
        incident_free(n);
        desk_done(d);
}

static void wall_clock_steps(void)
{
        struct desk *d = desk_new();
        uint16_t s = fake_service(d->l->b, "shop", SERVICE_CONTAINER);
        struct finding *f = find(d, 1, "pids", s, SEVERITY_WARNING);

        look(d, 30);
        d->offset -= INT64_C(86400) * (int64_t)NSEC_PER_SEC; /* a day back */
        look(d, 30);
        over(d, f);
        look(d, 20);
        d->offset += INT64_C(30) * 86400 * (int64_t)NSEC_PER_SEC; /* a month ahead */
        look(d, 20);
        check_int(book_open_count(d->book), 1); /* calm is counted by a clock that doesn't step */
        look(d, 60);
        check_int(book_open_count(d->book), 0);
        struct incident *n = get(d, 1);
        check_near(n->lasted, 30 + 30 + 70, 30);
        incident_free(n);
        d->offset -= INT64_C(60) * 86400 * (int64_t)NSEC_PER_SEC; /* resolved in the future, it seems */
        restart(d);
        look(d, 700);
        find(d, 2, "pids", s, SEVERITY_WARNING);
        look(d, 5);
        check(told_of(d, BOOK_OPENED, 2)); /* not reopened for ever */
        desk_done(d);
}

static void only_watched_time_is_calm(void)
{
        struct desk *d = desk_new();
        uint16_t s = fake_service(d->l->b, "shop", SERVICE_CONTAINER);
        struct finding *f = find(d, 1, "pids", s, SEVERITY_WARNING);

        look(d, 5);
        over(d, f);
        look(d, 10);
        d->l->now += FAKE_S(36000); /* suspended */
        look(d, 5);
        check_int(book_open_count(d->book), 1);
        uint64_t silent = d->l->now; /* the guard says nothing */
        for (int i = 0; i < 600; i++) {
                d->l->now += NSEC_PER_SEC;
                d->l->b->updated_ns = silent;
                check(i < 6 || !book_due(d->book, d->l->b, d->l->now));
                book_look(d->book, d->l->b, d->l->now, d->offset);
        }
        check_int(book_open_count(d->book), 1);
        look(d, 2 * CALM);
        check_int(book_open_count(d->book), 0);
        desk_done(d);
}

static void a_long_timeline_keeps_its_landmarks(void)
{
        struct desk *d = desk_new();
        uint16_t s = fake_service(d->l->b, "shop", SERVICE_CONTAINER);
        struct event e = {.kind = EVENT_EXIT, .count = 3, .exit_status = 9, .comm = "sh"};
        struct json_out j = json_out_of(INCIDENT_DOCUMENT);

        strcpy(e.service, "shop");
        find(d, 1, "respawn_loop", s, SEVERITY_WARNING);
        look(d, 5);
        for (uint32_t i = 0; i < 2000; i++) {
                look(d, 400);
                e.unix_ns = (int64_t)d->l->now + OFFSET;
                e.kind = i % 2 ? EVENT_EXIT : EVENT_RESTART;
                book_event(d->book, &e);
                if (i % 100 == 0)
                        book_note(d->book, 1, "notified", "hook", e.unix_ns);
        }
        struct incident *n = get(d, 1);
        uint64_t deaths = 0;
        for (uint32_t i = 0; i < n->entries; i++) {
                deaths += !strcmp(n->entry[i].kind, "death") ? n->entry[i].count : 0;
                check(i == 0 || n->entry[i].from_unix_ns >= n->entry[i - 1].from_unix_ns);
        }
        check_int(n->entries, INCIDENT_ENTRIES);
        check_int(deaths, 3000); /* every one is in some line */
        check_int(n->left_out, 0);
        check_int(lines(n, "opened"), 1);
        incident_write(n, &j);
        check(j.out.len < 64 << 10);
        json_out_done(&j);
        incident_free(n);
        desk_done(d);
}

static void tables_that_are_full(void)
{
        struct desk *d = desk_new();
        struct board *b = d->l->b;
        char name[32];

        for (uint32_t i = 1; i < BOARD_FINDINGS; i++) { /* one incident each */
                snprintf(name, sizeof name, "service-%u", i);
                find(d, i, "pids", fake_service(b, name, SERVICE_CONTAINER), SEVERITY_WARNING);
        }
        look(d, 30);
        check_int(book_open_count(d->book), BOARD_FINDINGS - 1);
        for (uint32_t i = 1; i < BOARD_FINDINGS; i++) /* and all in one */
                find(d, i, "disk", 0, SEVERITY_WARNING)->id = 5000 + i;
        look(d, 3 * CALM);
        check_int(book_open_count(d->book), 1);
        struct incident *n = get(d, BOARD_FINDINGS);
        check_int(n->findings, INCIDENT_FINDINGS);
        incident_free(n);
        /* more than are kept in memory */
        struct book_query q = {.limit = 1000, .resolved = true};
        struct json_out j = json_out_of(16 << 20);
        check_int(
                book_list(d->book, &q, &j), 2 * TOLD); /* the last ones, and the first that were kept here */
        json_out_done(&j);
        desk_done(d);
}

static void documents_that_are_none(void)
{
        static const char *const bad[] = {"", "{", "[]", "7", "{}", "{\"id\":0,\"state\":\"open\"}",
                "{\"id\":-3,\"state\":\"open\"}", "{\"id\":1}", "{\"id\":1,\"state\":\"shut\"}",
                "{\"id\":\"1\",\"state\":\"open\"}", "{\"id\":1,\"id\":2,\"state\":\"open\"}"};
        static const char least[] = "{\"id\":9,\"state\":\"open\"}";
        struct desk *d = desk_new();

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                check_int(book_restore(d->book, bad[i], strlen(bad[i]), d->l->now, OFFSET), -EINVAL);
        check_int(book_restore(d->book, least, sizeof least - 1, d->l->now, OFFSET), 0);
        check_int(book_restore(d->book, least, sizeof least - 1, d->l->now, OFFSET), -EEXIST);
        look(d, 10 * CALM); /* it has nothing, and ends */
        check_int(book_open_count(d->book), 0);
        check(told_of(d, BOOK_RESOLVED, 9));
        find(d, 1, "pids", fake_service(d->l->b, "shop", SERVICE_CONTAINER), SEVERITY_WARNING);
        look(d, 5);
        check(told_of(d, BOOK_OPENED, 10));
        desk_done(d);
}

/* A document written, read and written again is the same. */
static void documents_survive(void)
{
        uint16_t worker, api;
        struct desk *d = afternoon(&worker, &api);

        storm(d, worker, api, 8);
        for (uint64_t id = 1; id <= 2; id++) {
                struct incident *n = get(d, id);
                struct json_out a = json_out_of(INCIDENT_DOCUMENT), b = json_out_of(INCIDENT_DOCUMENT);
                struct incident *again;

                incident_write(n, &a);
                check_int(incident_read(a.out.buf, a.out.len, &again), 0);
                incident_write(again, &b);
                check_int(a.out.len, b.out.len);
                check(a.out.len == b.out.len && !memcmp(a.out.buf, b.out.buf, a.out.len));
                json_out_done(&a);
                json_out_done(&b);
                incident_free(n);
                incident_free(again);
        }
        desk_done(d);
}

static void all(void)
{
        test(a_restart_of_the_recorder_changes_nothing);
        test(a_restart_of_the_guard_is_waited_out);
        test(what_comes_late_goes_on);
        test(a_resolved_one_is_found_again);
        test(the_shelf_keeps_the_newest);
        test(without_memory);
        test(hostile_names_stay_themselves);
        test(wall_clock_steps);
        test(only_watched_time_is_calm);
        test(a_long_timeline_keeps_its_landmarks);
        test(tables_that_are_full);
        test(documents_that_are_none);
        test(documents_survive);
}

int main(void)
{
        return tap_main(all);
}
