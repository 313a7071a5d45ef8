/* What each notifier makes of an incident: the far side's own format, hostile text escaped, identity kept
 * from the beginning of an incident to its end; and which answers it takes for a success.
 */
#include "base/util.h"
#include "config/config.h"
#include "notify/notifier.h"

#include "tap.h"

static const char incident[] = "{\"id\":7,\"state\":\"open\",\"severity\":\"warning\",\"title\":\"odin/"
                               "worker holds 3 \\\"zombies\\\" "
                               "<!channel>\\r\\nBcc: x\",\"culprit\":\"odin/worker\",\"verdict\":\"it does "
                               "not wait\",\"findings\":[{\"text\":"
                               "\"3 held\",\"remedy\":\"init: true & restart\"}]}";

static struct notify_config config;
static struct job job;
static struct request request;
static json_t *parsed;

/* The request of one notifier; its body as JSON, or NULL. */
static json_t *make(const char *type, bool resolved)
{
        struct error e = {0};
        struct message m = {.config = &config,
                .secret = "s3cret",
                .job = &job,
                .incident = parsed,
                .raw = incident,
                .raw_len = strlen(incident),
                .resolved = resolved,
                .now_ms = 1795521700000};

        request_done(&request);
        request.body = json_out_of(REQUEST_BODY_MAX);
        check_int(notifier_find(type)->make(&m, &request, &e), 0);
        check(!request.body.out.failed);
        out_bytes(&request.body.out, "", 1);
        return json_loads(request.body.out.buf, 0, NULL);
}

static void setup(void)
{
        config = (struct notify_config){.name = "n", .url = "http://h:1/x", .topic = "vm", .timeout = 10};
        job = (struct job){.notice = 99,
                .incident = 7,
                .severity = SEVERITY_WARNING,
                .severity_before = SEVERITY_WARNING,
                .opened_ms = 1795521600000,
                .repeat = 300,
                .notifier = "n",
                .service = "odin/worker",
                .host = "vm"};
        parsed = json_loads(incident, 0, NULL);
}

static void done(void)
{
        request_done(&request);
        json_decref(parsed);
}

static const char *text(json_t *j, const char *key)
{
        const char *s = json_string_value(json_object_get(j, key));

        return s ? s : "(none)";
}

static const char *header(const char *name)
{
        for (uint32_t i = 0; i < request.headers; i++)
                if (!strncmp(request.header[i], name, strlen(name)))
                        return request.header[i] + strlen(name);
        return "(none)";
}

static void webhook(void)
{
        setup();
        strcpy(config.headers, "X-Team: ops\nX-Other: 1");
        json_t *j = make("webhook", false);
        check(json_equal(j, parsed));
        check_str(request.url, "http://h:1/x");
        check_str(header("Authorization: "), "Bearer s3cret");
        check_str(header("X-Team: "), "ops");
        check_str(header("X-Other: "), "1");
        check_str(header("X-Sexton-Reason: "), "opened");
        check_str(header("X-Sexton-Notice: "), "99");
        json_decref(j);
        strcpy(config.username, "u"); /* the secret is its password then */
        json_decref(make("webhook", false));
        check_str(header("Authorization: "), "(none)");
        done();
}

static void alertmanager(void)
{
        setup();
        json_t *j = make("alertmanager", false), *a = json_array_get(j, 0),
               *labels = json_object_get(a, "labels");
        check_str(request.url, "http://h:1/x/api/v2/alerts");
        check_int(json_array_size(j), 1);
        check_str(text(labels, "alertname"), "SextonIncident");
        check_str(text(labels, "service"), "odin/worker");
        check_str(text(labels, "severity"), "warning");
        check_str(text(a, "startsAt"), "2026-11-24T12:00:00.000Z");
        check_str(text(a, "endsAt"), "2026-11-24T12:16:40.000Z"); /* three repetitions ahead */
        /* when it gets worse, the alert with the old label ends */
        job.severity = SEVERITY_CRITICAL;
        json_t *k = make("alertmanager", false);
        check_int(json_array_size(k), 2);
        check(json_equal(json_object_get(json_array_get(k, 0), "labels"), labels));
        check_str(text(json_array_get(k, 0), "endsAt"), "2026-11-24T12:01:40.000Z");
        check_str(text(json_object_get(json_array_get(k, 1), "labels"), "severity"), "critical");
        /* at the end, the one that it knows */
        job.severity = job.severity_before = SEVERITY_WARNING;
        job.resolved_ms = 1795521650000;
        json_t *end = make("alertmanager", true);
        check(json_equal(json_object_get(json_array_get(end, 0), "labels"), labels));
        check_str(text(json_array_get(end, 0), "endsAt"), "2026-11-24T12:00:50.000Z");
        strcpy(config.url, "http://h/api/v2/alerts");
        json_decref(make("alertmanager", true));
        check_str(request.url, "http://h/api/v2/alerts");
        json_decref(j);
        json_decref(k);
        json_decref(end);
        done();
}

static void pagerduty(void)
{
        char said[JOB_TEXT];

        setup();
        config.url[0] = '\0';
        json_t *j = make("pagerduty", false), *k = make("pagerduty", true);
        check_str(request.url, "https://events.pagerduty.com/v2/enqueue");
        check_str(text(j, "routing_key"), "s3cret");
        check_str(text(j, "event_action"), "trigger");
        check_str(text(k, "event_action"), "resolve");
        check_str(text(j, "dedup_key"), text(k, "dedup_key"));
        json_t *payload = json_object_get(j, "payload");
        check_str(text(payload, "severity"), "warning");
        check_str(text(payload, "source"), "vm");
        check(strstr(text(payload, "summary"), "odin/worker holds 3"));
        check_str(header("Authorization: "), "(none)");
        job.reason = NOTIFY_TEST;
        json_t *t = make("pagerduty", false);
        check(strcmp(text(t, "dedup_key"), text(j, "dedup_key")) != 0);
        check(notifier_find("pagerduty")
                        ->accepted(
                                &(struct response){.status = 202, .body = "{\"status\":\"success\"}"}, said));
        check(!notifier_find("pagerduty")
                        ->accepted(&(struct response){.status = 200,
                                           .body = "{\"status\":\"invalid\",\"message\":\"bad key\"}"},
                                said));
        check(strstr(said, "bad key"));
        json_decref(j);
        json_decref(k);
        json_decref(t);
        done();
}

static void ntfy(void)
{
        char said[JOB_TEXT];

        setup();
        strcpy(config.url, "https://ntfy.sh/");
        json_t *j = make("ntfy", false);
        check_str(request.url, "https://ntfy.sh/");
        check_str(text(j, "topic"), "vm");
        check_int(json_integer_value(json_object_get(j, "priority")), 4);
        check(strchr(text(j, "message"), '\n') && strstr(text(j, "message"), "init: true & restart"));
        check(notifier_find("ntfy")->accepted(&(struct response){.body = "{\"id\":\"x\"}"}, said));
        check(!notifier_find("ntfy")->accepted(&(struct response){.body = "<html>log in"}, said));
        check(!notifier_find("ntfy")->accepted(
                &(struct response){.body = "{\"code\":1,\"error\":\"no\"}"}, said));
        json_decref(j);
        done();
}

static void slack(void)
{
        char said[JOB_TEXT];

        setup();
        config.secret_is_url = true;
        json_t *j = make("slack", false);
        check_str(request.url, "s3cret"); /* its file holds the address */
        check(strstr(text(j, "text"), "&lt;!channel&gt;") && !strchr(text(j, "text"), '<'));
        check(strstr(text(j, "text"), "init: true &amp; restart"));
        check(notifier_find("slack")->accepted(&(struct response){.body = "ok"}, said));
        check(!notifier_find("slack")->accepted(&(struct response){.body = "no_service"}, said));
        check(strstr(said, "no_service"));
        json_decref(j);
        done();
}

static void mail(void)
{
        setup();
        strcpy(config.url, "smtp://h");
        strcpy(config.from, "Sexton <s@vm>");
        strcpy(config.to, "a@b\nB <b@c>");
        json_decref(make("smtp", false));
        const char *m = request.body.out.buf;
        check_int(request.kind, REQUEST_MAIL);
        check(strstr(m, "\r\nFrom: Sexton <s@vm>\r\n") && strstr(m, "\r\nTo: a@b,\r\n B <b@c>\r\n"));
        /* a line break in a title begins no header */
        check(strstr(m, "\r\nSubject: warning: odin/worker holds 3") && !strstr(m, "\nBcc:"));
        check(strstr(m, "\r\n\r\n") && strstr(m, "What to do: init: true & restart\r\n"));
        for (const char *p = m; (p = strchr(p, '\n')); p++)
                check(p[-1] == '\r');
        json_object_set_new(parsed, "title",
                json_string("Zombies \xc3\xa4\xc3\xb6 \xe2\x82\xac "
                            "long enough that one encoded word doesn't hold it all"));
        json_decref(make("smtp", false));
        m = request.body.out.buf;
        const char *subject = strstr(m, "\r\nSubject: =?UTF-8?Q?");
        check(subject != NULL && strstr(m, "=C3=A4=C3=B6"));
        check(subject && strstr(subject, "?=\r\n =?UTF-8?Q?"));
        done();
}

static void command(void)
{
        setup();
        job.reason = NOTIFY_RESOLVED;
        json_t *j = make("command", true);
        check_int(request.kind, REQUEST_COMMAND);
        check_str(text(j, "reason"), "resolved");
        check(json_is_true(json_object_get(j, "resolved")));
        check(json_equal(json_object_get(j, "incident"), parsed));
        json_decref(j);
        done();
}

/* What the configuration takes and what there is are the same types. */
static void both_tables_agree(void)
{
        check_int(notify_types_count, notifiers_count);
        for (size_t i = 0; i < notify_types_count; i++)
                check(notifier_find(notify_types[i].name) != NULL);
        check(!notifier_find("pigeon"));
}

static void all(void)
{
        test(webhook);
        test(alertmanager);
        test(pagerduty);
        test(ntfy);
        test(slack);
        test(mail);
        test(command);
        test(both_tables_agree);
}

int main(void)
{
        return tap_main(all);
}
