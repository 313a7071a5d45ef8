/* `why`: the answer of incident/why.h as JSON. */
#include "api/api.h"

#include "base/text.h"
#include "incident/group.h"
#include "incident/why.h"

#include <errno.h>
#include <string.h>

static const struct incident *find_incident(const struct incidents *all, const char *number)
{
        const char *p = number;
        uint64_t id;

        if (!text_u64(&p, &id) || *p)
                return NULL;
        for (uint32_t i = 0; i < all->count; i++)
                if (all->incident[i].id == id)
                        return &all->incident[i];
        return NULL;
}

static int about(const struct api_view *v, const char *subject, struct why_answer *ret, struct error *e)
{
        struct incidents all;
        char shown[100];

        if (!*subject) {
                why_host(v->board, v->now_ns, ret);
                return 0;
        }
        if (why_service(v->board, subject, v->now_ns, ret) == 0)
                return 0;
        incident_group(v->board, &all);
        const struct incident *n = find_incident(&all, subject);
        text_printable(shown, sizeof shown, subject, strlen(subject));
        if (!n)
                return error_set(e, -ENOENT, "%s is neither a service nor the number of an incident", shown);
        const char *service = v->board->finding[n->title].service_name;
        if (!*service)
                why_host(v->board, v->now_ns, ret);
        else if (why_service(v->board, service, v->now_ns, ret) < 0)
                return error_set(e, -ENOENT, "the service of incident %s is no longer known", shown);
        return 0;
}

int api_why(const struct api_view *v, const struct api_query *q, struct json_out *j, struct error *e)
{
        struct why_answer a;
        int r = about(v, q->subject, &a, e);

        if (r < 0)
                return r;
        json_out_object(j, NULL);
        json_out_text(j, "question", a.question);
        json_out_text(j, "answer", a.answer);
        json_out_text(j, "culprit", a.has_culprit ? a.culprit_name : NULL);
        json_out_number(j, "confidence", a.confidence);
        api_evidence(v, a.evidence, MIN(a.evidence_count, (uint32_t)WHY_EVIDENCE), j);
        json_out_array(j, "refuted");
        for (uint32_t i = 0; i < MIN(a.refuted_count, (uint32_t)WHY_REFUTED); i++) {
                json_out_object(j, NULL);
                json_out_text(j, "hypothesis", a.refuted[i].hypothesis);
                json_out_text(j, "because", a.refuted[i].because);
                json_out_object_end(j);
        }
        json_out_array_end(j);
        json_out_array(j, "remedy");
        for (uint32_t i = 0; i < MIN(a.remedy_count, (uint32_t)WHY_REMEDIES); i++)
                json_out_text(j, NULL, a.remedy[i]);
        json_out_array_end(j);
        json_out_object_end(j);
        return 0;
}
