/* What was told of each incident, and what is to be told next: see policy.h. */
#include "notify/policy.h"

#include "base/json_out.h"
#include "base/text.h"
#include "base/units.h"
#include "base/util.h"
#include "model/names.h"
#include "notify/notifier.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* What one notifier knows of an incident. */
struct told {
        bool told, resolved;
        bool held; /* quiet hours kept it from being told: also what is over by then is told after them */
        uint8_t severity;
        int64_t at_ms;
};

struct track {
        uint64_t id;
        bool open, seen; /* since the start */
        uint8_t severity;
        int64_t opened_ms, resolved_ms;
        char service[128]; /* as first told */
        char *services;    /* lines, for silences */
        char *json;        /* as last seen; NULL until seen */
        uint32_t json_len;
        struct told told[CONFIG_NOTIFIERS];
};

const char *policy_fate_name(enum policy_fate f)
{
        static const char *const name[FATES] = {[FATE_DELIVERED] = "delivered",
                [FATE_RETRIED] = "retried",
                [FATE_FAILED] = "failed",
                [FATE_DROPPED] = "dropped"};

        return name[f];
}

/* ---- life ---- */

void policy_init(struct policy *p, const struct policy_ops *ops, const char *host, struct policy_now now)
{
        p->ops = *ops;
        /* numbers must be new even when nothing could be remembered */
        p->next_number = now.unix_ms > 0 ? (uint64_t)now.unix_ms * 1000 : 0;
        p->random = now.boot_ns | 1;
        text_set(p->host, sizeof p->host, host);
}

static void track_free(struct track *t)
{
        if (!t)
                return;
        free(t->services);
        free(t->json);
        free(t);
}

static void queue_free(struct policy_notifier *q)
{
        while (q->queue) {
                struct notice *n = q->queue;
                q->queue = n->next;
                free(n->json);
                free(n);
        }
}

void policy_done(struct policy *p)
{
        for (uint32_t i = 0; i < p->notifiers; i++)
                queue_free(&p->notifier[i]);
        for (uint32_t i = 0; i < p->tracks; i++)
                track_free(p->track[i]);
        p->notifiers = p->tracks = 0;
}

static int minutes(const char *clock)
{
        return clock[0] ? ((clock[0] - '0') * 10 + clock[1] - '0') * 60 + (clock[3] - '0') * 10 + clock[4] -
                                  '0'
                        : 0;
}

static uint8_t days(const char *list)
{
        static const char *const name[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
        uint8_t set = 0;

        for (size_t i = 0; i < ARRAY_SIZE(name); i++)
                if (strstr(list, name[i]))
                        set |= (uint8_t)(1u << i);
        return set ? set : 0x7f;
}

/* Each track's memory of a notifier moves to that one's new place. */
static void remap(struct policy *p, const int *place)
{
        for (uint32_t k = 0; k < p->tracks; k++) {
                struct told before[CONFIG_NOTIFIERS];
                memcpy(before, p->track[k]->told, sizeof before);
                memset(p->track[k]->told, 0, sizeof before);
                for (uint32_t i = 0; i < p->notifiers; i++)
                        if (place[i] >= 0)
                                p->track[k]->told[place[i]] = before[i];
        }
}

void policy_configure(struct policy *p, const struct config *c, struct policy_now now)
{
        uint32_t most = MAX(p->notifiers, c->notify_count);
        struct policy_notifier *fresh = calloc(most + 1, sizeof *fresh);
        int place[CONFIG_NOTIFIERS];

        if (!fresh)
                return;
        for (uint32_t i = 0; i < p->notifiers; i++) {
                place[i] = -1;
                for (uint32_t k = 0; k < c->notify_count; k++)
                        if (!strcmp(p->notifier[i].config.name, c->notify[k].name)) {
                                place[i] = (int)k;
                                fresh[k] = p->notifier[i];
                        }
                if (place[i] < 0)
                        queue_drop_all(p, i);
        }
        remap(p, place);
        for (uint32_t k = 0; k < c->notify_count; k++) {
                const struct notifier *type = notifier_find(c->notify[k].type);
                fresh[k].config = c->notify[k];
                fresh[k].keeps_state = type && type->keeps_state;
        }
        memcpy(p->notifier, fresh, most * sizeof *fresh);
        p->notifiers = c->notify_count;
        free(fresh);
        p->quiet.from = minutes(c->quiet_hours.from);
        p->quiet.to = minutes(c->quiet_hours.to);
        p->quiet.days = days(c->quiet_hours.days);
        p->quiet.min_severity = c->quiet_hours.min_severity;
}

/* ---- tracks ---- */

static struct track *track_of(struct policy *p, uint64_t id)
{
        for (uint32_t i = 0; i < p->tracks; i++)
                if (p->track[i]->id == id)
                        return p->track[i];
        return NULL;
}

static void track_id(const struct track *t, char id[static 40])
{
        snprintf(id, 40, "incident-%llu", (unsigned long long)t->id);
}

static void track_keep(struct policy *p, const struct track *t)
{
        struct json_out j = json_out_of(16 << 10);
        char id[40];

        json_out_object(&j, NULL);
        json_out_count(&j, "track", t->id);
        json_out_bytes(&j, "service", t->service, sizeof t->service);
        json_out_array(&j, "told");
        for (uint32_t i = 0; i < p->notifiers; i++) {
                const struct told *d = &t->told[i];
                json_out_object(&j, NULL);
                json_out_text(&j, "notifier", p->notifier[i].config.name);
                json_out_bool(&j, "told", d->told);
                json_out_bool(&j, "resolved", d->resolved);
                json_out_bool(&j, "held", d->held);
                json_out_int(&j, "severity", d->severity);
                json_out_int(&j, "at_ms", d->at_ms);
                json_out_object_end(&j);
        }
        json_out_array_end(&j);
        json_out_object_end(&j);
        track_id(t, id);
        if (!j.out.failed)
                p->ops.put(p->ops.ctx, "notice", id, t->open, t->service, t->opened_ms, j.out.buf, j.out.len);
        json_out_done(&j);
}

static void track_forget(struct policy *p, uint32_t i)
{
        char id[40];

        track_id(p->track[i], id);
        p->ops.remove(p->ops.ctx, "notice", id);
        track_free(p->track[i]);
        p->track[i] = p->track[--p->tracks];
}

/* When full, the oldest that is over gives way, else the oldest. */
static struct track *track_new(struct policy *p, uint64_t id)
{
        struct track *t = calloc(1, sizeof *t);

        if (!t)
                return NULL;
        if (p->tracks == POLICY_TRACKS) {
                uint32_t victim = 0;
                for (uint32_t i = 1; i < p->tracks; i++) {
                        const struct track *a = p->track[i], *b = p->track[victim];
                        if (a->open != b->open ? !a->open : a->id < b->id)
                                victim = i;
                }
                track_forget(p, victim);
        }
        t->id = id;
        p->track[p->tracks++] = t;
        return t;
}

static int track_restore(struct policy *p, json_t *j)
{
        json_int_t id = json_integer_value(json_object_get(j, "track"));
        const char *service = json_string_value(json_object_get(j, "service"));
        json_t *one;
        size_t k;

        if (id <= 0)
                return -EINVAL;
        /* there is one already when its notices came first */
        struct track *t = track_of(p, (uint64_t)id);
        if (!t && !(t = track_new(p, (uint64_t)id)))
                return -ENOMEM;
        t->open = true;
        text_set(t->service, sizeof t->service, service ? service : "");
        json_array_foreach(json_object_get(j, "told"), k, one)
        {
                const char *name = json_string_value(json_object_get(one, "notifier"));
                int i = name ? policy_notifier_find(p, name) : -1;
                json_int_t severity = json_integer_value(json_object_get(one, "severity"));
                if (i < 0 || t->told[i].told)
                        continue;
                t->told[i] = (struct told){.told = json_is_true(json_object_get(one, "told")),
                        .resolved = json_is_true(json_object_get(one, "resolved")),
                        .held = json_is_true(json_object_get(one, "held")),
                        .severity = (uint8_t)(severity >= 0 && severity <= SEVERITY_CRITICAL ? severity : 0),
                        .at_ms = json_integer_value(json_object_get(one, "at_ms"))};
        }
        return 0;
}

/* A notice that was put before its track could be: what waits to be told counts as told. */
static void learn_from_queue(struct policy *p)
{
        for (uint32_t i = 0; i < p->notifiers; i++)
                for (const struct notice *n = p->notifier[i].queue; n; n = n->next) {
                        struct track *t = track_of(p, n->job.incident);
                        if (!t && !(t = track_new(p, n->job.incident)))
                                continue;
                        struct told *d = &t->told[i];
                        if (n->created_ms < d->at_ms)
                                continue;
                        t->open = true;
                        text_set(t->service, sizeof t->service, n->job.service);
                        *d = (struct told){.told = true,
                                .resolved = n->job.reason == NOTIFY_RESOLVED,
                                .severity = (uint8_t)n->job.severity,
                                .at_ms = n->created_ms};
                }
}

int policy_restore(struct policy *p, const char *kind, const char *json, size_t len, struct policy_now now)
{
        json_t *j = json_loadb(json, len, 0, NULL);
        int r = -EINVAL;

        if (!json_is_object(j))
                r = -EINVAL;
        else if (!strcmp(kind, "silence"))
                r = silence_restore(p, j);
        else if (json_object_get(j, "track"))
                r = track_restore(p, j);
        else
                r = queue_restore(p, j, now);
        json_decref(j);
        if (r == 0)
                learn_from_queue(p);
        return r;
}

/* ---- what an incident says ---- */

static int severity_of(const char *name)
{
        for (uint8_t s = 0; s <= SEVERITY_CRITICAL; s++)
                if (name && !strcmp(severity_name(s), name))
                        return s;
        return -1;
}

static int64_t time_of(json_t *j, const char *key)
{
        const char *text = json_string_value(json_object_get(j, key));
        double t = text ? units_unix(text) : NAN;

        return isfinite(t) ? (int64_t)(t * 1000) : 0;
}

static void add_service(char *list, size_t size, json_t *name)
{
        char one[128];
        size_t n = strlen(list);

        if (!json_is_string(name) || !*json_string_value(name))
                return;
        text_set(one, sizeof one, json_string_value(name));
        for (const char *s = list; *s; s += strcspn(s, "\n") + (s[strcspn(s, "\n")] == '\n'))
                if (strcspn(s, "\n") == strlen(one) && !strncmp(s, one, strlen(one)))
                        return;
        snprintf(list + n, size - n, "%s%s", n ? "\n" : "", one);
}

static char *services_of(json_t *j)
{
        char list[POLICY_SERVICES * 128] = "";
        json_t *one;
        size_t i;

        add_service(list, sizeof list, json_object_get(j, "service"));
        add_service(list, sizeof list, json_object_get(j, "culprit"));
        json_array_foreach(json_object_get(j, "findings"), i, one)
                add_service(list, sizeof list, json_object_get(one, "service"));
        return strdup(list);
}

/* A packet has bounds: the longest parts go first. */
static char *bounded(json_t *j)
{
        static const char *const dispensable[] = {
                "timeline", "resource", "suspects", "refuted", "actions", "remedy", "findings"};
        char *text = json_dumps(j, JSON_COMPACT);

        for (size_t i = 0; text && strlen(text) > JOB_INCIDENT_MAX && i < ARRAY_SIZE(dispensable); i++) {
                free(text);
                json_object_del(j, dispensable[i]);
                json_object_set_new(j, "shortened", json_true());
                text = json_dumps(j, JSON_COMPACT);
        }
        if (text && strlen(text) > JOB_INCIDENT_MAX) {
                free(text);
                text = NULL;
        }
        return text;
}

static uint64_t number_of(json_t *j)
{
        json_t *id = json_object_get(j, "id");
        const char *text = json_string_value(id);
        uint64_t n = 0;

        if (json_is_integer(id))
                return json_integer_value(id) > 0 ? (uint64_t)json_integer_value(id) : 0;
        return text && text_u64(&text, &n) && !*text ? n : 0;
}

struct seen {
        uint64_t id;
        bool open;
        uint8_t severity;
};

/* False: it is no incident. */
static bool read_incident(json_t *j, struct seen *ret)
{
        const char *state = json_string_value(json_object_get(j, "state"));
        int severity = severity_of(json_string_value(json_object_get(j, "severity")));

        if (!json_is_object(j) || !state || severity < 0)
                return false;
        *ret = (struct seen){
                .id = number_of(j), .open = strcmp(state, "resolved") != 0, .severity = (uint8_t)severity};
        return ret->id != 0;
}

static int take(struct track *t, json_t *j, const struct seen *s)
{
        cleanup_free char *services = services_of(j);
        if (!services)
                return -ENOMEM;
        cleanup_free char *text = bounded(j);
        if (!text)
                return -ENOMEM;
        if (!t->service[0])
                text_copy(t->service, sizeof t->service, services, strcspn(services, "\n"));
        free(t->services);
        free(t->json);
        t->json_len = (uint32_t)strlen(text);
        t->services = TAKE_PTR(services);
        t->json = TAKE_PTR(text);
        t->open = s->open;
        /* at the end its severity is what it was last */
        t->severity = s->severity;
        t->opened_ms = time_of(j, "opened_at");
        t->resolved_ms = t->open ? 0 : time_of(j, "resolved_at");
        return 0;
}

/* ---- what to tell ---- */

static void tell(
        struct policy *p, struct track *t, uint32_t i, enum notify_reason reason, struct policy_now now)
{
        struct told *d = &t->told[i];
        struct job j = {.version = JOB_VERSION,
                .notice = ++p->next_number,
                .incident = t->id,
                .reason = reason,
                .severity = t->severity,
                .severity_before = d->told && !d->resolved ? d->severity : t->severity,
                .opened_ms = t->opened_ms,
                .resolved_ms = t->resolved_ms,
                .repeat = p->notifier[i].config.repeat,
                .json_len = t->json_len};

        text_set(j.notifier, sizeof j.notifier, p->notifier[i].config.name);
        text_set(j.service, sizeof j.service, t->service);
        text_set(j.host, sizeof j.host, p->host);
        queue_add(p, i, &j, t->json, now);
        *d = (struct told){.told = true,
                .resolved = reason == NOTIFY_RESOLVED,
                .severity = t->severity,
                .at_ms = now.unix_ms};
}

/* What a notifier should hear now; false: nothing. */
static bool due(
        const struct policy *p, const struct track *t, uint32_t i, int64_t now_ms, enum notify_reason *ret)
{
        const struct policy_notifier *n = &p->notifier[i];
        const struct told *d = &t->told[i];
        bool knows = d->told && !d->resolved;

        if (!t->open) {
                *ret = NOTIFY_RESOLVED;
                return knows ? n->config.send_resolved || n->keeps_state : d->held;
        }
        if (!knows) {
                *ret = NOTIFY_OPENED;
                return t->severity >= n->config.min_severity;
        }
        *ret = t->severity != d->severity ? NOTIFY_SEVERITY : NOTIFY_REPEAT;
        if (*ret == NOTIFY_SEVERITY)
                return true;
        /* a clock that was set back must not hold it up */
        return n->config.repeat > 0 &&
               (now_ms < d->at_ms || (double)(now_ms - d->at_ms) >= n->config.repeat * 1000) &&
               !queue_holds(p, i, t->id);
}

/* What it was when there was news of it last is told only where nobody knows what it is now. */
static void refresh(struct policy *p, struct track *t)
{
        struct seen s;
        size_t len;
        cleanup_free char *json = p->ops.present(p->ops.ctx, t->id, &len);
        json_t *j = json ? json_loadb(json, len, 0, NULL) : NULL;

        if (read_incident(j, &s) && s.id == t->id)
                (void)take(t, j, &s);
        json_decref(j);
}

/* Compares what is true with what each notifier was told. `fresh`: the track is what is true. True when the
 * incident is over and all know. */
static bool reconcile(struct policy *p, struct track *t, bool fresh, struct policy_now now)
{
        bool changed = false, settled = !t->open;

        for (uint32_t i = 0; i < p->notifiers; i++) {
                struct told *d = &t->told[i];
                enum notify_reason reason;
                if (!due(p, t, i, now.unix_ms, &reason))
                        continue;
                bool must = p->notifier[i].keeps_state && reason == NOTIFY_RESOLVED;
                if (!must && policy_is_silenced(p, t->services, now.unix_ms)) {
                        settled &= !d->told; /* who was not told that it began need not hear of its end */
                        continue;
                }
                if (!must && policy_is_quiet(p, t->severity, now.unix_ms)) {
                        changed |= !d->held;
                        d->held = true;
                        settled = false;
                        continue;
                }
                if (!fresh)
                        refresh(p, t);
                if (!fresh && !due(p, t, i, now.unix_ms, &reason))
                        continue;
                fresh = true;
                tell(p, t, i, reason, now);
                changed = true;
        }
        if (changed && !settled)
                track_keep(p, t);
        return settled;
}

static void reconcile_all(struct policy *p, struct policy_now now)
{
        for (uint32_t i = p->tracks; i-- > 0;)
                if (p->track[i]->json && reconcile(p, p->track[i], false, now))
                        track_forget(p, i);
}

static int see(struct policy *p, json_t *j, struct policy_now now)
{
        struct seen s;
        int r;

        if (!read_incident(j, &s))
                return -EINVAL;
        struct track *t = track_of(p, s.id);
        if (!t && !s.open)
                return 0; /* nobody was told */
        if (!t && !(t = track_new(p, s.id)))
                return -ENOMEM;
        r = take(t, j, &s);
        if (r < 0)
                return r;
        if (reconcile(p, t, true, now))
                for (uint32_t i = 0; i < p->tracks; i++)
                        if (p->track[i] == t) {
                                track_forget(p, i);
                                break;
                        }
        return 0;
}

int policy_see(struct policy *p, const char *json, size_t len, struct policy_now now)
{
        json_t *j = json_loadb(json, len, 0, NULL);
        int r = see(p, j, now);

        json_decref(j);
        return r;
}

uint64_t policy_tick(struct policy *p, struct policy_now now)
{
        uint64_t next;

        silence_expire(p, now);
        reconcile_all(p, now);
        next = queue_send(p, now);
        /* silences, quiet hours and repetitions are looked at as often as this */
        return MIN(next, now.boot_ns + (p->tracks ? NSEC_PER_SEC : 60 * NSEC_PER_SEC));
}

/* ---- tests ---- */

static bool send_test(struct policy *p, struct policy_notifier *n, struct policy_now now)
{
        char text[600];
        struct job j = {.version = JOB_VERSION,
                .attempt = 1,
                .notice = ++p->next_number,
                .reason = NOTIFY_TEST,
                .opened_ms = now.unix_ms,
                .repeat = 60};
        json_t *incident = json_pack("{s:i, s:s, s:s, s:s, s:n, s:[], s:[], s:[], s:b}", "id", 0, "state",
                "open", "severity", "info", "title", "This is a test of a notifier; nothing is wrong",
                "culprit", "findings", "suspects", "actions", "test", 1);
        cleanup_free char *json = incident ? json_dumps(incident, JSON_COMPACT) : NULL;

        json_decref(incident);
        if (!json || !text_set(text, sizeof text, json))
                return false;
        j.json_len = (uint32_t)strlen(json);
        text_set(j.notifier, sizeof j.notifier, n->config.name);
        text_set(j.host, sizeof j.host, p->host);
        n->test = (struct policy_test){.number = j.notice};
        return p->ops.send(p->ops.ctx, &j, json);
}

int policy_test(struct policy *p, const char *name, struct policy_now now, struct error *e)
{
        int only = name ? policy_notifier_find(p, name) : -1;

        if (name && only < 0)
                return error_set(e, -ENOENT, "there is no notifier of this name; sexton notify lists them");
        if (!p->notifiers)
                return error_set(e, -ENOENT, "no notifier is configured; see docs/notify.md");
        for (uint32_t i = 0; i < p->notifiers; i++)
                if ((only < 0 || (uint32_t)only == i) && !send_test(p, &p->notifier[i], now))
                        return error_set(e, -EAGAIN, "the courier takes nothing now; try again");
        return 0;
}
