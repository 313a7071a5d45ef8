/* The notices that wait for each notifier, in order: documents, retries, bounds. */
#include "notify/policy.h"

#include "base/json_out.h"
#include "base/text.h"
#include "base/util.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define BACKOFF_FIRST_NS (2 * NSEC_PER_SEC)
#define BACKOFF_MAX_NS   (300 * NSEC_PER_SEC)
#define RETRY_AFTER_MAX  3600
#define GIVE_UP_MS       INT64_C(86400000) /* a day: later it tells nobody anything new */
#define NO_ROOM_NS       (200 * NSEC_PER_MSEC)
#define LOOK_NS          (60 * NSEC_PER_SEC)
#define SLACK_NS         (30 * NSEC_PER_SEC) /* above its timeout, until a courier is thought to have lost it */

int policy_notifier_find(const struct policy *p, const char *name)
{
        for (uint32_t i = 0; i < p->notifiers; i++)
                if (!strcmp(p->notifier[i].config.name, name))
                        return (int)i;
        return -1;
}

static void id_of(const struct notice *n, char id[static 24])
{
        snprintf(id, 24, "%llu", (unsigned long long)n->job.notice);
}

static void keep(struct policy *p, const struct notice *n)
{
        struct json_out j = json_out_of(JOB_INCIDENT_MAX + 4096);
        char id[24];

        json_out_object(&j, NULL);
        json_out_count(&j, "number", n->job.notice);
        json_out_bytes(&j, "notifier", n->job.notifier, sizeof n->job.notifier);
        json_out_int(&j, "reason", n->job.reason);
        json_out_count(&j, "incident", n->job.incident);
        json_out_int(&j, "severity", n->job.severity);
        json_out_int(&j, "severity_before", n->job.severity_before);
        json_out_int(&j, "opened_ms", n->job.opened_ms);
        json_out_int(&j, "resolved_ms", n->job.resolved_ms);
        json_out_int(&j, "created_ms", n->created_ms);
        json_out_bytes(&j, "service", n->job.service, sizeof n->job.service);
        out_text(&j.out, ",\"json\":");
        out_bytes(&j.out, n->json, n->job.json_len);
        json_out_object_end(&j);
        id_of(n, id);
        if (!j.out.failed)
                p->ops.put(
                        p->ops.ctx, "notice", id, true, n->job.service, n->created_ms, j.out.buf, j.out.len);
        json_out_done(&j);
}

/* Takes it out of its queue, and away. */
static void end(struct policy *p, struct policy_notifier *q, struct notice **at, enum policy_fate fate,
        const char *text)
{
        struct notice *n = *at;
        char id[24];

        *at = n->next;
        q->queued--;
        q->fate[fate]++;
        id_of(n, id);
        p->ops.report(p->ops.ctx, &(struct policy_report){.job = &n->job, .fate = fate, .text = text});
        p->ops.remove(p->ops.ctx, "notice", id);
        free(n->json);
        free(n);
}

void queue_drop_all(struct policy *p, uint32_t notifier)
{
        struct policy_notifier *q = &p->notifier[notifier];

        while (q->queue)
                end(p, q, &q->queue, FATE_DROPPED, "its notifier is no longer configured");
}

/* The one that is missed least: a repetition, else one whose incident has a later one behind it, else the
 * oldest. What is on its way stays. */
static struct notice **least(struct policy_notifier *q)
{
        struct notice **oldest = NULL, **outdated = NULL;

        for (struct notice **at = &q->queue; *at; at = &(*at)->next) {
                if ((*at)->sent_ns)
                        continue;
                if ((*at)->job.reason == NOTIFY_REPEAT)
                        return at;
                for (const struct notice *later = (*at)->next; later && !outdated; later = later->next)
                        if (later->job.incident == (*at)->job.incident)
                                outdated = at;
                oldest = oldest ? oldest : at;
        }
        return outdated ? outdated : oldest;
}

static bool append(struct policy *p, uint32_t notifier, const struct job *j, const char *json,
        uint64_t due_ns, int64_t created_ms)
{
        struct policy_notifier *q = &p->notifier[notifier];
        struct notice *n = calloc(1, sizeof *n), **last = &q->queue;

        if (!n || !(n->json = malloc(j->json_len + 1))) {
                free(n);
                return false;
        }
        memcpy(n->json, json, j->json_len);
        n->json[j->json_len] = '\0';
        n->job = *j;
        n->due_ns = due_ns;
        n->created_ms = created_ms;
        if (q->queued >= POLICY_QUEUE) {
                struct notice **at = least(q);
                if (at)
                        end(p, q, at, FATE_DROPPED, "too many notices wait");
        }
        /* by their numbers: after a restart they come in any order */
        while (*last && (*last)->job.notice < j->notice)
                last = &(*last)->next;
        n->next = *last;
        *last = n;
        q->queued++;
        return true;
}

void queue_add(
        struct policy *p, uint32_t notifier, const struct job *j, const char *json, struct policy_now now)
{
        struct policy_notifier *q = &p->notifier[notifier];

        if (!append(p, notifier, j, json, now.boot_ns, now.unix_ms)) {
                q->fate[FATE_DROPPED]++;
                p->ops.report(p->ops.ctx,
                        &(struct policy_report){.job = j, .fate = FATE_DROPPED, .text = "out of memory"});
                return;
        }
        struct notice *n = q->queue;
        while (n->next)
                n = n->next;
        keep(p, n);
}

bool queue_holds(const struct policy *p, uint32_t notifier, uint64_t incident)
{
        for (const struct notice *n = p->notifier[notifier].queue; n; n = n->next)
                if (n->job.incident == incident)
                        return true;
        return false;
}

static uint64_t integer(json_t *j, const char *key)
{
        json_int_t v = json_integer_value(json_object_get(j, key));

        return v < 0 ? 0 : (uint64_t)v;
}

static uint32_t at_most(json_t *j, const char *key, uint32_t max)
{
        uint64_t v = integer(j, key);

        return v < max ? (uint32_t)v : max;
}

int queue_restore(struct policy *p, json_t *j, struct policy_now now)
{
        const char *notifier = json_string_value(json_object_get(j, "notifier"));
        const char *service = json_string_value(json_object_get(j, "service"));
        json_t *incident = json_object_get(j, "json");
        int i = notifier ? policy_notifier_find(p, notifier) : -1;
        struct job job = {.version = JOB_VERSION,
                .notice = integer(j, "number"),
                .reason = at_most(j, "reason", NOTIFY_RESOLVED),
                .incident = integer(j, "incident"),
                .severity = at_most(j, "severity", SEVERITY_CRITICAL),
                .severity_before = at_most(j, "severity_before", SEVERITY_CRITICAL),
                .opened_ms = (int64_t)integer(j, "opened_ms"),
                .resolved_ms = (int64_t)integer(j, "resolved_ms")};

        if (!job.notice || !json_is_object(incident))
                return -EINVAL;
        p->next_number = MAX(p->next_number, job.notice);
        if (i < 0) { /* its notifier was taken out of the configuration meanwhile */
                char id[24];
                snprintf(id, sizeof id, "%llu", (unsigned long long)job.notice);
                p->ops.remove(p->ops.ctx, "notice", id);
                return 0;
        }
        text_set(job.notifier, sizeof job.notifier, notifier);
        text_set(job.service, sizeof job.service, service ? service : "");
        text_set(job.host, sizeof job.host, p->host);
        job.repeat = p->notifier[i].config.repeat;
        cleanup_free char *text = json_dumps(incident, JSON_COMPACT);
        if (!text)
                return -ENOMEM;
        job.json_len = (uint32_t)strlen(text);
        if (job.json_len > JOB_INCIDENT_MAX)
                return -EINVAL;
        return append(p, (uint32_t)i, &job, text, now.boot_ns, (int64_t)integer(j, "created_ms")) ? 0
                                                                                                  : -ENOMEM;
}

/* ---- sending ---- */

static uint64_t jitter(struct policy *p, uint64_t ns)
{
        p->random ^= p->random << 13;
        p->random ^= p->random >> 7;
        p->random ^= p->random << 17;
        return ns - ns / 4 + p->random % (ns / 2 + 1); /* a quarter more or less */
}

uint64_t queue_send(struct policy *p, struct policy_now now)
{
        uint64_t next = now.boot_ns + LOOK_NS;

        for (uint32_t i = 0; i < p->notifiers; i++) {
                struct policy_notifier *q = &p->notifier[i];
                struct notice *n = q->queue;
                uint64_t patience = (uint64_t)(q->config.timeout * (double)NSEC_PER_SEC) + SLACK_NS;
                if (!n)
                        continue;
                if (n->sent_ns && now.boot_ns < n->sent_ns + patience) {
                        next = MIN(next, n->sent_ns + patience);
                        continue;
                }
                if (n->sent_ns) {
                        text_set(q->last_error, sizeof q->last_error, "the courier has not answered in time");
                        q->last_error_ms = now.unix_ms;
                }
                if (n->due_ns > now.boot_ns) {
                        next = MIN(next, n->due_ns);
                        continue;
                }
                n->job.attempt++;
                if (p->ops.send(p->ops.ctx, &n->job, n->json)) {
                        n->sent_ns = now.boot_ns;
                        next = MIN(next, n->sent_ns + patience);
                } else {
                        n->job.attempt--;
                        next = MIN(next, now.boot_ns + NO_ROOM_NS);
                }
        }
        return next;
}

static void failed(struct policy *p, struct policy_notifier *q, const struct result *r, struct policy_now now)
{
        struct notice *n = q->queue;
        uint64_t wait = BACKOFF_FIRST_NS << MIN(n->job.attempt, 16u) >> 1;

        text_set(q->last_error, sizeof q->last_error, r->text);
        q->last_error_ms = now.unix_ms;
        if (r->outcome == OUTCOME_FINAL || now.unix_ms - n->created_ms > GIVE_UP_MS) {
                end(p, q, &q->queue, FATE_FAILED, r->text);
                return;
        }
        q->fate[FATE_RETRIED]++;
        p->ops.report(
                p->ops.ctx, &(struct policy_report){.job = &n->job, .fate = FATE_RETRIED, .text = r->text});
        wait = jitter(p, MIN(wait, BACKOFF_MAX_NS));
        wait = MAX(wait, MIN(r->retry_after, (uint32_t)RETRY_AFTER_MAX) * NSEC_PER_SEC);
        n->sent_ns = 0;
        n->due_ns = now.boot_ns + wait;
}

void policy_result(struct policy *p, const struct result *r, struct policy_now now)
{
        for (uint32_t i = 0; i < p->notifiers; i++) {
                struct policy_notifier *q = &p->notifier[i];
                struct notice *n = q->queue;
                if (r->outcome == OUTCOME_READY) { /* what its predecessor had taken is lost */
                        if (n && n->sent_ns)
                                n->sent_ns = 0;
                } else if (q->test.number == r->notice) {
                        q->test.done = true;
                        q->test.result = *r;
                } else if (n && n->job.notice == r->notice && r->outcome == OUTCOME_DELIVERED) {
                        q->last_delivered_ms = now.unix_ms;
                        q->last_error[0] = '\0';
                        end(p, q, &q->queue, FATE_DELIVERED, r->text);
                } else if (n && n->job.notice == r->notice) {
                        failed(p, q, r, now);
                }
        }
}
