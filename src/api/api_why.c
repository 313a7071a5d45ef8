/* `why`: the answer of incident/why.h as JSON; of an incident, what its document says. */
#include "api/api.h"

#include "base/text.h"
#include "incident/finding_json.h"
#include "incident/incident.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int about_incident(const struct api_view *v, const char *number, struct why_answer *ret)
{
        cleanup_incident struct incident *n = NULL;
        const char *p = number;
        uint64_t id;

        if (!v->book || !text_u64(&p, &id) || *p || id == 0)
                return -ENOENT;
        int r = book_get(v->book, id, &n);
        if (r < 0)
                return r;
        *ret = n->said.why;
        snprintf(ret->question, sizeof ret->question, "What %s incident %llu, %s?", n->open ? "is" : "was",
                (unsigned long long)id, n->owner[0] ? n->owner : "of the host");
        if (!ret->answer[0])
                snprintf(ret->answer, sizeof ret->answer, "%s.", n->title);
        ret->has_culprit = n->said.culprit[0] != '\0';
        text_set(ret->culprit_name, sizeof ret->culprit_name, n->said.culprit);
        return 0;
}

/* What was asked; times of the evidence count from *ret_offset. */
static int about(const struct api_view *v, const char *subject, struct why_answer *ret, int64_t *ret_offset,
        struct error *e)
{
        char shown[100];

        *ret_offset = v->wall_offset_ns;
        if (!*subject) {
                why_host(v->board, v->now_ns, ret);
                return 0;
        }
        if (why_service(v->board, subject, v->now_ns, ret) == 0)
                return 0;
        *ret_offset = 0;
        int r = about_incident(v, subject, ret);
        text_printable(shown, sizeof shown, subject, strlen(subject));
        if (r == -ENOENT)
                return error_set(e, -ENOENT,
                        "%s is neither a service nor the number of an incident: `sexton services` and "
                        "`sexton incidents` "
                        "list them",
                        shown);
        if (r < 0)
                return error_set(e, r, "incident %s can't be read: %s", shown, strerror(-r));
        return 0;
}

int api_why(const struct api_view *v, const struct api_query *q, struct json_out *j, struct error *e)
{
        struct why_answer a;
        int64_t offset;
        int r = about(v, q->subject, &a, &offset, e);

        if (r < 0)
                return r;
        json_out_object(j, NULL);
        json_out_text(j, "question", a.question);
        json_out_text(j, "answer", a.answer);
        json_out_text(j, "culprit", a.has_culprit ? a.culprit_name : NULL);
        json_out_number(j, "confidence", a.confidence);
        evidence_json(a.evidence, MIN(a.evidence_count, (uint32_t)WHY_EVIDENCE), offset, j);
        why_refuted_json(&a, j);
        json_out_object_end(j);
        return 0;
}
