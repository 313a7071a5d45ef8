/* The JSON of the verbs against docs: names, types, null for what is unknown; hostile names; size; and
 * the metrics in both formats.
 */
#include "api/api.h"
#include "base/clock.h"
#include "model/event.h"

#include <errno.h>
#include <jansson.h>
#include <time.h>

#include "fake_board.h"
#include "tap.h"

/* Wall time of FAKE_T0: 2026-11-23T21:30:00Z */
#define WALL_OFFSET (INT64_C(1795469400000000000) - (int64_t)FAKE_T0)

static struct board *board;
static struct book *book; /* NULL unless a test keeps one */
static uint32_t holder_entry, zombie_entry;
static uint16_t worker;

static void setup(void)
{
        board = fake_board();
        board->updated_ns = FAKE_T0;
        worker = fake_service(board, "odin/worker", SERVICE_COMPOSE);
        board->service[worker].state = CONTAINER_RUNNING;
        board->service[worker].cpu_ns = FAKE_S(12.5);
        board->service[worker].memory_bytes = BOARD_UNKNOWN;
        board->service[worker].load1 = NAN;
        holder_entry = fake_process(board, worker, 4000, 0, "celery -A app worker");
        board->process[holder_entry].flags |= PROCESS_F_INIT;
        uint32_t probe = fake_process(board, worker, 4100, holder_entry, "/bin/sh -c celery inspect ping");
        zombie_entry = fake_process(board, worker, 4200, probe, "celery inspect ping");
        fake_dies(board, zombie_entry, holder_entry, FAKE_T0 - FAKE_S(60));
        board->process[zombie_entry].exit_status = 9; /* SIGKILL */
        board->process[zombie_entry].origin = ORIGIN_HEALTHCHECK;
        board->process[probe].state = PROCESS_BURIED;
        board->host.boot_unix_ns = UINT64_C(1795469400000000000) - FAKE_T0;
}

static void teardown(void)
{
        fake_board_done(board);
}

static struct api_view view_of(const struct history *h)
{
        struct api_view v;

        if (api_view_init(&v, board, h, book, FAKE_T0, WALL_OFFSET) < 0)
                abort();
        return v;
}

static json_t *parsed(struct json_out *j)
{
        json_error_t e;
        json_t *root = json_loadb(j->out.buf, j->out.len, JSON_REJECT_DUPLICATES, &e);

        if (!root)
                printf("# not JSON: %s at %d: %.200s\n", e.text, e.position, j->out.buf);
        json_out_done(j);
        return root;
}

static json_t *ask_zombies(const struct api_query *q)
{
        struct api_view v = view_of(NULL);
        struct json_out j = json_out_of(64 << 20);
        struct api_zombies *z = api_zombies_open(&v, q);

        while (api_zombies_more(z, &j))
                ;
        api_zombies_close(z);
        api_view_done(&v);
        return parsed(&j);
}

#define ASK(call)                                                                                            \
        ({                                                                                                   \
                struct api_view v = view_of(NULL);                                                           \
                struct json_out j = json_out_of(1 << 20);                                                    \
                call;                                                                                        \
                api_view_done(&v);                                                                           \
                parsed(&j);                                                                                  \
        })

/* "name:s cpus:n": s string, n number, b bool, o object, a array, z null; capital: or null. */
static void shape(const json_t *o, const char *want)
{
        char name[64], type;
        int n = 0;

        for (const char *p = want; sscanf(p, " %63[^:]:%c%n", name, &type, &n) == 2; p += n) {
                const json_t *v = json_object_get(o, name);
                char is = !v                   ? '-'
                          : json_is_string(v)  ? 's'
                          : json_is_number(v)  ? 'n'
                          : json_is_boolean(v) ? 'b'
                          : json_is_object(v)  ? 'o'
                          : json_is_array(v)   ? 'a'
                                               : 'z';
                if (is == (type | 0x20) || (is == 'z' && type < 'a'))
                        continue;
                printf("# %s: is %c, wanted %c\n", name, is, type);
                check(!"shape");
        }
}

static const char *text_at(const json_t *o, const char *name)
{
        const char *s = json_string_value(json_object_get(o, name));

        return s ? s : "(none)";
}

static double number_at(const json_t *o, const char *name)
{
        return json_number_value(json_object_get(o, name));
}

static void status(void)
{
        setup();
        board->gap_total = 70; /* more than are kept */
        for (int i = 0; i < BOARD_GAPS; i++)
                board->gap[i] =
                        (struct gap){FAKE_T0 - FAKE_S(10), FAKE_T0, "netlink", "overrun", BOARD_UNKNOWN};
        board->host.load1 = 3.5;
        board->sources.netlink = true;
        json_t *r = ASK(api_status(&v, &j));
        shape(r, "host:o load:a cpu_busy_ratio:n memory_used_ratio:n psi:o zombies:n services:n "
                 "incidents_open:n "
                 "gaps:a sources:o self:o findings:a");
        shape(json_object_get(r, "host"), "name:s cpus:n memory_bytes:n kernel:s boot_time:s");
        shape(json_object_get(r, "psi"), "cpu:N memory:N io:N");
        shape(json_object_get(r, "self"), "guard_rss_bytes:z recorder_rss_bytes:z cpu_ratio:n");
        check_int(json_array_size(json_object_get(r, "gaps")), BOARD_GAPS);
        shape(json_array_get(json_object_get(r, "gaps"), 0), "from:s to:s source:s missed:z");
        check_str(text_at(json_object_get(r, "sources"), "lifecycle"), "netlink");
        check_str(text_at(json_object_get(r, "sources"), "engine"), "none");
        check_str(text_at(r, "time"), "2026-11-23T21:30:00.000Z");
        check_near(number_at(r, "memory_used_ratio"), 0.25, 1e-9);
        check_near(json_number_value(json_array_get(json_object_get(r, "load"), 0)), 3.5, 1e-9);
        check_int(number_at(r, "zombies"), 1);
        check_int(json_array_size(json_object_get(r, "pending")), 0);
        json_decref(r);
        board->pendings = 1;
        board->pending[0] = (struct pending){.for_sec = 300,
                .finding = {.severity = SEVERITY_CRITICAL,
                        .since_ns = FAKE_T0 - FAKE_S(40),
                        .detector = "saturation",
                        .text = "Load 9.6 on 2 cores"}};
        r = ASK(api_status(&v, &j));
        json_t *p = json_array_get(json_object_get(r, "pending"), 0);
        shape(p, "detector:s service:z severity:s since:s lasted:n for:n text:s");
        check_near(number_at(p, "for"), 300, 0);
        check_near(number_at(p, "lasted"), 40, 1e-9);
        check_str(text_at(p, "severity"), "critical");
        json_decref(r);
        board->pendings = UINT32_MAX; /* of a guard that died while writing */
        r = ASK(api_status(&v, &j));
        check_int(json_array_size(json_object_get(r, "pending")), BOARD_PENDING);
        json_decref(r);
        board->host.memory_available_bytes = BOARD_UNKNOWN;
        board->host.psi_io = NAN;
        r = ASK(api_status(&v, &j));
        shape(r, "memory_used_ratio:z");
        shape(json_object_get(r, "psi"), "cpu:n io:z");
        json_decref(r);
        teardown();
}

static void services(void)
{
        struct api_query q = {0};

        setup();
        strcpy(board->service[worker].id, "6faa5f1b6ba8");
        fake_recent(&board->service[worker].restarts, FAKE_T0 - FAKE_S(7200), 1);
        fake_recent(&board->service[worker].restarts, FAKE_T0 - FAKE_S(60), 1);
        json_t *r = ASK(api_services(&v, &q, &j));
        shape(r, "services:a unattributed:o");
        shape(json_object_get(r, "unattributed"), "cpu_ratio:n");
        check_int(json_array_size(json_object_get(r, "services")), 1);
        const json_t *s = json_array_get(json_object_get(r, "services"), 0);
        shape(s, "service:s kind:s id:s image:z state:s processes:n threads:n zombies:n cpu_ratio:n "
                 "cpu_seconds:n "
                 "cpu_seconds_exited:n load:z memory_bytes:z restarts:n restarts_last_hour:n health:z "
                 "health_checks:o");
        shape(json_object_get(s, "health_checks"), "runs:n timeouts:n cpu_seconds:n");
        check_str(text_at(s, "kind"), "compose");
        check_near(number_at(s, "cpu_seconds"), 12.5, 1e-9);
        check_int(number_at(s, "restarts"), 2);
        check_int(number_at(s, "restarts_last_hour"), 1);
        json_decref(r);
        /* a container whose engine is not to be reached: what it alone counts is not known to be none */
        board->service[worker].restarts = (struct recent){0};
        memset(board->service[worker].id, 0, sizeof board->service[worker].id);
        r = ASK(api_services(&v, &q, &j));
        s = json_array_get(json_object_get(r, "services"), 0);
        shape(s, "restarts:z restarts_last_hour:z");
        shape(json_object_get(s, "health_checks"), "defined:z runs:z timeouts:z failures:z cpu_seconds:z");
        json_decref(r);
        strcpy(board->service[worker].id, "6faa5f1b6ba8");
        r = ASK(api_services(&v, &q, &j));
        s = json_array_get(json_object_get(r, "services"), 0);
        shape(s, "restarts:n restarts_last_hour:n");
        shape(json_object_get(s, "health_checks"), "defined:b runs:n timeouts:n failures:n cpu_seconds:n");
        json_decref(r);
        strcpy(q.service, "nobody");
        r = ASK(api_services(&v, &q, &j));
        check_int(json_array_size(json_object_get(r, "services")), 0);
        json_decref(r);
        teardown();
}

static void zombies(void)
{
        struct api_query q = {0};

        setup();
        board->service[worker].pids = 900;
        board->service[worker].pids_limit = 1000;
        json_t *r = ask_zombies(&q);
        shape(r, "zombies:a by_holder:a");
        check_int(json_array_size(json_object_get(r, "zombies")), 1);
        const json_t *z = json_array_get(json_object_get(r, "zombies"), 0);
        shape(z, "pid:n start_time:s died_at:s age:n kind:s command:s exe:z exit_code:z signal:s "
                 "cpu_seconds:z "
                 "threads:n service:s lineage:a origin:s holder:o why:s remedy:s");
        shape(json_object_get(z, "holder"), "pid:n command:s service:s is_pid1:b");
        check_int(number_at(z, "pid"), 4200);
        check_str(text_at(z, "kind"), "orphan");
        check_str(text_at(z, "signal"), "SIGKILL");
        check_str(text_at(z, "origin"), "healthcheck");
        check_str(text_at(z, "died_at"), "2026-11-23T21:29:00.000Z");
        check_near(number_at(z, "age"), 60, 1e-6);
        check_int(number_at(json_object_get(z, "holder"), "pid"), 4000);
        check(json_is_true(json_object_get(json_object_get(z, "holder"), "is_pid1")));
        const json_t *up = json_object_get(z, "lineage");
        check_int(json_array_size(up), 2);
        check_str(text_at(json_array_get(up, 0), "command"), "/bin/sh -c celery inspect ping");
        const json_t *h = json_array_get(json_object_get(r, "by_holder"), 0);
        shape(h, "holder:o service:s count:n per_hour:n pids_limit:n exhausted_in:z");
        check_int(number_at(h, "count"), 1);
        json_decref(r);
        teardown();
}

static void zombies_unknown(void)
{
        struct api_query q = {0};

        setup();
        struct process *p = &board->process[zombie_entry];
        p->exit_ns = p->start_ns = 0;
        p->ppid = 99999; /* not on the board */
        p->exit_status = -1;
        p->service = 60000; /* garbage */
        json_t *r = ask_zombies(&q);
        const json_t *z = json_array_get(json_object_get(r, "zombies"), 0);
        shape(z, "start_time:z died_at:z age:z exit_code:z signal:z service:s");
        shape(json_object_get(z, "holder"), "pid:n command:z service:z is_pid1:b");
        json_decref(r);
        /* a ledger that is a circle, and one that leads nowhere */
        p->list_next = zombie_entry;
        r = ask_zombies(&q);
        check(json_array_size(json_object_get(r, "zombies")) <= board->process_top);
        json_decref(r);
        board->ledger_head = UINT32_MAX;
        r = ask_zombies(&q);
        check_int(json_array_size(json_object_get(r, "zombies")), 0);
        json_decref(r);
        teardown();
}

static void zombies_filtered(void)
{
        struct api_query q = {.limit = 2};

        setup();
        uint16_t other = fake_service(board, "other", SERVICE_CONTAINER);
        uint32_t parent = fake_process(board, other, 5000, 0, "keeper");
        for (int i = 0; i < 5; i++)
                fake_dies(board, fake_process(board, other, 5001 + i, parent, "forgotten"), parent,
                        FAKE_T0 - FAKE_S(i ? 100 * i : 1));
        json_t *r = ask_zombies(&q);
        check_int(json_array_size(json_object_get(r, "zombies")), 2);
        check_int(json_array_size(json_object_get(r, "by_holder")), 2);
        const json_t *most = json_array_get(json_object_get(r, "by_holder"), 0);
        check_str(text_at(most, "service"), "other");
        check_int(number_at(most, "count"), 4); /* the fifth is transient */
        check_near(number_at(most, "per_hour"), 3 * 3600 / 400.0, 1e-6);
        json_decref(r);
        q = (struct api_query){.summary = true, .limit = 1}; /* no zombie, and the worst holder only */
        r = ask_zombies(&q);
        check_int(json_array_size(json_object_get(r, "zombies")), 0);
        check_int(number_at(r, "holders"), 2);
        check_int(json_array_size(json_object_get(r, "by_holder")), 1);
        most = json_array_get(json_object_get(r, "by_holder"), 0);
        check_str(text_at(most, "service"), "other");
        check(text_at(most, "why") && *text_at(most, "why"));
        q = (struct api_query){
                .holder = (int32_t)number_at(json_object_get(most, "holder"), "pid"), .limit = 3};
        json_decref(r);
        r = ask_zombies(&q);
        check_int(json_array_size(json_object_get(r, "zombies")), 3);
        check_int(number_at(json_array_get(json_object_get(r, "by_holder"), 0), "count"), 4);
        json_decref(r);
        q = (struct api_query){.kind = "transient"};
        r = ask_zombies(&q);
        check_int(json_array_size(json_object_get(r, "zombies")), 1);
        check_int(json_array_size(json_object_get(r, "by_holder")), 0);
        json_decref(r);
        q = (struct api_query){.service = "odin/worker"};
        r = ask_zombies(&q);
        check_int(json_array_size(json_object_get(r, "zombies")), 1);
        json_decref(r);
        teardown();
}

static void hostile_names(void)
{
        static const char hostile[] = "<script>\x1b]0;x\x07\"\\\n\xff\xc2\x9b\xe2\x80\xae";
        struct api_query q = {0};

        setup();
        memcpy(board->string[board->process[zombie_entry].command].text, hostile, sizeof hostile);
        memset(board->service[worker].name, 'n', BOARD_NAME); /* without its NUL */
        board->service[worker].name[0] = '\x1b';
        json_t *r = ask_zombies(&q);
        const json_t *z = json_array_get(json_object_get(r, "zombies"), 0);
        check_str(text_at(z, "command"), "<script>\\x1b]0;x\\x07\"\\\\x0a\\xff\\xc2\\x9b\\xe2\\x80\\xae");
        json_decref(r);
        r = ASK(api_services(&v, &q, &j));
        check(r != NULL);
        json_decref(r);
        teardown();
}

static double seconds_now(void)
{
        return (double)clock_boot_ns() / (double)NSEC_PER_SEC;
}

static void twenty_thousand(void)
{
        enum { MANY = 20000 };
        struct api_query q = {0};
        size_t bytes = 0, most = 0;

        setup();
        uint32_t command = board->process[zombie_entry].command;
        for (int i = 0; i < MANY; i++) {
                uint32_t n = board->process_top++;
                struct process *p = &board->process[n];
                *p = board->process[zombie_entry];
                p->pid = 10000 + i;
                p->command = command;
                fake_dies(board, n, holder_entry, FAKE_T0 - FAKE_S(30) - (uint64_t)i);
        }
        struct api_view v = view_of(NULL);
        struct json_out j = json_out_of(1 << 20);
        double begin = seconds_now();
        struct api_zombies *z = api_zombies_open(&v, &q);
        bool more = true;
        while (more) {
                more = api_zombies_more(z, &j);
                bytes += j.out.len;
                most = MAX(most, j.out.size);
                j.out.len = 0; /* sent */
        }
        double took = seconds_now() - begin;
        api_zombies_close(z);
        api_view_done(&v);
        json_out_done(&j);
        printf("# %d zombies: %zu bytes in %.0f ms, buffer %zu\n", MANY, bytes, took * 1e3, most);
        check(bytes > MANY * 500u);
        check(most <= 64 << 10);
        json_t *r = ask_zombies(&q);
        check_int(json_array_size(json_object_get(r, "zombies")), MANY + 1);
        json_decref(r);
        teardown();
}

static void events(void)
{
        struct history h;
        struct api_query q = {0};

        history_init(&h, 1000);
        setup();
        for (int i = 0; i < 10; i++) {
                struct event e = {.kind = i % 2 ? EVENT_EXIT : EVENT_OOM,
                        .unix_ns = INT64_C(1795469400000000000) + i * (int64_t)NSEC_PER_SEC,
                        .pid = 100 + i,
                        .count = 1,
                        .cpu_ns = BOARD_UNKNOWN,
                        .value = NAN,
                        .exit_status = 3 << 8,
                        .comm = "sh",
                        .service = "odin/worker",
                        .text = "text \x1b"};
                check(history_add(&h, &e));
        }
        struct api_view v = view_of(&h);
        struct json_out j = json_out_of(1 << 20);
        api_events(&v, &q, &j);
        json_t *r = parsed(&j);
        const json_t *list = json_object_get(r, "events");
        check_int(json_array_size(list), 10);
        const json_t *e = json_array_get(list, 1);
        shape(e, "id:n time:s kind:s service:s pid:n text:s data:o");
        shape(json_object_get(e, "data"), "comm:s exit_code:n cpu_seconds:z count:n");
        check_str(text_at(e, "time"), "2026-11-23T21:30:01.000Z");
        check_str(text_at(e, "text"), "text \\x1b");
        check_int(number_at(e, "id"), 1001);
        json_decref(r);
        static const struct {
                struct api_query q;
                int n, first_pid;
        } cases[] = {
                {{.limit = 3}, 3, 107},
                {{.kind = "oom"}, 5, 100},
                {{.kind = "bogus"}, 0, 0},
                {{.service = "none"}, 0, 0},
                {{.after = 1004}, 5, 105},
                {{.after = 1004, .limit = 2}, 2, 105},
                {{.since_unix_ns = INT64_C(1795469408000000000)}, 2, 108},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                j = json_out_of(1 << 20);
                api_events(&v, &cases[i].q, &j);
                r = parsed(&j);
                list = json_object_get(r, "events");
                check_int(json_array_size(list), cases[i].n);
                if (cases[i].n)
                        check_int(number_at(json_array_get(list, 0), "pid"), cases[i].first_pid);
                json_decref(r);
        }
        api_view_done(&v);
        history_done(&h);
        teardown();
}

static void add_finding(uint32_t i, const char *service, double since, double closed, enum severity severity)
{
        struct finding *f = &board->finding[i];

        *f = (struct finding){.id = i,
                .severity = (uint8_t)severity,
                .open = closed == 0,
                .detector = "zombie_leak",
                .runbook = "zombie-leak",
                .opened_ns = FAKE_T0 - FAKE_S(since),
                .since_ns = FAKE_T0 - FAKE_S(since + 5),
                .closed_ns = closed != 0 ? FAKE_T0 - FAKE_S(closed) : 0,
                .text = "it leaks",
                .remedy = "wait",
                .evidence_count = 1};
        f->evidence[0] = (struct evidence){FAKE_T0, "so many", NAN, ""};
        snprintf(f->service_name, sizeof f->service_name, "%s", service);
        board->finding_top = MAX(board->finding_top, i + 1);
}

static void keep_book(void)
{
        book = book_new(&(struct book_params){.calm = 60, .reopen = 600}, 41);
        if (!book)
                abort();
        book_look(book, board, FAKE_T0, WALL_OFFSET);
}

static void done_book(void)
{
        book_free(book);
        book = NULL;
}

static void findings_and_incidents(void)
{
        struct api_query q = {0};
        struct error e = {0};

        setup();
        add_finding(1, "a", 1000, 900, SEVERITY_WARNING);
        add_finding(2, "a", 500, 0, SEVERITY_WARNING);
        add_finding(3, "a", 400, 0, SEVERITY_CRITICAL);
        add_finding(4, "", 100, 0, SEVERITY_INFO); /* the host's */
        keep_book();
        json_t *r = ASK(api_findings(&v, &j));
        const json_t *list = json_object_get(r, "findings");
        check_int(json_array_size(list), 4);
        shape(json_array_get(list, 0), "detector:s service:s since:s severity:s text:s evidence:a remedy:s "
                                       "runbook:s open:b closed_at:s");
        shape(json_array_get(list, 3), "service:z closed_at:z");
        shape(json_array_get(json_object_get(json_array_get(list, 0), "evidence"), 0),
                "time:s text:s value:z unit:z");
        json_decref(r);
        r = ASK(check_int(api_incidents(&v, &q, &j, &e), 0));
        list = json_object_get(r, "incidents");
        check_int(json_array_size(list), 2);
        for (size_t i = 0; i < json_array_size(list); i++)
                shape(json_array_get(list, i), "id:n state:s severity:s severity_peak:s opened_at:s "
                                               "resolved_at:S duration:n title:s "
                                               "culprit:S verdict:S confidence:n merged_into:z findings:a "
                                               "suspects:a refuted:a remedy:a "
                                               "resource:a timeline:a actions:a");
        check_int(number_at(json_array_get(list, 0), "id"), 42);
        check_int(number_at(json_array_get(list, 1), "id"), 41);
        check_str(text_at(json_array_get(list, 1), "severity"), "critical");
        check_int(json_array_size(json_object_get(json_array_get(list, 1), "findings")), 2);
        shape(json_array_get(json_object_get(json_array_get(list, 1), "timeline"), 0),
                "time:s kind:s service:S text:s count:n");
        json_decref(r);
        q.id = 41;
        r = ASK(check_int(api_incidents(&v, &q, &j, &e), 0));
        check_int(json_array_size(json_object_get(r, "incidents")), 1);
        json_decref(r);
        strcpy(q.state, "resolved");
        r = ASK(check_int(api_incidents(&v, &q, &j, &e), -ENOENT));
        check_str(e.text, "there is no resolved incident 41");
        json_decref(r);
        r = ASK(api_status(&v, &j));
        check_int(json_array_size(json_object_get(r, "findings")), 3);
        check_int(number_at(r, "incidents_open"), 2);
        json_decref(r);
        done_book();
        teardown();
}

static void why(void)
{
        struct api_query q = {0};
        struct error e = {0};

        setup();
        add_finding(7, "odin/worker", 100, 0, SEVERITY_WARNING);
        board->finding[7].service = worker;
        json_t *r = ASK(check_int(api_why(&v, &q, &j, &e), 0));
        shape(r, "question:s answer:s culprit:S confidence:n evidence:a refuted:a remedy:a");
        json_decref(r);
        strcpy(q.subject, "odin/worker");
        r = ASK(check_int(api_why(&v, &q, &j, &e), 0));
        shape(r, "question:s answer:s culprit:S confidence:n evidence:a refuted:a remedy:a");
        json_decref(r);
        keep_book();
        strcpy(q.subject, "41"); /* the incident */
        r = ASK(check_int(api_why(&v, &q, &j, &e), 0));
        shape(r, "question:s answer:s culprit:S");
        json_decref(r);
        strcpy(q.subject, "nobody\x1b");
        struct api_view v = view_of(NULL);
        struct json_out j = json_out_of(1 << 20);
        check_int(api_why(&v, &q, &j, &e), -ENOENT);
        check_str(e.text, "nobody\\x1b is neither a service nor the number of an incident: `sexton services` "
                          "and `sexton "
                          "incidents` list them");
        json_out_done(&j);
        api_view_done(&v);
        done_book();
        teardown();
}

static void queries(void)
{
        static const struct {
                const char *name, *value;
                int code;
        } cases[] = {{"service", "a/b", 0}, {"limit", "5", 0}, {"limit", "0", -EINVAL},
                {"limit", "x", -EINVAL}, {"limit", "99999999", -EINVAL}, {"limit", NULL, -EINVAL},
                {"since", "10m", 0}, {"since", "2026-11-23T21:30:00.5Z", 0}, {"since", "yesterday", -EINVAL},
                {"since", "2026-11-23T21:30:00", -EINVAL}, {"id", "7", 0}, {"id", "0", -EINVAL},
                {"id", "x", -EINVAL}, {"state", "open", 0}, {"state", "resolved", 0},
                {"state", "closed", -EINVAL}, {"state", "resolved-and-more", -EINVAL},
                {"since", "9999-11-23T21:30:00Z", -EINVAL}, {"after", "18446744073709551615", 0},
                {"after", "18446744073709551616", -EINVAL}, {"holder", "4711", 0},
                {"holder", "2147483648", -EINVAL}, {"summary", "1", 0}, {"summary", "2", -EINVAL},
                {"kind", "health_timeout", 0}, {"kind", "orphan", 0}, {"kind", "", 0}, {"kind", NULL, 0},
                {"kind", "frok", -EINVAL}, {"sevrice", "a", -EINVAL}, {"", "", -EINVAL}};
        char longest[200];

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct api_query q = {0};
                struct error e = {0};
                check_int(api_query_set(&q, cases[i].name, cases[i].value, FAKE_S(1e9), &e), cases[i].code);
                check(!cases[i].code == !e.text[0]);
        }
        struct api_query q = {0};
        api_query_set(&q, "since", "1h", FAKE_S(1e9), NULL);
        check_int(q.since_unix_ns, FAKE_S(1e9) - FAKE_S(3600));
        api_query_set(&q, "since", "2026-11-23T21:30:00.25Z", 0, NULL);
        check_int(q.since_unix_ns, INT64_C(1795469400250000000));
        memset(longest, 'a', sizeof longest - 1);
        longest[sizeof longest - 1] = '\0';
        check_int(api_query_set(&q, "service", longest, 0, NULL), -EINVAL);
}

/* Every line is a comment or a sample whose family was declared, each family once, without duplicates. */
static void check_exposition(const char *text, bool openmetrics)
{
        char family[100] = "", name[200], line[2000];
        size_t declared = 0, samples = 0;

        for (const char *p = text; *p;) {
                size_t n = strcspn(p, "\n");
                snprintf(line, sizeof line, "%.*s", (int)n, p);
                check(p[n] == '\n');
                p += n + 1;
                if (sscanf(line, "# TYPE %99s", family) == 1) {
                        declared++;
                        snprintf(name, sizeof name, "# TYPE %s ", family);
                        const char *first = strstr(text, name);
                        check(!strstr(first + 1, name));
                        continue;
                }
                if (line[0] == '#')
                        continue;
                samples++;
                size_t len = strcspn(line, "{ ");
                if (strncmp(line, family, strlen(family)) != 0 || len < strlen(family)) {
                        printf("# sample %s in family %s\n", line, family);
                        check(!"family");
                }
                char *at = strrchr(line, ' '), *end;
                check(at && (strtod(at + 1, &end), *end == '\0'));
        }
        check(declared > 50 && samples > 50);
        check(!openmetrics == !strstr(text, "# EOF\n"));
}

static void metrics(void)
{
        setup();
        strcpy(board->service[worker].image, "odin:\"1\"\\");
        board->host.mounts = 1;
        strcpy(board->host.mount[0].path, "/");
        board->self.detection_delay_bucket[0] = 5;
        board->self.detection_delay_bucket[8] = 1;
        board->host.psi_io_some_ns = 1500000000;
        board->host.psi_io_full_ns = BOARD_UNKNOWN;
        add_finding(1, "odin/worker", 10, 0, SEVERITY_WARNING);
        board->action_count[0] = (struct action_count){
                .kind = ACTION_FREEZE, .state = ACTION_ACTIVE, .count = 3, .service_name = "odin/worker\n"};
        board->action_count[1] = (struct action_count){
                .kind = ACTION_STOP, .state = ACTION_REFUSED, .count = 1, .service_name = "odin/worker"};
        board->action[1] = (struct action){
                .id = 7, .kind = ACTION_FREEZE, .state = ACTION_ACTIVE, .service_name = "odin/worker"};
        board->action_top = 2;
        board->breaker.open = true;
        for (int open = 0; open < 2; open++) {
                struct api_view v = view_of(NULL);
                struct out o = out_of(1 << 20);
                api_metrics(&v, open, &o);
                out_bytes(&o, "", 1);
                check(!o.failed);
                check_exposition(o.buf, open);
                check(strstr(o.buf, "\nsexton_zombies{service=\"odin/worker\",holder=\"celery -A app "
                                    "w\",kind=\"orphan\"} 1\n"));
                check(strstr(o.buf, "\ncontainer_cpu_usage_seconds_total{name=\"odin/"
                                    "worker\",image=\"odin:\\\"1\\\"\\\\\",id=\"\"} 12.5\n"));
                check(strstr(o.buf, "\nsexton_detection_delay_seconds_bucket{le=\"+Inf\"} 6\n"));
                check(strstr(o.buf, "\nsexton_detection_delay_seconds_bucket{le=\"15.0\"} 5\n"));
                check(strstr(o.buf, "\nnode_pressure_io_waiting_seconds_total 1.5\n"));
                check(strstr(o.buf,
                        "\nsexton_actions_total{action=\"freeze\",service=\"odin/worker\\\\x0a\",outcome="
                        "\"taken\"} 3\n"));
                check(strstr(o.buf, "\nsexton_actions_total{action=\"stop\",service=\"odin/"
                                    "worker\",outcome=\"refused\"} 1\n"));
                check(strstr(o.buf,
                        "\nsexton_actions_standing{action=\"freeze\",service=\"odin/worker\",id=\"7\"} 1\n"));
                check(strstr(o.buf, "\nsexton_breaker_open 1\n"));
                check(!strstr(o.buf, "\nnode_pressure_io_stalled_seconds_total ")); /* unknown: no sample */
                check(!strstr(o.buf, "nan"));
                check(!strstr(o.buf, "sexton_service_load1{service=\"odin")); /* unknown: no sample */
                check(!strstr(o.buf, "sexton_restarts_total{service=\"odin"));
                check(strstr(o.buf,
                        open ? "# TYPE sexton_restarts counter" : "# TYPE sexton_restarts_total counter"));
                out_done(&o);
                api_view_done(&v);
        }
        teardown();
}

static void history_is_bounded(void)
{
        struct history h;
        struct event e = {.kind = EVENT_EXIT, .count = 1, .comm = "sh"}, back;
        struct history_walk w = {};
        uint64_t number, n = 0, last = 0;

        history_init(&h, 1);
        memset(e.text, 't', sizeof e.text - 1);
        memset(e.service, 's', sizeof e.service - 1);
        for (int i = 0; i < 60000; i++) {
                e.pid = i + 1;
                history_add(&h, &e);
        }
        check(h.bytes <= HISTORY_BYTES);
        check(h.events <= HISTORY_EVENTS + 1000);
        while (history_next(&h, &w, &back, &number)) {
                check(number == (uint64_t)back.pid && (!last || number == last + 1));
                last = number;
                n++;
        }
        check_int(n, h.events);
        check_int(last, 60000);
        history_done(&h);
        check_int(h.bytes, 0);
}

static void history_tells_gaps(void)
{
        struct ring *ring = calloc(1, sizeof *ring);
        struct ring_reader rd;
        struct history h;
        struct history_walk w = {};
        struct event e = {.kind = EVENT_EXIT, .count = 1};
        uint64_t number;

        history_init(&h, 1);
        ring_reader_init(&rd, ring);
        ring_append(ring, &e);
        check_int(history_drain(&h, &rd, FAKE_T0, 0), 1);
        for (unsigned i = 0; i < RING_EVENTS + 10; i++)
                ring_append(ring, &e);
        history_drain(&h, &rd, FAKE_T0, 0);
        check_int(h.lost, 10);
        check(history_next(&h, &w, &e, &number) && e.kind == EVENT_EXIT);
        check(history_next(&h, &w, &e, &number) && e.kind == EVENT_GAP);
        check_int(e.count, 10);
        check(strstr(e.text, "10 events were overwritten"));
        history_done(&h);
        free(ring);
}

static void all(void)
{
        test(status);
        test(services);
        test(zombies);
        test(zombies_unknown);
        test(zombies_filtered);
        test(hostile_names);
        test(twenty_thousand);
        test(events);
        test(findings_and_incidents);
        test(why);
        test(queries);
        test(metrics);
        test(history_is_bounded);
        test(history_tells_gaps);
}

int main(void)
{
        return tap_main(all);
}
