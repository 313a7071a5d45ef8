/* Reading the daemon's JSON: see answer.h. */
#include "base/answer.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

json_t *answer_at(json_t *j, const char *path)
{
        char key[64];

        while (j && *path) {
                size_t n = strcspn(path, ".");
                text_copy(key, sizeof key, path, n);
                j = json_object_get(j, key);
                path += n + (path[n] == '.');
        }
        return j && json_is_null(j) ? NULL : j;
}

double answer_number(json_t *j, const char *path)
{
        j = answer_at(j, path);
        return json_is_number(j) ? json_number_value(j) : NAN;
}

bool answer_true(json_t *j, const char *path)
{
        return json_is_true(answer_at(j, path));
}

json_t *answer_list(json_t *j, const char *path)
{
        j = answer_at(j, path);
        return json_is_array(j) ? j : NULL;
}

const char *answer_text(json_t *j, const char *path, char *buf, size_t size)
{
        j = answer_at(j, path);
        if (json_is_string(j))
                text_printable(buf, size, json_string_value(j), json_string_length(j));
        else
                *buf = '\0';
        return buf;
}

const char *answer_text_or(json_t *j, const char *path, const char *otherwise, char *buf, size_t size)
{
        answer_text(j, path, buf, size);
        if (!*buf)
                text_set(buf, size, otherwise);
        return buf;
}

const char *answer_raw(json_t *j, const char *path)
{
        j = answer_at(j, path);
        return json_is_string(j) ? json_string_value(j) : "";
}
