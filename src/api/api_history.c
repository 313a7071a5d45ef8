/* `history`: how the host or a service was over time, from the store. */
#include "api/api.h"
#include "base/clock.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { DEFAULT_POINTS = 360 };
#define DEFAULT_SPAN_MS INT64_C(3600000)

static void series(const struct store_sample *s, int points, bool host, struct json_out *j)
{
        json_out_object(j, "series");
        for (int k = 0; k < STORE_SERIES_COUNT; k++) {
                enum store_series one = (enum store_series)k;
                if (!(host ? store_series_of_host(one) : store_series_of_service(one)))
                        continue;
                json_out_array(j, store_series_name(one));
                for (int i = 0; i < points; i++)
                        json_out_number(j, NULL, (double)s[i].value[k]);
                json_out_array_end(j);
        }
        json_out_object_end(j);
}

int api_history(const struct api_view *v, const struct api_query *q, struct json_out *j, struct error *e)
{
        int64_t now = ((int64_t)v->now_ns + v->wall_offset_ns) / (int64_t)NSEC_PER_MSEC;
        int64_t to = q->until_unix_ns ? q->until_unix_ns / (int64_t)NSEC_PER_MSEC : now;
        int64_t from = q->since_unix_ns ? q->since_unix_ns / (int64_t)NSEC_PER_MSEC : to - DEFAULT_SPAN_MS;
        uint32_t points = q->points ? q->points : DEFAULT_POINTS;
        cleanup_free struct store_sample *s = calloc(points, sizeof *s);
        int64_t step;
        bool cut;

        if (!v->store)
                return error_set(e, -ENOENT, "this daemon keeps no history");
        if (!s)
                return error_set(e, -ENOMEM, "there is no memory");
        int n = store_history(v->store, q->service, from, to, points, s, &step, &cut);
        if (n < 0)
                return error_set(e, n, "%s", n == -EINVAL ? "from must be before to" : "there is no memory");
        json_out_object(j, NULL);
        json_out_text_or_null(j, "service", q->service);
        json_out_time(j, "from", (uint64_t)from * NSEC_PER_MSEC, 0);
        json_out_time(j, "to", (uint64_t)to * NSEC_PER_MSEC, 0);
        json_out_number(j, "step", (double)step / 1000);
        json_out_array(j, "times");
        for (int i = 0; i < n; i++)
                json_out_time(j, NULL, (uint64_t)MAX(s[i].time_ms, (int64_t)1) * NSEC_PER_MSEC, 0);
        json_out_array_end(j);
        series(s, n, !q->service[0], j);
        json_out_bool(j, "cut", cut);
        json_out_object_end(j);
        return 0;
}
