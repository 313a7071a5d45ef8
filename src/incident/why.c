/* Answers in plain words from suspects and findings: see why.h. Words are careful where a cause isn't
 * proven: shares are facts, what follows from them is "most likely".
 */
#include "incident/why.h"

#include "base/text.h"
#include "base/util.h"
#include "incident/harm.h"
#include "world/view.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ENOUGH 0.35 /* share of what is wrong that makes a culprit */
enum { RANKED = 16, FINDINGS = 8 };

static void add(char *buf, size_t size, const char *fmt, ...) printf_like(3, 4);
static void add(char *buf, size_t size, const char *fmt, ...)
{
        size_t n = strnlen(buf, size);
        va_list ap;

        if (n + 1 >= size)
                return;
        va_start(ap, fmt);
        vsnprintf(buf + n, size - n, fmt, ap);
        va_end(ap);
}

static void evidence(struct why_answer *a, uint64_t time_ns, double value, const char *unit, const char *fmt,
        ...) printf_like(5, 6);
static void evidence(
        struct why_answer *a, uint64_t time_ns, double value, const char *unit, const char *fmt, ...)
{
        va_list ap;

        if (a->evidence_count == WHY_EVIDENCE)
                return;
        struct evidence *e = &a->evidence[a->evidence_count++];

        *e = (struct evidence){.time_ns = time_ns, .value = value};
        text_set(e->unit, sizeof e->unit, unit);
        va_start(ap, fmt);
        vsnprintf(e->text, sizeof e->text, fmt, ap);
        va_end(ap);
}

static void refuted(struct why_answer *a, const char *hypothesis, const char *fmt, ...) printf_like(3, 4);
static void refuted(struct why_answer *a, const char *hypothesis, const char *fmt, ...)
{
        va_list ap;

        if (a->refuted_count == WHY_REFUTED)
                return;
        text_set(a->refuted[a->refuted_count].hypothesis, sizeof a->refuted[0].hypothesis, hypothesis);
        va_start(ap, fmt);
        vsnprintf(a->refuted[a->refuted_count].because, sizeof a->refuted[0].because, fmt, ap);
        va_end(ap);
        a->refuted_count++;
}

static void remedy(struct why_answer *a, const char *text)
{
        for (uint32_t i = 0; i < a->remedy_count; i++)
                if (!strcmp(a->remedy[i], text))
                        return;
        if (a->remedy_count < WHY_REMEDIES && text[0])
                text_set(a->remedy[a->remedy_count++], sizeof a->remedy[0], text);
}

/* A finding's own evidence and remedy. */
static void take_finding(struct why_answer *a, const struct finding *f, uint32_t most)
{
        uint32_t kept = MIN(f->evidence_count, (uint32_t)BOARD_EVIDENCE), n = MIN(kept, most);

        for (uint32_t i = 0; i < n && a->evidence_count < WHY_EVIDENCE; i++)
                a->evidence[a->evidence_count++] = f->evidence[i];
        remedy(a, f->remedy);
}

/* ---- what is refuted ---- */

static void refute_looks(const struct board *b, struct why_answer *a, const struct suspect *s, uint32_t n)
{
        char hypothesis[160];

        for (uint32_t i = 0; i < n; i++) {
                if (!s[i].refuted || (a->has_culprit && s[i].service == a->culprit))
                        continue;
                snprintf(hypothesis, sizeof hypothesis, "%.100s is to blame",
                        view_service_name(b, s[i].service));
                refuted(a, hypothesis, "%.110s: %s", view_service_name(b, s[i].service), s[i].refutation);
        }
}

static void refute_beliefs(const struct board *b, struct why_answer *a, const struct harm *h)
{
        double memory = 1 - view_ratio(b->host.memory_available_bytes, b->host.memory_bytes);
        uint32_t orphans = 0;
        uint64_t probes = 0;

        for (uint32_t i = 1; i < view_services(b); i++) {
                orphans += view_service_used(b, (uint16_t)i) ? b->service[i].probe_orphans : 0;
                if (view_service_used(b, (uint16_t)i) && view_known(b->service[i].probe_cpu_ns))
                        probes += b->service[i].probe_cpu_ns;
        }
        if (h->total[HARM_ZOMBIES] > 0 && b->leaders)
                refuted(a, "the zombies burn the CPU",
                        "a zombie uses none; but %u process%s in state Z still %s living threads, and those "
                        "may",
                        b->leaders, b->leaders == 1 ? "" : "es", b->leaders == 1 ? "has" : "have");
        else if (h->total[HARM_ZOMBIES] > 0 && probes > NSEC_PER_SEC)
                refuted(a, "the zombies burn the CPU",
                        "a zombie uses none and doesn't count in the load; health checks used %.1f CPU s, "
                        "and %u of their leftovers "
                        "live",
                        (double)probes / 1e9, orphans);
        else if (h->total[HARM_ZOMBIES] > 0)
                refuted(a, "the zombies burn the CPU",
                        "a zombie uses none and doesn't count in the load; it costs a pid and a little "
                        "kernel memory");
        if (h->weight[HARM_LOAD] > 0 && h->weight[HARM_MEMORY] <= 0 && isgreaterequal(memory, 0))
                refuted(a, "the host is out of memory", "%.0f %% of it is in use, page cache not counted",
                        memory * 100);
}

/* ---- the host ---- */

static void vitals(const struct board *b, const struct harm *h, char *buf, size_t size)
{
        const struct host *v = &b->host;
        double memory = 1 - view_ratio(v->memory_available_bytes, v->memory_bytes);

        if (isfinite(v->load1))
                add(buf, size, "load %.1f on %u cores, ", v->load1, v->cpus);
        if (isfinite(memory))
                add(buf, size, "%.0f %% of memory in use, ", memory * 100);
        if (h->total[HARM_ZOMBIES] > 0)
                add(buf, size, "%.0f zombie%s held", h->total[HARM_ZOMBIES],
                        h->total[HARM_ZOMBIES] == 1 ? "" : "s");
        else
                add(buf, size, "no lasting zombie");
}

static void answer_culprit(const struct board *b, struct why_answer *a, const struct harm *h,
        const struct suspect *s, uint64_t now_ns)
{
        const struct finding *own[FINDINGS];
        uint32_t n = harm_findings(b, s->service, own, FINDINGS);

        a->has_culprit = true;
        a->culprit = s->service;
        text_set(a->culprit_name, sizeof a->culprit_name, view_service_name(b, s->service));
        a->confidence = fmin(s->score, 0.95);
        add(a->answer, sizeof a->answer, "Most likely %.80s: it ", a->culprit_name);
        for (uint32_t i = 0; i < MIN(s->reasons, 3u); i++)
                add(a->answer, sizeof a->answer, "%s%.120s", i == 0 ? "" : "; ", s->reason[i]);
        add(a->answer, sizeof a->answer, ".");
        if (n)
                add(a->answer, sizeof a->answer, " %s.", own[0]->text);
        if (h->weight[HARM_LOAD] <= 0 && h->weight[HARM_CPU] <= 0 && h->weight[HARM_MEMORY] <= 0) {
                add(a->answer, sizeof a->answer, " The host bears it so far: ");
                vitals(b, h, a->answer, sizeof a->answer);
                add(a->answer, sizeof a->answer, ".");
        }
        for (uint32_t i = 0; i < s->reasons; i++)
                evidence(a, now_ns, NAN, "", "%.119s", s->reason[i]);
        for (uint32_t i = 0; i < n; i++)
                take_finding(a, own[i], i == 0 ? 6 : 2);
}

/* Nobody, with what is known of the host and of defects that don't hurt it. */
static void answer_nobody(const struct board *b, struct why_answer *a, const struct harm *h,
        const struct suspect *s, uint32_t n)
{
        const struct finding *own[FINDINGS];
        char now[160] = "";

        vitals(b, h, now, sizeof now);
        uint32_t hosts = harm_findings(b, 0, own, FINDINGS);
        if (h->sum <= 0 && hosts == 0)
                add(a->answer, sizeof a->answer, "Nothing is wrong with the host: %s.", now);
        else if (h->sum <= 0)
                add(a->answer, sizeof a->answer, "No service: %s.", now);
        else if (n && s[0].score > 0)
                add(a->answer, sizeof a->answer,
                        "None of the services stands out: %s; the largest part, %.80s, has %.0f %% of it.",
                        now, view_service_name(b, s[0].service), s[0].score * 100);
        else
                add(a->answer, sizeof a->answer, "None of the services explains it: %s.", now);
        a->confidence = h->sum <= 0 ? 0.9 : 0.5;
        for (uint32_t i = 0; i < hosts; i++) {
                add(a->answer, sizeof a->answer, " %s.", own[i]->text);
                take_finding(a, own[i], 3);
        }
        for (uint32_t i = 0; i < n; i++) {
                if (harm_findings(b, s[i].service, own, 1) == 0)
                        continue;
                add(a->answer, sizeof a->answer, " A defect of its own: %s.", own[0]->text);
                take_finding(a, own[0], 2);
        }
        if (view_above(b->host.cpu_unattributed_ratio, 0.3))
                evidence(a, b->updated_ns, b->host.cpu_unattributed_ratio, "cores",
                        "%.2f cores are used by nobody Sexton knows", b->host.cpu_unattributed_ratio);
}

void why_host(const struct board *b, uint64_t now_ns, struct why_answer *ret)
{
        struct suspect s[RANKED];
        struct harm h = harm_of(b, now_ns);
        uint32_t n = suspects_rank(b, now_ns, s, RANKED);
        const struct finding *own[FINDINGS];

        *ret = (struct why_answer){};
        snprintf(ret->question, sizeof ret->question, "What is killing %.64s?",
                b->host.name[0] ? b->host.name : "the host");
        if (h.sum > 0 && n && s[0].score >= ENOUGH && (n < 2 || s[0].score >= 1.25 * s[1].score)) {
                answer_culprit(b, ret, &h, &s[0], now_ns);
                uint32_t hosts = harm_findings(b, 0, own, FINDINGS);
                for (uint32_t i = 0; i < hosts; i++)
                        take_finding(ret, own[i], 2);
        } else {
                answer_nobody(b, ret, &h, s, n);
        }
        refute_looks(b, ret, s, n);
        refute_beliefs(b, ret, &h);
}

/* ---- a service ---- */

static uint16_t find_service(const struct board *b, const char *name)
{
        for (uint32_t i = 1; i < view_services(b); i++)
                if (view_service_used(b, (uint16_t)i) && !strcmp(view_service_name(b, (uint16_t)i), name))
                        return (uint16_t)i;
        return 0;
}

int why_service(const struct board *b, const char *name, uint64_t now_ns, struct why_answer *ret)
{
        uint16_t i = find_service(b, name);
        struct harm h = harm_of(b, now_ns);
        const struct finding *own[FINDINGS];
        const struct service *s = view_service(b, i);
        char bytes[VIEW_SPAN];

        if (i == 0)
                return -ENOENT;
        uint32_t n = harm_findings(b, i, own, FINDINGS);
        double score = harm_score(b, &h, i, now_ns);

        *ret = (struct why_answer){};
        snprintf(ret->question, sizeof ret->question, "What is wrong with %.120s?", name);
        for (uint32_t k = 0; k < n; k++) {
                add(ret->answer, sizeof ret->answer, "%s%s.", k ? " " : "", own[k]->text);
                take_finding(ret, own[k], BOARD_EVIDENCE);
        }
        if (n) {
                ret->has_culprit = true;
                ret->culprit = i;
                text_set(ret->culprit_name, sizeof ret->culprit_name, name);
                ret->confidence = 0.9;
        } else {
                add(ret->answer, sizeof ret->answer, "Nothing is known to be wrong with %.100s.", name);
                ret->confidence = 0.7;
        }
        if (h.sum > 0)
                add(ret->answer, sizeof ret->answer, " It has %.0f %% of what is wrong with the host.",
                        score * 100);
        evidence(ret, now_ns, harm_cpu_seconds(b, i, now_ns), "CPU s",
                "%.1f of %.1f CPU s since Sexton watches, its dead included", harm_cpu_seconds(b, i, now_ns),
                harm_cpu_seconds_all(b, now_ns));
        if (view_known(s->memory_bytes))
                evidence(ret, now_ns, (double)s->memory_bytes, "bytes", "%s of memory",
                        view_bytes((double)s->memory_bytes, bytes));
        evidence(ret, now_ns, s->held, "zombies", "holds %u lasting zombies", s->held);
        if (h.sum > 0 && n && score < 0.2)
                refuted(ret, "it is what is killing the host",
                        "it has %.0f %% of what is wrong: a defect of its own", score * 100);
        return 0;
}
