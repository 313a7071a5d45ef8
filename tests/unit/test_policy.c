/* Whom to tell what and when, with the time and the courier in the test's hands: once for each change, again
 * when wanted, not at night, not when silenced, again after a failure, and after a restart at any moment.
 */
#include "notify/policy.h"

#include "base/clock.h"
#include "base/text.h"
#include "base/util.h"

#include <errno.h>
#include <jansson.h>
#include <time.h>

#include "tap.h"

enum { DOCUMENTS = 400, JOBS = 600 };

struct document {
        char kind[16], id[64];
        char *json;
};

struct lab {
        struct policy p;
        struct config c;
        struct policy_now now;
        struct document document[DOCUMENTS];
        uint32_t documents;
        struct job sent[JOBS]; /* by the policy, in order */
        uint32_t sents;
        uint32_t reported[FATES];
        uint32_t changes, changes_max; /* of documents; what is above the bound is lost, as by a crash */
        bool refuse;
        char title[64];       /* of what was sent last */
        const char *now_json; /* what is said when the present is asked for */
        uint32_t asked;
};

static struct lab *l;

/* 2026-11-24 is a Tuesday. */
static const int64_t noon = INT64_C(1795521600000);

/* ---- the world around ---- */

static struct document *document(const char *kind, const char *id)
{
        for (uint32_t i = 0; i < l->documents; i++)
                if (!strcmp(l->document[i].kind, kind) && !strcmp(l->document[i].id, id))
                        return &l->document[i];
        return NULL;
}

static void put(void *ctx, const char *kind, const char *id, bool open, const char *service, int64_t time_ms,
        const char *json, size_t len)
{
        struct document *d = document(kind, id);

        if (++l->changes > l->changes_max)
                return;
        if (!d) {
                d = &l->document[l->documents++];
                *d = (struct document){0};
                strcpy(d->kind, kind);
                strcpy(d->id, id);
        }
        free(d->json);
        d->json = calloc(1, len + 1); /* the text isn't told to end in a NUL */
        if (!d->json)
                abort();
        memcpy(d->json, json, len);
}

static void forget(void *ctx, const char *kind, const char *id)
{
        struct document *d = document(kind, id);

        if (++l->changes > l->changes_max || !d)
                return;
        free(d->json);
        *d = l->document[--l->documents];
}

static bool send_job(void *ctx, const struct job *j, const char *json)
{
        if (l->refuse || l->sents == JOBS)
                return false;
        check_int(j->json_len, strlen(json));
        l->sent[l->sents++] = *j;
        json_t *incident = json_loads(json, 0, NULL);
        const char *title = json_string_value(json_object_get(incident, "title"));
        text_set(l->title, sizeof l->title, title ? title : "");
        json_decref(incident);
        return true;
}

static void report(void *ctx, const struct policy_report *r)
{
        l->reported[r->fate]++;
}

static char *present(void *ctx, uint64_t id, size_t *ret_len)
{
        l->asked++;
        *ret_len = l->now_json ? strlen(l->now_json) : 0;
        return l->now_json ? strdup(l->now_json) : NULL;
}

static void begin(void)
{
        static const struct policy_ops ops = {
                .put = put, .remove = forget, .send = send_job, .report = report, .present = present};

        memset(&l->p, 0, sizeof l->p);
        policy_init(&l->p, &ops, "vm", l->now);
        policy_configure(&l->p, &l->c, l->now);
}

static void setup(const char *yaml)
{
        struct config_problem problem[4];
        uint32_t count;

        l = calloc(1, sizeof *l);
        l->now = (struct policy_now){.boot_ns = 1000 * NSEC_PER_SEC, .unix_ms = noon};
        l->changes_max = UINT32_MAX;
        config_defaults(&l->c);
        if (config_parse(&l->c, "t.yaml", yaml, strlen(yaml), problem, 4, &count) < 0) {
                check(!"the configuration of the test is good");
                printf("# %s\n", problem[0].text);
        }
        begin();
}

static void done(void)
{
        policy_done(&l->p);
        for (uint32_t i = 0; i < l->documents; i++)
                free(l->document[i].json);
        free(l);
}

static void restore(bool queue)
{
        for (uint32_t i = 0; i < l->documents; i++) {
                bool is_track = strstr(l->document[i].id, "incident-") != NULL;
                if (is_track != queue)
                        check_int(policy_restore(&l->p, l->document[i].kind, l->document[i].json,
                                          strlen(l->document[i].json), l->now),
                                0);
        }
}

static void restart(bool tracks_first)
{
        policy_done(&l->p);
        begin();
        restore(!tracks_first);
        restore(tracks_first);
}

static void pass(double seconds)
{
        uint64_t end = l->now.boot_ns + (uint64_t)(seconds * (double)NSEC_PER_SEC);

        while (l->now.boot_ns < end) {
                uint64_t next = policy_tick(&l->p, l->now), before = l->now.boot_ns;
                check(next > l->now.boot_ns);
                l->now.boot_ns = MIN(next, end);
                l->now.unix_ms += (int64_t)((l->now.boot_ns - before) / NSEC_PER_MSEC);
        }
        policy_tick(&l->p, l->now);
}

static void see(uint64_t id, const char *severity, bool open, const char *service)
{
        char text[1000];
        int n = snprintf(text, sizeof text,
                "{\"id\":%llu,\"state\":\"%s\",\"severity\":\"%s\",\"opened_at\":\"2026-11-24T12:00:00."
                "000Z\","
                "\"resolved_at\":%s,\"title\":\"t\",\"culprit\":\"%s\",\"findings\":[{\"service\":\"other/"
                "one\"}]}",
                (unsigned long long)id, open ? "open" : "resolved", severity,
                open ? "null" : "\"2026-11-24T12:10:00.000Z\"", service);

        check_int(policy_see(&l->p, text, (size_t)n, l->now), 0);
        policy_tick(&l->p, l->now);
}

static void answer(const struct job *j, enum outcome outcome, uint32_t retry_after)
{
        struct result r = {.version = JOB_VERSION,
                .outcome = outcome,
                .notice = j->notice,
                .attempt = j->attempt,
                .retry_after = retry_after,
                .text = "said"};

        policy_result(&l->p, &r, l->now);
        policy_tick(&l->p, l->now);
}

/* Answers all that is sent, and what is sent then. */
static void deliver(uint32_t *from)
{
        while (*from < l->sents)
                answer(&l->sent[(*from)++], OUTCOME_DELIVERED, 0);
}

static const struct job *last(void)
{
        static const struct job none;

        return l->sents ? &l->sent[l->sents - 1] : &none;
}

#define HOOK "{name: hook, type: webhook, url: \"http://h/\""
#define AM   "{name: am, type: alertmanager, url: \"http://h/\""

/* ---- tests ---- */

static void once_for_each_change(void)
{
        uint32_t at = 0;

        setup("notify: [" HOOK "}]\n");
        see(7, "warning", true, "odin/worker");
        check_int(l->sents, 1);
        check_int(last()->reason, NOTIFY_OPENED);
        check_int(last()->incident, 7);
        check_int(last()->opened_ms, noon);
        check_str(last()->service, "odin/worker");
        check_str(last()->host, "vm");
        deliver(&at);
        see(7, "warning", true, "odin/worker");
        pass(7200);
        check_int(l->sents, 1);
        see(7, "critical", true, "odin/worker");
        check_int(l->sents, 2);
        check_int(last()->reason, NOTIFY_SEVERITY);
        check_int(last()->severity_before, SEVERITY_WARNING);
        deliver(&at);
        see(7, "critical", false, "odin/worker");
        check_int(l->sents, 3);
        check_int(last()->reason, NOTIFY_RESOLVED);
        check_int(last()->resolved_ms, noon + 600000);
        deliver(&at);
        see(7, "critical", false, "odin/worker");
        check_int(l->sents, 3);
        check_int(l->documents, 0);
        check_int(l->reported[FATE_DELIVERED], 3);
        /* it comes back under its number */
        see(7, "warning", true, "odin/worker");
        check_int(l->sents, 4);
        check_int(last()->reason, NOTIFY_OPENED);
        done();
}

static void who_wants_what(void)
{
        uint32_t at = 0;

        setup("notify:\n- " HOOK ", min_severity: critical}\n- {name: b, type: webhook, url: \"http://h/\", "
              "send_resolved: false}\n");
        see(1, "warning", true, "a");
        check_int(l->sents, 1);
        check_str(last()->notifier, "b");
        deliver(&at);
        see(1, "critical", true, "a");
        check_int(l->sents, 3); /* the first hears of it as new */
        check_int(l->sent[1].reason, NOTIFY_OPENED);
        check_int(l->sent[2].reason, NOTIFY_SEVERITY);
        deliver(&at);
        see(1, "critical", false, "a");
        check_int(l->sents, 4);
        check_str(last()->notifier, "hook");
        deliver(&at);
        check_int(l->documents, 0);
        done();
}

static void repeated_while_open(void)
{
        uint32_t at = 0;

        setup("notify: [" HOOK ", repeat: 10m}, " AM "}]\n");
        see(1, "warning", true, "a");
        deliver(&at);
        for (int i = 0; i < 36; i++) {
                pass(100);
                deliver(&at);
        }
        uint32_t repeats[2] = {0};
        for (uint32_t i = 2; i < l->sents; i++) {
                check_int(l->sent[i].reason, NOTIFY_REPEAT);
                repeats[strcmp(l->sent[i].notifier, "am") == 0]++;
        }
        check(repeats[0] >= 5 && repeats[0] <= 6);   /* each 10 min of an hour */
        check(repeats[1] >= 11 && repeats[1] <= 12); /* Alertmanager's default of 5 min */
        /* not on top of one that waits */
        uint32_t before = l->sents;
        pass(6000);
        check(l->sents - before <= 2 + 2 * (6000 / 40)); /* each is sent again after its patience, alone */
        check_int(l->p.notifier[0].queued, 1);
        check_int(l->p.notifier[1].queued, 1);
        done();
}

static void quiet_hours(void)
{
        uint32_t at = 0;

        setenv("TZ", "UTC", 1);
        tzset();
        setup("quiet_hours: {from: \"22:00\", to: \"07:00\"}\nnotify: [" HOOK "}]\n");
        pass(11 * 3600); /* 23:00 */
        see(1, "warning", true, "a");
        see(2, "critical", true, "b");
        check_int(l->sents, 1);
        check_int(last()->incident, 2);
        deliver(&at);
        see(3, "warning", true, "c"); /* over before anybody wakes */
        see(3, "warning", false, "c");
        pass(7 * 3600); /* 06:00 */
        check_int(l->sents, 1);
        restart(true);
        see(1, "warning", true, "a");
        see(2, "critical", true, "b");
        see(3, "warning", false, "c");
        check_int(l->sents, 1);
        pass(3601);
        check_int(l->sents, 2);
        deliver(&at);
        check_int(l->sents, 3);
        check_int(l->sent[1].incident + l->sent[2].incident, 1 + 3);
        check_int(l->sent[1].incident == 3 ? l->sent[1].reason : l->sent[2].reason, NOTIFY_RESOLVED);
        deliver(&at);
        check_int(l->sents, 3);
        done();
}

static void quiet_days(void)
{
        struct policy p = {
                .quiet = {.from = 22 * 60, .to = 7 * 60, .days = 1 << 2, .min_severity = SEVERITY_CRITICAL}};
        const int64_t hour = 3600000;

        setenv("TZ", "UTC", 1);
        tzset();
        check(!policy_is_quiet(&p, SEVERITY_WARNING, noon));
        check(policy_is_quiet(&p, SEVERITY_WARNING, noon + 10 * hour));     /* Tuesday, 22:00 */
        check(policy_is_quiet(&p, SEVERITY_WARNING, noon + 19 * hour - 1)); /* until Wednesday, 07:00 */
        check(!policy_is_quiet(&p, SEVERITY_WARNING, noon + 19 * hour));
        check(!policy_is_quiet(&p, SEVERITY_WARNING, noon - 6 * hour));  /* Tuesday, 06:00 is Monday's */
        check(!policy_is_quiet(&p, SEVERITY_WARNING, noon + 34 * hour)); /* Wednesday, 22:00 */
        check(!policy_is_quiet(&p, SEVERITY_CRITICAL, noon + 11 * hour));
        p.quiet.from = 12 * 60;
        p.quiet.to = 13 * 60;
        check(policy_is_quiet(&p, SEVERITY_INFO, noon) && !policy_is_quiet(&p, SEVERITY_INFO, noon + hour));
        p.quiet.to = p.quiet.from;
        check(!policy_is_quiet(&p, SEVERITY_INFO, noon));
}

static void silences(void)
{
        struct error e = {0};
        uint64_t id = 0, other = 0;
        uint32_t at = 0;

        setup("notify: [" HOOK "}, " AM ", repeat: 0}]\n");
        check_int(policy_silence(&l->p, "odin/*", 7200, "why", l->now, &id, &e), 0);
        see(1, "critical", true, "odin/worker");
        see(2, "warning", true, "loki");
        check_int(l->sents, 2);
        deliver(&at);
        pass(3600);
        restart(false);
        see(1, "critical", true, "odin/worker");
        see(2, "warning", true, "loki");
        check_int(l->sents, 2);
        pass(3601); /* over: told now */
        check_int(l->sents, 4);
        check_int(last()->incident, 1);
        check_int(l->p.silences, 0);
        deliver(&at);
        /* whoever was told that it began hears of its end after the silence; Alertmanager at once */
        check_int(policy_silence(&l->p, "o?her/one", 600, "", l->now, &other, &e), 0);
        check(other > id);
        see(1, "critical", false, "odin/worker");
        check_int(l->sents, 5);
        check_str(last()->notifier, "am");
        /* what begins and ends in silence was nothing */
        see(3, "warning", true, "x");
        see(3, "warning", false, "x");
        deliver(&at);
        check_int(l->sents, 5);
        check_int(policy_unsilence(&l->p, id, l->now, &e), -ENOENT);
        check_int(policy_unsilence(&l->p, other, l->now, &e), 0);
        pass(1);
        check_int(l->sents, 6);
        check_int(last()->incident, 1);
        deliver(&at);
        for (int i = 0; i < POLICY_SILENCES; i++)
                check_int(policy_silence(&l->p, "x", 60, "", l->now, &id, &e), 0);
        check_int(policy_silence(&l->p, "x", 60, "", l->now, &id, &e), -ENOSPC);
        pass(61);
        check_int(l->p.silences, 0);
        done();
}

static void tried_again(void)
{
        double waits[12], before;
        uint32_t at = 0;

        setup("notify: [" HOOK "}]\n");
        see(1, "warning", true, "a");
        for (int i = 0; i < 12; i++) {
                check_int(last()->attempt, i + 1);
                uint32_t sents = l->sents;
                before = (double)l->now.boot_ns;
                answer(last(), OUTCOME_RETRY, 0);
                while (l->sents == sents)
                        pass(0.1);
                waits[i] = ((double)l->now.boot_ns - before) / 1e9;
        }
        check(waits[0] >= 1.5 && waits[0] <= 2.7);
        for (int i = 0; i < 12; i++) {
                double base = MIN(2.0 * (1 << MIN(i, 10)), 300.0);
                if (!(waits[i] >= base * 0.74 && waits[i] <= base * 1.26 + 0.2))
                        printf("# attempt %d waited %g s\n", i + 1, waits[i]);
                check(waits[i] >= base * 0.74 && waits[i] <= base * 1.26 + 0.2);
        }
        before = (double)l->now.boot_ns;
        uint32_t sents = l->sents;
        answer(last(), OUTCOME_RETRY, 1000);
        while (l->sents == sents)
                pass(1);
        check(((double)l->now.boot_ns - before) / 1e9 >= 1000);
        answer(last(), OUTCOME_DELIVERED, 0);
        check_str(l->p.notifier[0].last_error, "");
        at = l->sents;
        see(1, "critical", true, "a");
        answer(last(), OUTCOME_FINAL, 0);
        check_int(l->reported[FATE_FAILED], 1);
        check_str(l->p.notifier[0].last_error, "said");
        pass(3600);
        check_int(l->sents, at + 1);
        /* a day without an answer: given up */
        see(1, "critical", false, "a");
        for (int i = 0; i < 400 && l->p.notifier[0].queued; i++) {
                answer(last(), OUTCOME_RETRY, 0);
                pass(400);
        }
        check_int(l->p.notifier[0].queued, 0);
        check_int(l->reported[FATE_FAILED], 2);
        check_int(l->documents, 0);
        done();
}

static void in_order_and_independent(void)
{
        setup("notify: [" HOOK "}, {name: b, type: webhook, url: \"http://h/\"}]\n");
        see(1, "warning", true, "a");
        see(2, "warning", true, "b");
        check_int(l->sents, 2); /* one for each notifier: the second waits for the first */
        answer(&l->sent[1], OUTCOME_DELIVERED, 0);
        check_int(l->sents, 3);
        check_str(last()->notifier, "b");
        check_int(last()->incident, 2);
        answer(&l->sent[0], OUTCOME_RETRY, 0);
        see(3, "warning", true, "c");
        pass(1);
        check_int(l->sents, 3); /* hook is in its pause: nothing overtakes */
        pass(3);
        check_int(last()->incident, 1);
        answer(last(), OUTCOME_DELIVERED, 0);
        check_int(last()->incident, 2);
        /* an answer nobody waits for, and one to a stranger */
        answer(&l->sent[0], OUTCOME_DELIVERED, 0);
        struct job stranger = {.notice = 99};
        answer(&stranger, OUTCOME_FINAL, 0);
        check_int(l->reported[FATE_FAILED], 0);
        done();
}

static void bounded(void)
{
        setup("notify: [" HOOK ", repeat: 1m}]\n");
        l->refuse = true;
        for (uint64_t i = 1; i <= POLICY_TRACKS + 40; i++)
                see(i, "warning", true, "a");
        check_int(l->p.notifier[0].queued, POLICY_QUEUE);
        check_int(l->p.tracks, POLICY_TRACKS);
        check_int(l->reported[FATE_DROPPED], POLICY_TRACKS + 40 - POLICY_QUEUE);
        check(l->documents <= POLICY_TRACKS + POLICY_QUEUE);
        /* the oldest have given way */
        check_int(l->p.notifier[0].queue->job.incident, POLICY_TRACKS + 40 - POLICY_QUEUE + 1);
        done();
}

static void long_incident_is_shortened(void)
{
        setup("notify: [" HOOK "}]\n");
        json_t *j = json_pack("{s:i,s:s,s:s,s:s,s:s,s:[],s:[]}", "id", 5, "state", "open", "severity",
                "critical", "opened_at", "2026-11-24T12:00:00.000Z", "title", "long", "timeline", "findings");
        for (int i = 0; i < 3000; i++)
                json_array_append_new(
                        json_object_get(j, "timeline"), json_string("something happened, and then more"));
        char *text = json_dumps(j, 0);
        check_int(policy_see(&l->p, text, strlen(text), l->now), 0);
        policy_tick(&l->p, l->now);
        check_int(l->sents, 1);
        check(last()->json_len > 50 && last()->json_len < JOB_INCIDENT_MAX);
        free(text);
        json_decref(j);
        static const char *const wrong[] = {"", "[]", "{}", "{\"id\":1}",
                "{\"id\":-1,\"state\":\"open\",\"severity\":\"info\"}",
                "{\"id\":1,\"state\":\"open\",\"severity\":\"loud\"}",
                "{\"id\":1,\"state\":5,\"severity\":\"info\"}"};
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
                check_int(policy_see(&l->p, wrong[i], strlen(wrong[i]), l->now), -EINVAL);
        done();
}

static void reloaded(void)
{
        struct config_problem problem[2];
        uint32_t count, at = 0;
        static const char yaml[] = "notify: [{name: c, type: webhook, url: \"http://h/\"}, " HOOK "}]\n";

        setup("notify: [" HOOK "}, {name: b, type: webhook, url: \"http://h/\"}]\n");
        see(1, "warning", true, "a");
        answer(&l->sent[0], OUTCOME_DELIVERED, 0);
        at = l->sents;
        config_parse(&l->c, "t", yaml, strlen(yaml), problem, 2, &count);
        policy_configure(&l->p, &l->c, l->now);
        policy_tick(&l->p, l->now);
        /* the new one hears of what is open; the one that stays is not told again; what waited for the third
         * is gone */
        check_int(l->sents, at + 1);
        check_str(last()->notifier, "c");
        check_int(l->reported[FATE_DROPPED], 1);
        at = l->sents - 1;
        deliver(&at);
        see(1, "warning", false, "a");
        deliver(&at);
        check_int(l->sents, 5);
        l->c.notify_count = 0;
        policy_configure(&l->p, &l->c, l->now);
        see(2, "critical", true, "a");
        check_int(l->sents, 5);
        done();
}

/* How often each reason was told of incident 1, at most and at least. */
static void count_deliveries(uint32_t *ret, const bool *delivered)
{
        memset(ret, 0, NOTIFY_REASONS * sizeof *ret);
        for (uint32_t i = 0; i < l->sents; i++)
                if (delivered[i])
                        ret[l->sent[i].reason]++;
}

/* Only the first `changes_max` changes of documents reach the disk, then everything dies and starts again.
 * The courier delivers all it was given, but for what the crash may have kept from it. */
static void crash_at_every_moment(void)
{
        for (uint32_t crash = 0; crash < 14; crash++)
                for (int lost = 0; lost < 2; lost++) {
                        static bool delivered[JOBS];
                        uint32_t told[NOTIFY_REASONS], at = 0;
                        memset(delivered, 0, sizeof delivered);
                        setup("notify: [" HOOK "}]\n");
                        l->changes_max = crash;
                        see(1, "warning", true, "a");
                        while (at < l->sents && l->changes <= crash) {
                                delivered[at] = true;
                                answer(&l->sent[at++], OUTCOME_DELIVERED, 0);
                        }
                        if (l->changes <= crash) {
                                see(1, "critical", true, "a");
                                while (at < l->sents && l->changes <= crash) {
                                        delivered[at] = true;
                                        answer(&l->sent[at++], OUTCOME_DELIVERED, 0);
                                }
                        }
                        /* what was given to the courier before the crash arrives, or is lost with it */
                        for (; at < l->sents; at++)
                                delivered[at] = !lost;
                        l->changes_max = UINT32_MAX;
                        l->now.unix_ms += 5000;
                        l->now.boot_ns += 5 * NSEC_PER_SEC;
                        restart(crash % 2);
                        see(1, "critical", true, "a");
                        while (at < l->sents) {
                                delivered[at] = true;
                                answer(&l->sent[at++], OUTCOME_DELIVERED, 0);
                        }
                        see(1, "critical", false, "a");
                        while (at < l->sents) {
                                delivered[at] = true;
                                answer(&l->sent[at++], OUTCOME_DELIVERED, 0);
                        }
                        count_deliveries(told, delivered);
                        uint32_t raised = told[NOTIFY_OPENED] + told[NOTIFY_SEVERITY];
                        if (raised < 1 || raised > 3 || told[NOTIFY_RESOLVED] != 1)
                                printf("# crash after %u changes: opened %u, severity %u, resolved %u\n",
                                        crash, told[NOTIFY_OPENED], told[NOTIFY_SEVERITY],
                                        told[NOTIFY_RESOLVED]);
                        check(raised >= 1 && raised <= 3); /* two changes, at most one of them twice */
                        check_int(told[NOTIFY_RESOLVED], 1);
                        check_int(l->documents, 0);
                        done();
                }
}

static void courier_died(void)
{
        struct result ready = {.version = JOB_VERSION, .outcome = OUTCOME_READY};

        setup("notify: [" HOOK "}]\n");
        see(1, "warning", true, "a");
        check_int(l->sents, 1);
        policy_result(&l->p, &ready, l->now);
        policy_tick(&l->p, l->now);
        check_int(l->sents, 2);
        check_int(l->sent[1].notice, l->sent[0].notice); /* the courier knows it by its number */
        l->refuse = true;
        policy_result(&l->p, &ready, l->now);
        pass(60);
        check_int(l->sents, 2);
        l->refuse = false;
        pass(1);
        check_int(l->sents, 3);
        check_int(last()->attempt, 3);
        done();
}

static void clock_steps(void)
{
        uint32_t at = 0;

        setup("notify: [" HOOK ", repeat: 10m}]\n");
        see(1, "warning", true, "a");
        deliver(&at);
        l->now.unix_ms -= 86400000; /* a day back: told once too often rather than a day too late */
        pass(5);
        deliver(&at);
        check_int(l->sents, 2);
        pass(590);
        deliver(&at);
        check_int(l->sents, 2);
        pass(20);
        deliver(&at);
        check_int(l->sents, 3);
        l->now.unix_ms += 3 * 86400000LL;
        pass(5);
        deliver(&at);
        check_int(l->sents, 4);
        done();
}

static void tests_go_past_everything(void)
{
        struct error e = {0};

        setenv("TZ", "UTC", 1);
        setup("quiet_hours: {from: \"00:00\", to: \"23:59\"}\nnotify: [" HOOK
              "}, {name: b, type: webhook, url: "
              "\"http://h/\"}]\n");
        check_int(policy_test(&l->p, "nobody", l->now, &e), -ENOENT);
        check_int(policy_test(&l->p, "b", l->now, &e), 0);
        check_int(l->sents, 1);
        check_int(last()->reason, NOTIFY_TEST);
        check(!l->p.notifier[1].test.done);
        answer(last(), OUTCOME_FINAL, 0);
        check(l->p.notifier[1].test.done);
        check_str(l->p.notifier[1].test.result.text, "said");
        check_int(policy_test(&l->p, NULL, l->now, &e), 0);
        check_int(l->sents, 3);
        l->refuse = true;
        check_int(policy_test(&l->p, NULL, l->now, &e), -EAGAIN);
        check_int(l->documents, 0);
        done();
}

static void packets_are_tamed(void)
{
        union {
                struct job j;
                char bytes[sizeof(struct job) + 2];
        } p = {.j = {.version = JOB_VERSION, .json_len = 2, .notifier = "n"}};
        struct result r = {.version = JOB_VERSION, .outcome = OUTCOME_FINAL, .retry_after = UINT32_MAX};

        check(job_tame(&p, sizeof p.j + 2));
        check(!job_tame(&p, sizeof p.j + 1) && !job_tame(&p, 3));
        memset(p.j.notifier, 'x', sizeof p.j.notifier);
        check(job_tame(&p, sizeof p.j + 2) && strlen(p.j.notifier) == sizeof p.j.notifier - 1);
        p.j.repeat = NAN;
        check(!job_tame(&p, sizeof p.j + 2));
        p.j.repeat = 0;
        p.j.severity = 3;
        check(!job_tame(&p, sizeof p.j + 2));
        memset(r.text, 0x1b, sizeof r.text);
        check(result_tame(&r, sizeof r) && r.retry_after == 86400 && !strchr(r.text, 0x1b));
        check(strlen(r.text) < sizeof r.text);
        r.outcome = OUTCOMES;
        check(!result_tame(&r, sizeof r) && !result_tame(&r, 8));
}

#define IS_NOW(title)                                                                                        \
        "{\"id\":1,\"state\":\"open\",\"severity\":\"warning\",\"title\":\"" title "\",\"culprit\":\"a\"}"

/* Between two changes it goes on: what is told again is what is true then. */
static void a_repeat_tells_the_present(void)
{
        uint32_t at = 0;

        setup("notify: [" HOOK ", repeat: 10m}]\n");
        see(1, "warning", true, "a");
        check_str(l->title, "t");
        check_int(l->asked, 0); /* its document has just come */
        deliver(&at);
        l->now_json = IS_NOW("it holds 31 zombies now");
        pass(300);
        check_int(l->asked, 0); /* nothing to tell */
        pass(310);
        check_int(l->sents, 2);
        check_int(last()->reason, NOTIFY_REPEAT);
        check_str(l->title, "it holds 31 zombies now");
        deliver(&at);
        static const char *const unknown[] = {NULL, "", "{\"id\":1}", "[]",
                "{\"id\":2,\"state\":\"open\",\"severity\":\"critical\",\"title\":\"another's\"}"};
        for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) { /* what was known last has to do */
                l->now_json = unknown[i];
                pass(600);
                check_int(l->sents, 3 + i);
                check_str(l->title, "it holds 31 zombies now");
                deliver(&at);
        }
        done();
}

static void so_does_what_waited_for_the_morning(void)
{
        uint32_t at = 0;

        setup("notify: [" HOOK "}]\nquiet_hours: {from: \"11:00\", to: \"13:00\", min_severity: critical}\n");
        see(1, "warning", true, "a");
        l->now_json = IS_NOW("it holds 31 zombies now");
        pass(3590);
        check_int(l->sents, 0);
        check_int(l->asked, 0);
        pass(20);
        check_int(l->sents, 1);
        check_int(l->asked, 1);
        check_str(l->title, "it holds 31 zombies now");
        deliver(&at);
        done();
}

static void all(void)
{
        test(once_for_each_change);
        test(who_wants_what);
        test(repeated_while_open);
        test(a_repeat_tells_the_present);
        test(so_does_what_waited_for_the_morning);
        test(quiet_hours);
        test(quiet_days);
        test(silences);
        test(tried_again);
        test(in_order_and_independent);
        test(bounded);
        test(long_incident_is_shortened);
        test(reloaded);
        test(crash_at_every_moment);
        test(courier_died);
        test(clock_steps);
        test(tests_go_past_everything);
        test(packets_are_tamed);
}

int main(void)
{
        return tap_main(all);
}
