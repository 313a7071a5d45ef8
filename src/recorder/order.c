/* Reading what a person asks to have done: see order.h. */
#include "recorder/order.h"

#include "base/text.h"
#include "base/util.h"
#include "wire/request_tame.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#define SECONDS_MAX (366 * 86400.0)

/* Members of the body; all of them may have "action", "reason" and "dry_run". */
enum member {
        HAS_ACTION,
        HAS_REASON,
        HAS_DRY_RUN,
        HAS_SERVICE,
        HAS_SECONDS,
        HAS_ID,
        HAS_STATE,
        HAS_FORCE,
        HAS_CPUS,
        HAS_WEIGHT,
        HAS_MEMORY,
        HAS_PIDS,
        MEMBERS
};

static const struct {
        const char *name, *wanted;
        json_type type; /* JSON_REAL: any number */
} members[MEMBERS] = {
        [HAS_ACTION] = {"action", "the name of an action", JSON_STRING},
        [HAS_REASON] = {"reason", "a text", JSON_STRING},
        [HAS_DRY_RUN] = {"dry_run", "true or false", JSON_TRUE},
        [HAS_SERVICE] = {"service", "the name of a service", JSON_STRING},
        [HAS_SECONDS] = {"seconds", "a number from 1 to a year's", JSON_REAL},
        [HAS_ID] = {"id", "the number of an action", JSON_INTEGER},
        [HAS_STATE] = {"state", "open, close or auto", JSON_STRING},
        [HAS_FORCE] = {"force", "true or false", JSON_TRUE},
        [HAS_CPUS] = {"cpus", "a number of cores", JSON_REAL},
        [HAS_WEIGHT] = {"weight", "a weight", JSON_REAL},
        [HAS_MEMORY] = {"memory", "a number of bytes", JSON_REAL},
        [HAS_PIDS] = {"pids", "a number of tasks", JSON_REAL},
};

#define M(name)  (1u << HAS_##name)
#define EVERYONE (M(ACTION) | M(REASON) | M(DRY_RUN))
#define LIMITS   (M(CPUS) | M(WEIGHT) | M(MEMORY) | M(PIDS))

static const struct word {
        const char *name;
        uint8_t verb, kind;
        unsigned wants, takes;
} words[] = {
        {"freeze", REQUEST_TAKE, ACTION_FREEZE, M(SERVICE), M(SECONDS)},
        {"thaw", REQUEST_THAW, ACTION_NONE, M(SERVICE), 0},
        {"limit", REQUEST_TAKE, ACTION_NONE, M(SERVICE), M(SECONDS) | LIMITS},
        {"stop", REQUEST_TAKE, ACTION_STOP, M(SERVICE), 0},
        {"restart", REQUEST_TAKE, ACTION_RESTART, M(SERVICE), 0},
        {"quarantine", REQUEST_TAKE, ACTION_QUARANTINE, M(SERVICE), M(SECONDS)},
        {"bury", REQUEST_TAKE, ACTION_BURY, M(SERVICE), M(FORCE)},
        {"release", REQUEST_RELEASE, ACTION_NONE, M(SERVICE), 0},
        {"undo", REQUEST_UNDO, ACTION_NONE, M(ID), 0},
        {"breaker", REQUEST_BREAKER, ACTION_NONE, M(STATE), 0},
};

static const struct {
        enum member member;
        uint8_t kind;
} limits[] = {{HAS_WEIGHT, ACTION_WEIGHT}, {HAS_CPUS, ACTION_QUOTA}, {HAS_MEMORY, ACTION_MEMORY},
        {HAS_PIDS, ACTION_PIDS}};

/* ---- members ---- */

static bool has_type(const json_t *j, json_type type)
{
        return type == JSON_REAL   ? json_is_number(j)
               : type == JSON_TRUE ? json_is_boolean(j)
                                   : json_typeof(j) == type;
}

static int unwanted(enum member m, struct error *e)
{
        return error_set(e, -EINVAL, "%s: wants %s", members[m].name, members[m].wanted);
}

static int find_member(const char *key)
{
        for (int m = 0; m < MEMBERS; m++)
                if (!strcmp(members[m].name, key))
                        return m;
        return -1;
}

/* Which there are, each of its type. */
static int read_members(json_t *j, unsigned *ret, struct error *e)
{
        const char *key;
        json_t *value;

        *ret = 0;
        json_object_foreach(j, key, value)
        {
                int m = find_member(key);
                char shown[80];

                if (m < 0) {
                        text_printable(shown, sizeof shown, key, strlen(key));
                        return error_set(e, -EINVAL, "unknown member %s in the body", shown);
                }
                if (!has_type(value, members[m].type))
                        return unwanted((enum member)m, e);
                *ret |= 1u << m;
        }
        return 0;
}

static int read_text(json_t *j, enum member m, char *to, size_t size, struct error *e)
{
        const char *s = json_string_value(json_object_get(j, members[m].name));

        if (!s)
                return 0;
        for (const char *p = s; *p; p++)
                if ((unsigned char)*p < ' ' || *p == 0x7f)
                        return error_set(e, -EINVAL, "%s: holds a control character", members[m].name);
        if (!text_set(to, size, s))
                return error_set(e, -EINVAL, "%s: is longer than %zu bytes", members[m].name, size - 1);
        return 0;
}

static double number_of(json_t *j, enum member m)
{
        return json_number_value(json_object_get(j, members[m].name));
}

/* ---- actions ---- */

static const struct word *find_word(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (!strcmp(words[i].name, name))
                        return &words[i];
        return NULL;
}

static int check_word(const struct word *w, unsigned has, struct error *e)
{
        for (int m = 0; m < MEMBERS; m++) {
                unsigned bit = 1u << m;
                if (w->wants & ~has & bit)
                        return error_set(
                                e, -EINVAL, "%s wants %s: %s", w->name, members[m].name, members[m].wanted);
                if (has & bit && !((EVERYONE | w->wants | w->takes) & bit))
                        return error_set(e, -EINVAL, "%s takes no %s", w->name, members[m].name);
        }
        if (w->takes & LIMITS && !(has & LIMITS))
                return error_set(
                        e, -EINVAL, "%s wants at least one of cpus, weight, memory and pids", w->name);
        return 0;
}

static int read_breaker(json_t *j, struct request *q, struct error *e)
{
        static const char *const states[] = {"auto", "close", "open"};
        const char *s = json_string_value(json_object_get(j, "state"));

        for (int i = 0; i < 3; i++)
                if (!strcmp(states[i], s)) {
                        q->value = i - 1;
                        return 0;
                }
        return unwanted(HAS_STATE, e);
}

/* What all parts have in common. */
static int read_common(json_t *j, const struct word *w, unsigned has, struct request *q, struct error *e)
{
        int r;

        *q = (struct request){.verb = w->verb, .kind = w->kind, .value = NAN};
        r = read_text(j, HAS_SERVICE, q->service, sizeof q->service, e);
        if (r == 0 && w->wants & M(SERVICE) && !q->service[0])
                r = unwanted(HAS_SERVICE, e);
        if (r == 0)
                r = read_text(j, HAS_REASON, q->reason, sizeof q->reason, e);
        if (r == 0 && w->verb == REQUEST_TAKE && !q->reason[0])
                text_set(q->reason, sizeof q->reason, "by hand");
        if (r == 0 && has & M(SECONDS)) {
                double seconds = number_of(j, HAS_SECONDS);
                if (!(seconds >= 1 && seconds <= SECONDS_MAX))
                        return unwanted(HAS_SECONDS, e);
                q->ttl_ns = (uint64_t)(seconds * 1e9);
        }
        if (r == 0 && has & M(ID)) {
                json_int_t id = json_integer_value(json_object_get(j, "id"));
                if (id < 1 || id > (json_int_t)UINT32_MAX)
                        return unwanted(HAS_ID, e);
                q->action_id = (uint32_t)id;
        }
        if (r == 0 && json_is_true(json_object_get(j, "force")))
                q->value = 1;
        if (r == 0 && has & M(STATE))
                r = read_breaker(j, q, e);
        q->dry_run = json_is_true(json_object_get(j, "dry_run"));
        return r;
}

static int read_limits(
        json_t *j, unsigned has, const struct request *common, struct order *o, struct error *e)
{
        for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
                double value = number_of(j, limits[i].member), from, to;

                if (!(has & 1u << limits[i].member))
                        continue;
                request_value_range(limits[i].kind, &from, &to);
                if (!(value >= from && value <= to))
                        return error_set(e, -EINVAL, "%s: wants a number from %.15g to %.15g",
                                members[limits[i].member].name, from, to);
                struct request *q = &o->part[o->parts++];
                *q = *common;
                q->kind = limits[i].kind;
                q->value = value;
        }
        return 0;
}

static int read_order(json_t *j, struct order *o, struct error *e)
{
        struct request common;
        unsigned has;
        int r = read_members(j, &has, e);

        if (r < 0)
                return r;
        const char *name = json_string_value(json_object_get(j, "action"));
        const struct word *w = name ? find_word(name) : NULL;
        if (!w)
                return error_set(e, -EINVAL,
                        "action: wants freeze, thaw, limit, stop, restart, quarantine, bury, release, undo "
                        "or "
                        "breaker");
        text_set(o->action, sizeof o->action, w->name);
        r = check_word(w, has, e);
        if (r == 0)
                r = read_common(j, w, has, &common, e);
        if (r < 0)
                return r;
        o->dry_run = common.dry_run;
        if (w->takes & LIMITS)
                return read_limits(j, has, &common, o, e);
        o->part[o->parts++] = common;
        return 0;
}

int order_read(const char *body, size_t len, struct order *ret, struct error *e)
{
        json_error_t why;
        json_t *j = body ? json_loadb(body, len, JSON_REJECT_DUPLICATES, &why) : NULL;
        struct order o = {0};
        int r = json_is_object(j) ? read_order(j, &o, e)
                                  : error_set(e, -EINVAL, "the body must be a JSON object");

        json_decref(j);
        if (r == 0)
                *ret = o;
        return r;
}
