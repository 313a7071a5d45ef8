/* What answers say about the links of the chain: see watch.h. */
#include "drill/watch.h"

#include "base/answer.h"
#include "base/text.h"
#include "base/units.h"
#include "drill/hung.h"
#include "model/drill.h"
#include "model/names.h"
#include "notify/notifier.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SLOW_FILL 60.0 /* s */

/* ---- steps ---- */

struct drill_step *watch_add(
        struct drill_watch *w, enum step_state state, double at, const char *name, const char *fmt, ...)
{
        struct drill_step *s = &w->step[MIN(w->steps, (uint32_t)DRILL_STEPS - 1)];
        va_list ap;

        w->steps = MIN(w->steps + 1, (uint32_t)DRILL_STEPS);
        *s = (struct drill_step){.state = state, .at = at};
        text_set(s->name, sizeof s->name, name);
        va_start(ap, fmt);
        vsnprintf(s->text, sizeof s->text, fmt, ap);
        va_end(ap);
        w->why_not[0] = '\0';
        return s;
}

const struct drill_step *watch_broken(const struct drill_watch *w)
{
        for (uint32_t i = 0; i < w->steps; i++)
                if (w->step[i].state == STEP_FAILED)
                        return &w->step[i];
        return NULL;
}

static void lacks(struct drill_watch *w, const char *fmt, ...) printf_like(2, 3);
static void lacks(struct drill_watch *w, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(w->why_not, sizeof w->why_not, fmt, ap);
        va_end(ap);
}

static bool is(json_t *j, const char *path, const char *value)
{
        return !strcmp(answer_raw(j, path), value);
}

/* ---- the beginning ---- */

static enum severity severity_of(const char *name)
{
        for (uint8_t s = SEVERITY_INFO; s <= SEVERITY_CRITICAL; s++)
                if (!strcmp(severity_name(s), name))
                        return (enum severity)s;
        return SEVERITY_INFO;
}

void watch_init(struct drill_watch *w, const struct drill_kind *k, const char *service, uint32_t count,
        json_t *status, json_t *notify, json_t *silences)
{
        double now = units_unix(answer_raw(status, "time"));
        json_t *one;
        size_t i;

        *w = (struct drill_watch){.kind = k, .service = service, .count = count};
        w->grace = fmax(answer_number(status, "grace"), 0);
        w->began_unix = isnan(now) ? 0 : now;
        text_set(w->quiet_below, sizeof w->quiet_below, answer_raw(notify, "quiet_below"));
        json_array_foreach(answer_list(notify, "notifiers"), i, one)
        {
                struct drill_notifier *n = &w->notifier[w->notifiers];
                const struct notifier *type = notifier_find(answer_raw(one, "type"));

                if (w->notifiers == CONFIG_NOTIFIERS)
                        break;
                answer_text(one, "name", n->name, sizeof n->name);
                n->min = severity_of(answer_raw(one, "min_severity"));
                n->tells_end = answer_true(one, "send_resolved") || (type && type->keeps_state);
                w->notifiers++;
        }
        /* what concerns no service is not silenced */
        json_array_foreach(answer_list(silences, "silences"), i,
                one) if (service && text_glob(answer_raw(one, "service"), service))
                answer_text(one, "service", w->silence, sizeof w->silence);
}

/* ---- facts ---- */

/* The one element about our service. */
static json_t *ours(const struct drill_watch *w, json_t *answer, const char *list)
{
        json_t *one;
        size_t i;

        json_array_foreach(answer_list(answer, list), i, one) if (is(one, "service", w->service)) return one;
        return NULL;
}

static bool judge_seen(struct drill_watch *w, json_t *answer, double at)
{
        json_t *s = ours(w, answer, "services");

        if (!s) {
                lacks(w, "there is no service of that name");
                return false;
        }
        watch_add(w, STEP_DONE, at, "seen", "as the service %s", w->service);
        return true;
}

static bool judge_zombies(struct drill_watch *w, json_t *answer, double at)
{
        char command[80] = "?";
        uint32_t n = 0;
        double pid = NAN;
        json_t *one;
        size_t i;

        json_array_foreach(answer_list(answer, "zombies"), i, one)
        {
                if (!is(one, "holder.service", w->service))
                        continue;
                n++;
                pid = answer_number(one, "holder.pid");
                answer_text_or(one, "holder.command", "?", command, sizeof command);
        }
        if (n < w->count) {
                lacks(w, "%u of %u zombies are listed", n, w->count);
                return false;
        }
        watch_add(w, STEP_DONE, at, "listed", "%u zombies, held by %s (pid %.0f)", n, command, pid);
        return true;
}

static bool judge_mount(struct drill_watch *w, json_t *answer, double at)
{
        char path[64];
        json_t *one;
        size_t i;

        snprintf(path, sizeof path, DRILL_FOLDER "%d", drill_pid(w->service, DRILL_GROUP));
        json_array_foreach(answer_list(answer, "mounts"), i, one)
        {
                double free = answer_number(one, "free_bytes") / answer_number(one, "size_bytes");
                if (!is(one, "path", path))
                        continue;
                lacks(w, "%s is %.0f %% full", path, (1 - free) * 100);
                if (!isless(free, 0.09))
                        return false;
                watch_add(w, STEP_DONE, at, "listed", "%s, %.0f %% full", path, (1 - free) * 100);
                return true;
        }
        lacks(w, "%s isn't among the mounts: 16 are watched, and they must be visible to the daemon", path);
        return false;
}

/* From what `services` says: restarts, runnable tasks, memory. */
static bool judge_service(struct drill_watch *w, json_t *answer, double at)
{
        json_t *s = ours(w, answer, "services");
        double restarts = answer_number(s, "restarts_last_hour"), runnable = answer_number(s, "runnable");
        double used = answer_number(s, "memory_bytes"), limit = answer_number(s, "memory_limit_bytes");
        char a[UNITS_SIZE], b[UNITS_SIZE];

        if (w->kind->id == DRILL_RESTART_LOOP && restarts >= 1)
                watch_add(w, STEP_DONE, at, "listed", "it was restarted");
        else if (w->kind->id == DRILL_SATURATION && runnable >= 2)
                watch_add(w, STEP_DONE, at, "listed", "%.0f of its tasks want the CPU", runnable);
        else if (w->kind->id == DRILL_MEMORY && isgreater(used, 0.9 * limit))
                watch_add(w, STEP_DONE, at, "listed", "it uses %s of %s", units_bytes(used, a),
                        units_bytes(limit, b));
        else if (w->kind->id == DRILL_MEMORY)
                lacks(w, "it uses %s of %s, as far as the daemon knows", units_bytes(used, a),
                        units_bytes(limit, b));
        else if (w->kind->id == DRILL_SATURATION)
                lacks(w, "%.0f of its tasks want the CPU, as far as the daemon knows", runnable);
        else
                lacks(w, "no restart was noticed");
        return !w->why_not[0];
}

static bool judge_listed(struct drill_watch *w, json_t *answer, double at)
{
        if (w->kind->id == DRILL_ZOMBIES)
                return judge_zombies(w, answer, at);
        return w->kind->id == DRILL_DISK ? judge_mount(w, answer, at) : judge_service(w, answer, at);
}

/* ---- findings and incidents ---- */

/* What a finding says about its haste. */
static void note_haste(struct drill_watch *w, json_t *finding)
{
        char text[200];
        json_t *one;
        size_t i;

        json_array_foreach(answer_list(finding, "evidence"), i, one)
        {
                answer_text(one, "text", text, sizeof text);
                if (!strncmp(text, "in a drill", strlen("in a drill")))
                        watch_add(w, STEP_UNTESTED, NAN, "how long", "%s", text);
        }
}

static bool judge_found(struct drill_watch *w, json_t *answer, double at)
{
        char text[300];
        json_t *one;
        size_t i;

        json_array_foreach(answer_list(answer, "findings"), i, one)
        {
                if (!is(one, "service", w->service) || !is(one, "detector", w->kind->detector) ||
                        !answer_true(one, "open"))
                        continue;
                answer_text(one, "text", text, sizeof text);
                if (answer_true(one, "drill"))
                        watch_add(w, STEP_DONE, at, "found", "%s: %s", w->kind->detector, text);
                else
                        text_set(watch_add(w, STEP_FAILED, at, "found", "%s, but not as a drill: %s",
                                         w->kind->detector, text)
                                         ->advice,
                                sizeof w->step[0].advice,
                                "The daemon that runs is an older one: restart it.");
                note_haste(w, one);
                return true;
        }
        lacks(w, "no finding of %s is open on it", w->kind->detector);
        return false;
}

static bool judge_incident(struct drill_watch *w, json_t *answer, double at)
{
        json_t *n = ours(w, answer, "incidents");
        double id = answer_number(n, "id");
        char severity[24], culprit[128];

        if (!n || !(id > 0)) {
                lacks(w, "no incident of it is open");
                return false;
        }
        answer_text(n, "culprit", culprit, sizeof culprit);
        if (strcmp(culprit, w->service) != 0) {
                lacks(w, "incident %.0f names %s as the culprit", id, *culprit ? culprit : "nobody");
                return false;
        }
        w->incident = (uint64_t)id;
        w->severity = severity_of(answer_raw(n, "severity"));
        answer_text(n, "severity", severity, sizeof severity);
        watch_add(w, STEP_DONE, at, "incident", "%.0f (%s) names %s as the culprit", id, severity, culprit);
        return true;
}

static bool judge_resolved(struct drill_watch *w, json_t *answer, double at)
{
        json_t *one;
        size_t i;

        json_array_foreach(answer_list(answer, "incidents"), i, one)
        {
                if (answer_number(one, "id") != (double)w->incident || !is(one, "state", "resolved"))
                        continue;
                watch_add(w, STEP_DONE, at, "resolved", "incident %llu", (unsigned long long)w->incident);
                return true;
        }
        lacks(w, "incident %llu is open still", (unsigned long long)w->incident);
        return false;
}

/* ---- telling ---- */

/* Why a notifier isn't told of this incident; NULL = it is to be told. */
static const char *excuse(const struct drill_watch *w, const struct drill_notifier *n, char buf[320])
{
        if (w->severity < n->min)
                snprintf(buf, 320, "it is told of what is %s or worse, and this is a mere %s",
                        severity_name(n->min), severity_name(w->severity));
        else if (w->silence[0])
                snprintf(buf, 320, "a silence for %s keeps it from being told", w->silence);
        else if (w->quiet_below[0] && w->severity < severity_of(w->quiet_below))
                snprintf(buf, 320, "quiet hours hold it back: it is told when they end");
        else
                return NULL;
        return buf;
}

static bool is_due(const struct drill_watch *w, const struct drill_notifier *n, enum drill_phase p)
{
        char buf[320];

        if (excuse(w, n, buf))
                return false;
        return p == PHASE_TOLD || (n->tells_end && n->opened && !n->fails);
}

bool watch_tells_nobody(const struct drill_watch *w, enum drill_phase p)
{
        for (uint32_t i = 0; i < w->notifiers; i++)
                if (is_due(w, &w->notifier[i], p))
                        return false;
        return true;
}

/* What the recorder's events say: "NAME (REASON): FATE: TEXT", or "NAME (REASON): retried, is tried again:
 * TEXT". */
static bool read_fate(const struct drill_watch *w, struct drill_notifier *n, const char *reason,
        json_t *answer, const char **ret_fate)
{
        static const char *const fates[] = {"delivered", "failed", "dropped", "retried", NULL};
        char prefix[96], text[200];
        bool any = false;
        json_t *one;
        size_t i;

        snprintf(prefix, sizeof prefix, "%s (%s): ", n->name, reason);
        json_array_foreach(answer_list(answer, "events"), i, one)
        {
                answer_text(one, "text", text, sizeof text);
                if (!is(one, "kind", "notify") || !is(one, "service", w->service) ||
                        isless(units_unix(answer_raw(one, "time")), w->began_unix) ||
                        strncmp(text, prefix, strlen(prefix)) != 0)
                        continue;
                const char *said = text + strlen(prefix);
                for (const char *const *f = fates; *f; f++)
                        if (!strncmp(said, *f, strlen(*f))) {
                                *ret_fate = *f;
                                any = true;
                        }
                const char *colon = strstr(said, ": ");
                text_set(n->last, sizeof n->last, colon ? colon + 2 : said);
        }
        return any;
}

static void add_told(
        struct drill_watch *w, struct drill_notifier *n, enum drill_phase p, bool good, double at)
{
        char name[96];

        snprintf(name, sizeof name, "told %s", n->name);
        struct drill_step *s = watch_add(w, good ? STEP_DONE : STEP_FAILED, at, name, "%s%s",
                p == PHASE_TOLD_END ? "that it is over: " : "", n->last[0] ? n->last : "nothing was sent");
        if (!good)
                snprintf(s->advice, sizeof s->advice,
                        "See `sexton notify`; `sexton notify test %.60s` tries it alone.", n->name);
}

static bool judge_told(struct drill_watch *w, enum drill_phase p, json_t *answer, double at)
{
        bool all = true;

        for (uint32_t i = 0; i < w->notifiers; i++) {
                struct drill_notifier *n = &w->notifier[i];
                bool *told = p == PHASE_TOLD ? &n->opened : &n->resolved;
                const char *fate = "";

                if (*told || !is_due(w, n, p))
                        continue;
                n->last[0] = '\0';
                bool any = read_fate(w, n, p == PHASE_TOLD ? "opened" : "resolved", answer, &fate);
                if (!any || !strcmp(fate, "retried")) {
                        all = false;
                        continue;
                }
                *told = true;
                n->fails = strcmp(fate, "delivered") != 0;
                add_told(w, n, p, !n->fails, at);
        }
        return all;
}

/* Those that have not been told in time; and, at the beginning, those that aren't to be told. */
static void late_told(struct drill_watch *w, enum drill_phase p, double at)
{
        for (uint32_t i = 0; i < w->notifiers; i++) {
                struct drill_notifier *n = &w->notifier[i];
                if ((p == PHASE_TOLD ? n->opened : n->resolved) || !is_due(w, n, p))
                        continue;
                n->fails = true;
                add_told(w, n, p, false, at);
        }
}

static void note_untold(struct drill_watch *w)
{
        char name[96], why[320];

        if (!w->notifiers)
                watch_add(
                        w, STEP_UNTESTED, NAN, "told", "nobody: no notifier is configured (docs/notify.md)");
        for (uint32_t i = 0; i < w->notifiers; i++) {
                if (!excuse(w, &w->notifier[i], why))
                        continue;
                snprintf(name, sizeof name, "told %s", w->notifier[i].name);
                watch_add(w, STEP_UNTESTED, NAN, name, "%s", why);
        }
}

static bool judge_tested(struct drill_watch *w, json_t *answer, double at)
{
        bool all = true;
        json_t *one;
        size_t i;

        json_array_foreach(answer_list(answer, "notifiers"), i, one)
        {
                for (uint32_t k = 0; k < w->notifiers; k++) {
                        struct drill_notifier *n = &w->notifier[k];
                        if (!is(one, "name", n->name) || n->opened)
                                continue;
                        if (!answer_true(one, "test.done")) {
                                all = false;
                                continue;
                        }
                        n->opened = true;
                        answer_text(one, "test.text", n->last, sizeof n->last);
                        add_told(w, n, PHASE_TOLD, is(one, "test.outcome", "delivered"), at);
                }
        }
        return all;
}

/* ---- a hung engine ---- */

static bool names_container(json_t *answer)
{
        json_t *one;
        size_t i;

        json_array_foreach(
                answer_list(answer, "services"), i, one) if (is(one, "service", HUNG_CONTAINER)) return true;
        return false;
}

static bool judge_engine(
        struct drill_watch *w, json_t *answer, const char *state, const char *name, double at)
{
        char text[200];

        answer_text_or(answer, "sources.engine_text", "nothing about it yet", text, sizeof text);
        if (!is(answer, "sources.engine", state)) {
                lacks(w, "its status says: %s", text);
                return false;
        }
        watch_add(w, STEP_DONE, at, name, "%s", text);
        return true;
}

static bool judge_noted(struct drill_watch *w, json_t *answer, double at)
{
        char text[200];
        json_t *one;
        size_t i;

        json_array_foreach(answer_list(answer, "events"), i, one)
        {
                answer_text(one, "text", text, sizeof text);
                if (!strstr(text, "does not answer"))
                        continue;
                watch_add(w, STEP_DONE, at, "noted", "as an event: %s", text);
                return true;
        }
        lacks(w, "no event tells of it");
        return false;
}

static bool judge_named(struct drill_watch *w, json_t *answer, bool again, double at)
{
        if (!names_container(answer)) {
                lacks(w, "the container is not among its services");
                return false;
        }
        if (again)
                watch_add(w, STEP_DONE, at, "goes on",
                        "it answers within %.0f ms, and still knows the container's name",
                        fmax(w->slowest * 1000, 1));
        else
                watch_add(w, STEP_DONE, at, "named", "the container " HUNG_CONTAINER);
        return true;
}

/* ---- phases ---- */

struct phase {
        const char *step; /* when it fails */
        const char *verb;
        const char *key;
        double limit;
        const char *waits_for, *advice;
};

#define SECOND "It is a fault of this Sexton, or the host is too busy for a second one: please report it."

static const struct phase phases[PHASES] = {
        [PHASE_SEEN] = {"seen", "services", "service", 5, "the guard to see it",
                "See `sexton status`: whether births and deaths are seen, and control groups found."},
        [PHASE_LISTED] = {"listed", NULL, NULL, 15, "it to be listed",
                "See `sexton status`: what can't be seen is told there, and by `sexton doctor`."},
        [PHASE_FOUND] = {"found", "findings", NULL, 0, "the finding", NULL},
        [PHASE_INCIDENT] = {"incident", "incidents", "state", 15, "the incident",
                "Findings become incidents in the recorder: see its log."},
        [PHASE_TOLD] = {"told", "events", "service", 40, "the notifiers", NULL},
        [PHASE_RESOLVED] = {"resolved", "incidents", "id", 30, "the incident to be resolved",
                "It may resolve later: see `sexton incidents`."},
        [PHASE_TOLD_END] = {"told of the end", "events", "service", 40,
                "the notifiers to be told that it is over", NULL},
        [PHASE_TESTED] = {"told", "notify", NULL, 330, "the notifiers", NULL},
        [PHASE_FOLLOWS] = {"follows", "status", NULL, 20, "the second Sexton to follow its engine", SECOND},
        [PHASE_NAMED] = {"named", "services", NULL, 10, "the container's name", SECOND},
        [PHASE_HANGS] = {"noticed", "status", NULL, 20, "it to notice that the engine hangs", SECOND},
        [PHASE_GOES_ON] = {"goes on", "services", NULL, 10, "it to answer all the same", SECOND},
        [PHASE_NOTED] = {"noted", "events", "kind", 10, "the event", SECOND},
        [PHASE_BACK] = {"back", "status", NULL, 20, "it to notice that the engine is back", SECOND},
};

void watch_question(const struct drill_watch *w, enum drill_phase p, struct drill_question *ret)
{
        static const char *const facts[DRILL_KINDS] = {[DRILL_ZOMBIES] = "zombies", [DRILL_DISK] = "status"};

        *ret = (struct drill_question){.verb = phases[p].verb, .key = phases[p].key};
        if (p == PHASE_LISTED) {
                ret->verb = facts[w->kind->id] ? facts[w->kind->id] : "services";
                ret->key = w->kind->id == DRILL_DISK ? NULL : "service";
        }
        if (!ret->key)
                return;
        if (!strcmp(ret->key, "id"))
                snprintf(ret->value, sizeof ret->value, "%llu", (unsigned long long)w->incident);
        else if (!strcmp(ret->key, "state"))
                text_set(ret->value, sizeof ret->value, "open");
        else if (!strcmp(ret->key, "kind"))
                text_set(ret->value, sizeof ret->value, "engine");
        else
                text_set(ret->value, sizeof ret->value, w->service);
}

const char *watch_waits_for(enum drill_phase p)
{
        return phases[p].waits_for;
}

double watch_limit(const struct drill_watch *w, enum drill_phase p)
{
        if (p == PHASE_LISTED && w->kind->id == DRILL_MEMORY)
                return SLOW_FILL; /* by a tenth of a core that may be a slow one */
        if (p != PHASE_FOUND)
                return phases[p].limit;
        return w->kind->wait + (w->kind->id == DRILL_ZOMBIES ? w->grace : 0);
}

bool watch_judge(struct drill_watch *w, enum drill_phase p, json_t *answer, double at)
{
        switch (p) {
        case PHASE_SEEN:
                return judge_seen(w, answer, at);
        case PHASE_LISTED:
                return judge_listed(w, answer, at);
        case PHASE_FOUND:
                return judge_found(w, answer, at);
        case PHASE_INCIDENT:
                if (!judge_incident(w, answer, at))
                        return false;
                note_untold(w);
                return true;
        case PHASE_TOLD:
        case PHASE_TOLD_END:
                return judge_told(w, p, answer, at);
        case PHASE_RESOLVED:
                return judge_resolved(w, answer, at);
        case PHASE_TESTED:
                return judge_tested(w, answer, at);
        case PHASE_FOLLOWS:
                return judge_engine(w, answer, "docker", "follows", at);
        case PHASE_NAMED:
                return judge_named(w, answer, false, at);
        case PHASE_HANGS:
                return judge_engine(w, answer, "unreachable", "noticed", at);
        case PHASE_GOES_ON:
                return judge_named(w, answer, true, at);
        case PHASE_NOTED:
                return judge_noted(w, answer, at);
        case PHASE_BACK:
                return judge_engine(w, answer, "docker", "back", at);
        case PHASES:
                break;
        }
        return false;
}

void watch_late(struct drill_watch *w, enum drill_phase p, const char *problem, double at)
{
        char why[320];

        if (!*problem && (p == PHASE_TOLD || p == PHASE_TOLD_END)) {
                late_told(w, p, at);
                return;
        }
        if (!*problem && p == PHASE_TESTED) {
                for (uint32_t i = 0; i < w->notifiers; i++)
                        if (!w->notifier[i].opened)
                                add_told(w, &w->notifier[i], PHASE_TOLD, false, at);
                return;
        }
        text_set(why, sizeof why, *problem ? problem : w->why_not);
        struct drill_step *s = watch_add(w, STEP_FAILED, at, phases[p].step, "%s", *why ? why : "no answer");
        if (!*problem && p == PHASE_FOUND)
                snprintf(s->advice, sizeof s->advice, "The detector doesn't warn of it: %s.", w->kind->hint);
        else if (!*problem && p == PHASE_LISTED && w->kind->id == DRILL_RESTART_LOOP)
                text_set(s->advice, sizeof s->advice,
                        "See `sexton status`: where births and deaths are found by scanning /proc (lifecycle "
                        "scan), those "
                        "of short lives are missed.");
        else if (!*problem && phases[p].advice)
                text_set(s->advice, sizeof s->advice, phases[p].advice);
        else
                text_set(s->advice, sizeof s->advice, "See the daemon's log.");
}
