/* Suspects: services ranked by their share of what is wrong, with reasons; and those that only look
 * guilty, with what clears them. See why.h.
 */
#include "base/util.h"
#include "incident/harm.h"
#include "incident/why.h"
#include "world/view.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LATE   (24 * 3600.0) /* s: a deploy within the last day draws suspicion */
#define CLEAR  0.2           /* a share below this is not what is wrong */
#define DEFECT 0.75          /* mere use, without any finding of its own, counts less than a defect */

static void reason(struct suspect *s, const char *fmt, ...) printf_like(2, 3);
static void reason(struct suspect *s, const char *fmt, ...)
{
        va_list ap;

        if (s->reasons == SUSPECT_REASONS)
                return;
        va_start(ap, fmt);
        vsnprintf(s->reason[s->reasons++], sizeof s->reason[0], fmt, ap);
        va_end(ap);
}

static void reason_of_kind(
        const struct board *b, const struct harm *h, struct suspect *s, enum harm_kind kind, uint64_t now_ns)
{
        double part = harm_share(b, h, s->service, kind, now_ns) * h->had[kind];
        const struct service *v = view_service(b, s->service);
        char a[VIEW_SPAN], c[VIEW_SPAN];

        switch (kind) {
        case HARM_ZOMBIES:
                reason(s, "holds %.0f of %.0f zombies past the grace period", part, h->had[kind]);
                break;
        case HARM_LOAD:
                reason(s, "has %.2f of load %.2f", part, fmax(b->host.load1, part));
                break;
        case HARM_CPU:
                reason(s,
                        "uses %.2f of %.2f busy cores; %.1f of %.1f CPU s since Sexton watches, its dead "
                        "included",
                        part, h->had[kind], harm_cpu_seconds(b, s->service, now_ns),
                        harm_cpu_seconds_all(b, now_ns));
                break;
        case HARM_MEMORY:
                reason(s, "uses %s of %s memory in services", view_bytes(part, a),
                        view_bytes(h->had[kind], c));
                break;
        case HARM_OOM:
                reason(s, "had %.0f of %.0f OOM kills of the last hour", part, h->had[kind]);
                break;
        case HARM_PIDS:
                reason(s, "has %.0f of %.0f tasks in services", part, h->had[kind]);
                break;
        case HARM_STUCK:
                reason(s, "has %.0f of %.0f tasks stuck in uninterruptible sleep", part, h->had[kind]);
                break;
        case HARM_PROBES:
                reason(s, "has a health check that timed out %u times in 10 min and left %u process%s alive",
                        view_recent(&v->probe_timeouts, now_ns, 600), v->probe_orphans,
                        v->probe_orphans == 1 ? "" : "es");
                break;
        case HARM_KINDS:
        default:
                break;
        }
}

/* The reasons that weigh most first. */
static void give_reasons(const struct board *b, const struct harm *h, struct suspect *s, uint64_t now_ns)
{
        bool given[HARM_KINDS] = {};

        for (;;) {
                double best = 0.01;
                uint32_t at = HARM_KINDS;

                for (uint32_t k = 0; k < HARM_KINDS; k++) {
                        double share = harm_share(b, h, s->service, (enum harm_kind)k, now_ns);

                        if (!given[k] && share >= 0.05 && h->weight[k] * share > best) {
                                best = h->weight[k] * share;
                                at = k;
                        }
                }
                if (at == HARM_KINDS || s->reasons == SUSPECT_REASONS)
                        return;
                given[at] = true;
                reason_of_kind(b, h, s, (enum harm_kind)at, now_ns);
        }
}

static uint16_t deployed_last(const struct board *b, uint64_t now_ns)
{
        uint16_t last = 0;

        for (uint32_t i = 1; i < view_services(b); i++)
                if (view_service_used(b, (uint16_t)i) && b->service[i].deployed_ns &&
                        b->service[i].deployed_ns > b->service[last].deployed_ns &&
                        view_age(b->service[i].deployed_ns, now_ns) <= LATE)
                        last = (uint16_t)i;
        return last;
}

static void refute(const struct board *b, const struct harm *h, struct suspect *s, bool late, uint64_t now_ns)
{
        const struct service *v = view_service(b, s->service);
        const struct finding *loop = harm_finding(b, s->service, "restart_loop");
        uint32_t restarts = view_recent(&v->restarts, now_ns, 3600);
        double zombies = harm_part(b, s->service, HARM_ZOMBIES, now_ns);
        char what[64], dead[32], age[VIEW_SPAN];

        if (!loop)
                loop = harm_finding(b, s->service, "unit_restart_loop");
        if (loop)
                snprintf(what, sizeof what, "restarts in a loop (%u times%s)", restarts,
                        restarts == BOARD_RECENT ? " or more" : "");
        else if (late)
                snprintf(what, sizeof what, "was deployed last (%s ago)",
                        view_span(view_age(v->deployed_ns, now_ns), age));
        else
                snprintf(what, sizeof what, "has a finding");
        if (zombies > 0)
                snprintf(dead, sizeof dead, "%.0f of %.0f zombies", zombies, h->total[HARM_ZOMBIES]);
        else
                snprintf(dead, sizeof dead, "no zombie");
        s->refuted = true;
        snprintf(s->refutation, sizeof s->refutation, "it %s, but used %.1f of %.1f CPU s and holds %s: %s",
                what, harm_cpu_seconds(b, s->service, now_ns), harm_cpu_seconds_all(b, now_ns), dead,
                loop || !late ? "a defect of its own, not what is killing the host"
                              : "being the last change is no cause");
}

static double score(const struct board *b, const struct harm *h, uint16_t service, uint64_t now_ns)
{
        const struct finding *own[1];
        bool defect = harm_findings(b, service, own, 1) > 0;

        return harm_score(b, h, service, now_ns) * (defect ? 1 : DEFECT);
}

static bool may_be_blamed(const struct board *b, uint16_t service, uint64_t now_ns)
{
        const struct service *s = view_service(b, service);

        return view_service_used(b, service) && !s->is_self && s->kind != SERVICE_KERNEL &&
               !view_is_drill(s, now_ns);
}

uint32_t suspects_rank(const struct board *b, uint64_t now_ns, struct suspect *out, uint32_t max)
{
        struct harm h = harm_of(b, now_ns);
        uint16_t last = deployed_last(b, now_ns);
        uint32_t n = 0;

        for (uint32_t i = 1; i < view_services(b); i++) {
                const struct finding *own[1];
                struct suspect s = {.service = (uint16_t)i, .score = score(b, &h, (uint16_t)i, now_ns)};
                uint32_t at = n;

                if (!may_be_blamed(b, s.service, now_ns))
                        continue;
                bool looks = harm_findings(b, s.service, own, 1) > 0 || s.service == last;
                if (s.score < 0.01 && !looks)
                        continue;
                while (at > 0 && out[at - 1].score < s.score)
                        at--;
                if (at >= max)
                        continue;
                n += n < max;
                memmove(&out[at + 1], &out[at], (n - at - 1) * sizeof *out);
                give_reasons(b, &h, &s, now_ns);
                if (looks && s.score < CLEAR)
                        refute(b, &h, &s, s.service == last, now_ns);
                out[at] = s;
        }
        return n;
}
