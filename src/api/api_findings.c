/* `findings`: what is wrong, piece by piece; `incidents`: what belongs together, from the book. */
#include "api/api.h"

#include "incident/finding_json.h"

#include <errno.h>

enum { INCIDENTS = 50 };

void api_finding(const struct api_view *v, const struct finding *f, struct json_out *j)
{
        json_out_object(j, NULL);
        finding_json_members(f, v->wall_offset_ns, j);
        json_out_object_end(j);
}

void api_findings(const struct api_view *v, struct json_out *j)
{
        json_out_object(j, NULL);
        json_out_array(j, "findings");
        for (uint32_t i = 0; i < view_findings(v->board); i++)
                if (v->board->finding[i].id)
                        api_finding(v, &v->board->finding[i], j);
        json_out_array_end(j);
        json_out_object_end(j);
}

int api_incidents(const struct api_view *v, const struct api_query *q, struct json_out *j, struct error *e)
{
        struct book_query what = {
                .id = q->id,
                .limit = q->limit ? q->limit : INCIDENTS,
                .open = q->state[0] != 'r',
                .resolved = q->state[0] != 'o',
        };

        json_out_object(j, NULL);
        json_out_array(j, "incidents");
        uint32_t n = v->book ? book_list(v->book, &what, j) : 0;
        json_out_array_end(j);
        json_out_object_end(j);
        if (q->id && n == 0)
                return error_set(e, -ENOENT, "there is no %s%sincident %llu", q->state, *q->state ? " " : "",
                        (unsigned long long)q->id);
        return 0;
}
