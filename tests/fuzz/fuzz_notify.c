/* Fuzzes what telling reads: an incident (in JSON, by every notifier and by the policy), documents of an
 * earlier life, answers of far sides, and packets. The first byte chooses.
 */
#include "notify/notifier.h"
#include "notify/policy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
        if (!condition)
                abort();
}

static void put(void *ctx, const char *kind, const char *id, bool open, const char *service, int64_t time_ms,
        const char *json, size_t len)
{
        json_t *j = json_loadb(json, len, 0, NULL);

        require(j != NULL);
        json_decref(j);
}

static void forget(void *ctx, const char *kind, const char *id)
{
}

static bool send_job(void *ctx, const struct job *j, const char *json)
{
        require(j->json_len == strlen(json) && j->json_len <= JOB_INCIDENT_MAX);
        return true;
}

static void report(void *ctx, const struct policy_report *r)
{
}

static const char *now_text;
static size_t now_size;

static char *present(void *ctx, uint64_t id, size_t *ret_len)
{
        char *copy = malloc(now_size + 1);

        if (copy)
                memcpy(copy, now_text, now_size);
        *ret_len = now_size;
        return copy;
}

static const struct config *configuration(void)
{
        static struct config c;
        static const char yaml[] = "notify:\n- {name: hook, type: webhook, url: \"http://h/\", repeat: 10s}\n"
                                   "- {name: am, type: alertmanager, url: \"http://h\"}\n";
        struct config_problem problem;
        uint32_t count;

        if (!c.notify_count) {
                config_defaults(&c);
                require(config_parse(&c, "y", yaml, strlen(yaml), &problem, 1, &count) == 0);
        }
        return &c;
}

static void by_policy(const char *kind, const char *text, size_t size)
{
        static const struct policy_ops ops = {
                .put = put, .remove = forget, .send = send_job, .report = report, .present = present};
        struct policy *p = calloc(1, sizeof *p);
        struct policy_now now = {.boot_ns = 1000000000000, .unix_ms = 1795469400000};
        struct result r = {.version = JOB_VERSION, .outcome = OUTCOME_READY};

        if (!p)
                return;
        policy_init(p, &ops, "vm", now);
        policy_configure(p, configuration(), now);
        if (kind)
                policy_restore(p, kind, text, size, now);
        policy_see(p, text, size, now);
        now_text = text; /* as whoever is asked for the present says it */
        now_size = size;
        policy_tick(p, now);
        policy_result(p, &r, now);
        now.boot_ns += 60000000000;
        now.unix_ms += 60000;
        policy_tick(p, now);
        policy_done(p);
        free(p);
}

/* Whatever others wrote, what goes out is JSON, or a mail whose headers are ours. */
static void by_notifiers(const char *text, size_t size)
{
        json_t *incident = json_loadb(text, size, 0, NULL);
        struct notify_config c = {
                .name = "n", .url = "http://h/x", .topic = "t", .from = "a@b", .to = "c@d\ne@f"};
        struct job j = {.incident = 1,
                .reason = (uint32_t)(size % NOTIFY_REASONS),
                .severity = (uint32_t)(size % 3),
                .host = "vm"};
        struct message m = {.config = &c,
                .secret = "s",
                .job = &j,
                .incident = incident,
                .raw = text,
                .raw_len = size,
                .resolved = j.reason == NOTIFY_RESOLVED};

        strncpy(j.service, text, sizeof j.service - 1);
        for (size_t i = 0; json_is_object(incident) && i < notifiers_count; i++) {
                struct request r = {.body = json_out_of(REQUEST_BODY_MAX)};
                struct error e = {0};
                require(notifiers[i]->make(&m, &r, &e) == 0);
                for (uint32_t h = 0; h < r.headers; h++)
                        require(!strpbrk(r.header[h], "\r\n"));
                if (r.kind != REQUEST_MAIL && !r.body.out.failed) {
                        json_t *body =
                                json_loadb(r.body.out.buf, r.body.out.len, JSON_DISABLE_EOF_CHECK, NULL);
                        require(body != NULL);
                        json_decref(body);
                }
                request_done(&r);
        }
        json_decref(incident);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (size < 1)
                return 0;
        char *text = calloc(1, size), said[JOB_TEXT] = "";
        if (!text)
                return 0;
        memcpy(text, data + 1, size - 1);
        struct response r = {.status = 200, .body = text};
        struct result result = {0};
        size_t len = strlen(text);

        by_policy(data[0] % 3 == 0 ? "notice" : data[0] % 3 == 1 ? "silence" : NULL, text, len);
        by_notifiers(text, len);
        for (size_t i = 0; i < notifiers_count; i++)
                if (notifiers[i]->accepted)
                        notifiers[i]->accepted(&r, said);
        require(memchr(said, '\0', sizeof said) != NULL);
        memcpy(&result, data, size < sizeof result ? size : sizeof result);
        if (result_tame(&result, size))
                require(memchr(result.text, '\0', sizeof result.text) != NULL);
        char *packet = malloc(size);
        if (packet) {
                memcpy(packet, data, size);
                job_tame(packet, size);
        }
        free(packet);
        free(text);
        return 0;
}
