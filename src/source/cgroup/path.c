/* From /proc/PID/cgroup to one path, and from a path to what a person calls it. The text is the
 * kernel's, but the names in it are anybody's who may make a group.
 */
#include "base/text.h"
#include "base/util.h"
#include "source/cgroup/cgroup.h"
#include "source/cgroup/tree.h"

#include <string.h>

enum { CONTAINER_ID = 64 };

#define DELETED " (deleted)"

/* ---- components ---- */

/* Next component of a path: *p is behind the last one. */
static bool component(const char **p, const char **ret, size_t *ret_len)
{
        const char *s = *p + strspn(*p, "/");

        if (*s == '\0')
                return false;
        *ret = s;
        *ret_len = strcspn(s, "/");
        *p = s + *ret_len;
        return true;
}

static bool ends_with(const char *s, size_t len, const char *suffix)
{
        size_t n = strlen(suffix);

        return len >= n && !memcmp(s + len - n, suffix, n);
}

static bool starts_with(const char *s, size_t len, const char *prefix)
{
        size_t n = strlen(prefix);

        return len >= n && !memcmp(s, prefix, n);
}

static bool is_hex(const char *s, size_t len)
{
        for (size_t i = 0; i < len; i++)
                if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f')))
                        return false;
        return true;
}

/* The container id in a component, or NULL: alone (docker and containerd with cgroupfs), or behind the
 * runtime's name and '-' or ':' (systemd scopes, libpod, cri-o, containerd's slice:prefix:id). The scope of
 * conmon, which watches a container from outside, carries the container's id too. */
static const char *container_id(const char *s, size_t len)
{
        if (ends_with(s, len, ".scope"))
                len -= strlen(".scope");
        if (len < CONTAINER_ID || !is_hex(s + len - CONTAINER_ID, CONTAINER_ID))
                return NULL;
        size_t prefix = len - CONTAINER_ID;
        if (prefix == 0)
                return s;
        if (s[prefix - 1] != '-' && s[prefix - 1] != ':')
                return NULL;
        return ends_with(s, prefix - 1, "conmon") ? NULL : s + prefix;
}

static bool is_unit(const char *s, size_t len)
{
        static const char *const types[] = {".service", ".scope", ".socket", ".mount", ".swap"};

        for (size_t i = 0; i < ARRAY_SIZE(types); i++)
                if (len > strlen(types[i]) && ends_with(s, len, types[i]))
                        return true;
        return false;
}

/* First component that isn't a slice, from *p on. From a namespace of its own, as a container's, others'
 * paths begin with as many ".." as lead out of it. */
static bool below_slices(const char **p, const char **ret, size_t *ret_len)
{
        do
                if (!component(p, ret, ret_len))
                        return false;
        while (ends_with(*ret, *ret_len, ".slice") || (*ret_len == 2 && !memcmp(*ret, "..", 2)));
        return true;
}

/* ---- what a path means ---- */

static bool classify_container(const char *path, char name[BOARD_NAME], uint32_t *ret_root_len)
{
        const char *p = path, *s;
        size_t len;

        /* The outermost: a container inside a container belongs to the one the host's engine knows. */
        while (component(&p, &s, &len)) {
                const char *id = container_id(s, len);
                if (!id)
                        continue;
                text_copy(name, BOARD_NAME, id, CONTAINER_ID);
                *ret_root_len = (uint32_t)(p - path);
                return true;
        }
        return false;
}

/* As systemd places units: slices, then the unit. A user's own manager has the same below itself. */
static bool classify_unit(const char *path, char name[BOARD_NAME], uint32_t *ret_root_len)
{
        const char *p = path, *s, *inner;
        size_t len, inner_len;

        if (!below_slices(&p, &s, &len) || !is_unit(s, len))
                return false;
        uint32_t root_len = (uint32_t)(p - path);
        if (starts_with(s, len, "user@") && below_slices(&p, &inner, &inner_len) &&
                is_unit(inner, inner_len) && !(inner_len == 10 && !memcmp(inner, "init.scope", 10))) {
                s = inner;
                len = inner_len;
                root_len = (uint32_t)(p - path);
        }
        text_copy(name, BOARD_NAME, s, len);
        *ret_root_len = root_len;
        return true;
}

enum cgroup_owner cgroup_classify(const char *path, char name[BOARD_NAME], uint32_t *ret_root_len)
{
        const char *p = path, *s;
        size_t len;

        if (!component(&p, &s, &len)) {
                text_set(name, BOARD_NAME, "/");
                *ret_root_len = 1;
                return CGROUP_OWNER_ROOT;
        }
        if (classify_container(path, name, ret_root_len))
                return CGROUP_OWNER_CONTAINER;
        if (classify_unit(path, name, ret_root_len))
                return starts_with(name, strlen(name), "session-") && ends_with(name, strlen(name), ".scope")
                               ? CGROUP_OWNER_SESSION
                               : CGROUP_OWNER_UNIT;

        /* Each step of an image build has a group of its own: the builder is one thing to a person. */
        for (p = path; component(&p, &s, &len);) {
                if (len == strlen("buildkit") && !memcmp(s, "buildkit", len)) {
                        *ret_root_len = (uint32_t)(p - path);
                        text_copy(name, BOARD_NAME, path, *ret_root_len);
                        return CGROUP_OWNER_OTHER;
                }
        }
        text_set(name, BOARD_NAME, path);
        *ret_root_len = (uint32_t)strlen(path);
        return CGROUP_OWNER_OTHER;
}

/* ---- /proc/PID/cgroup ---- */

/* Which line to believe when several name a group: smaller is better. */
enum { RANK_CONTAINER, RANK_FIRST_HIERARCHY, RANK_OTHER = 6, RANK_ROOT, RANK_NONE };

static const char *const rank_order[RANK_OTHER - RANK_FIRST_HIERARCHY] = {
        "name=systemd", "" /* the unified one */, "memory", "cpuacct", "pids"};

/* Whether word is in a list with commas; the empty word is in the empty list alone. */
static bool in_list(const char *list, size_t len, const char *word)
{
        size_t n = strlen(word);

        while (n && len) {
                const char *comma = memchr(list, ',', len);
                size_t item = comma ? (size_t)(comma - list) : len;
                if (item == n && !memcmp(list, word, n))
                        return true;
                list += item + (comma != NULL);
                len -= item + (comma != NULL);
        }
        return n == 0 && len == 0;
}

static int line_rank(const char *controllers, size_t len)
{
        for (size_t i = 0; i < ARRAY_SIZE(rank_order); i++)
                if (in_list(controllers, len, rank_order[i]))
                        return RANK_FIRST_HIERARCHY + (int)i;
        return RANK_OTHER;
}

/* "4:memory:/a:b" into controllers and path (which may hold colons). */
static bool split_line(const char *line, size_t len, const char **ret_controllers,
        size_t *ret_controllers_len, const char **ret_path, size_t *ret_path_len)
{
        const char *end = line + len, *first = memchr(line, ':', len);
        const char *second = first ? memchr(first + 1, ':', (size_t)(end - first - 1)) : NULL;

        if (!second || first == line || second + 1 == end || second[1] != '/')
                return false;
        for (const char *p = line; p < first; p++)
                if (*p < '0' || *p > '9')
                        return false;
        *ret_controllers = first + 1;
        *ret_controllers_len = (size_t)(second - first - 1);
        *ret_path = second + 1;
        *ret_path_len = (size_t)(end - second - 1);
        /* The group was removed; a zombie may still be in it. */
        if (ends_with(*ret_path, *ret_path_len, DELETED) && *ret_path_len > strlen(DELETED))
                *ret_path_len -= strlen(DELETED);
        return true;
}

/* A path that doesn't fit becomes that of its nearest ancestor that does: a group that exists. */
static void copy_path(char path[CGROUP_PATH], const char *s, size_t len)
{
        if (len >= CGROUP_PATH) {
                len = CGROUP_PATH - 1;
                while (len > 1 && s[len] != '/')
                        len--;
        }
        text_copy(path, CGROUP_PATH, s, len);
}

bool cgroup_parse(const char *text, char path[CGROUP_PATH])
{
        char candidate[CGROUP_PATH], name[BOARD_NAME];
        int best = RANK_NONE;
        uint32_t root_len;

        while (*text) {
                const char *controllers, *s;
                size_t controllers_len, len, line = strcspn(text, "\n");

                if (split_line(text, line, &controllers, &controllers_len, &s, &len)) {
                        int rank = len > 1 ? line_rank(controllers, controllers_len) : RANK_ROOT;
                        copy_path(candidate, s, len);
                        if (classify_container(candidate, name, &root_len))
                                rank = RANK_CONTAINER;
                        if (rank < best) {
                                best = rank;
                                memcpy(path, candidate, CGROUP_PATH);
                        }
                }
                text += line + (text[line] == '\n');
        }
        return best < RANK_NONE;
}

bool cgroup_line_of(const char *text, const char *controller, char path[CGROUP_PATH])
{
        while (*text) {
                const char *controllers, *s;
                size_t controllers_len, len, line = strcspn(text, "\n");

                if (split_line(text, line, &controllers, &controllers_len, &s, &len) && len < CGROUP_PATH &&
                        in_list(controllers, controllers_len, controller)) {
                        text_copy(path, CGROUP_PATH, s, len);
                        return true;
                }
                text += line + (text[line] == '\n');
        }
        return false;
}
