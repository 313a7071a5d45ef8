/* When the black box captures, and into which slot: see blackbox.h. */
#include "guard/blackbox.h"

#include "act/act.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "guard/guard.h"
#include "wire/blackbox_map.h"
#include "world/view.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>

#define BETWEEN_TURNS_NS NSEC_PER_MSEC

/* ---- reasons ---- */

static void add_reason(struct capture *c, const struct capture_reason *r)
{
        if (c->reasons == CAPTURE_REASONS) {
                c->reasons_left_out++;
                return;
        }
        c->reason[c->reasons] = *r;
        /* counted when it is complete: see blackbox_mend() */
        __atomic_store_n(&c->reasons, (uint16_t)(c->reasons + 1), __ATOMIC_RELEASE);
}

/* Are the processes of that service in it? */
static bool covers(const struct capture *c, const struct capture_reason *r)
{
        if (!r->service[0])
                return true;
        for (uint32_t i = 0; i < c->services; i++)
                if (!strcmp(capture_text_of(c, c->service[i].name), r->service))
                        return c->service[i].listed || !c->service[i].processes;
        return false;
}

static bool covers_all(const struct capture *c, const struct capture_reason *r, uint32_t n)
{
        while (n && covers(c, &r[n - 1]))
                n--;
        return !n;
}

static bool may_begin(struct guard_blackbox *x, const struct capture_reason *r, uint32_t n, uint64_t now_ns)
{
        double passed = x->filled_ns ? view_age(x->filled_ns, now_ns) : INFINITY;

        x->captures = fmin(x->captures + passed / BLACKBOX_EVERY_SEC, BLACKBOX_BURST);
        x->filled_ns = now_ns;
        if (!x->last)
                return true;
        return x->captures >= 1 &&
               (now_ns >= x->last_ns + BLACKBOX_SHARE_NS || !covers_all(&x->last->capture, r, n));
}

/* ---- one capture ---- */

static void end(struct guard *g, uint64_t now_ns)
{
        struct guard_blackbox *x = &g->blackbox;

        x->now->capture.ended_ns = now_ns;
        blackbox_end(x->now);
        x->last = x->now;
        x->now = NULL;
}

static void turn(void *ctx, uint64_t now_ns)
{
        struct guard *g = ctx;
        struct guard_blackbox *x = &g->blackbox;

        if (!x->now)
                return;
        if (guard_capture_read(g, clock_boot_ns() + BLACKBOX_TURN_NS))
                end(g, clock_boot_ns());
        else
                loop_arm(&g->loop, &x->timer, now_ns + BETWEEN_TURNS_NS);
}

static void begin(
        struct guard *g, const struct capture_reason *r, uint32_t n, bool only_free, uint64_t now_ns)
{
        struct guard_blackbox *x = &g->blackbox;

        x->started_ns = clock_boot_ns();
        x->now = blackbox_begin(x->box, x->receipts, only_free);
        if (!x->now)
                return;
        struct capture *c = &x->now->capture;
        c->begun_ns = now_ns;
        c->wall_offset_ns = clock_wall_offset_ns();
        for (uint32_t i = 0; i < n; i++)
                add_reason(c, &r[i]);
        guard_capture(g, now_ns);
        guard_capture_read(g, clock_boot_ns() + BLACKBOX_AT_ONCE_NS);
        c->held_ns = clock_boot_ns() - x->started_ns;
}

static void capture(struct guard *g, const struct capture_reason *r, uint32_t n, uint64_t now_ns)
{
        struct guard_blackbox *x = &g->blackbox;

        if (!x->box || !n)
                return;
        if (x->now && !covers_all(&x->now->capture, r, n))
                end(g, clock_boot_ns()); /* what it hasn't read yet stays unread */
        if (x->now) {
                for (uint32_t i = 0; i < n; i++)
                        add_reason(&x->now->capture, &r[i]);
        } else if (may_begin(x, r, n, now_ns)) {
                x->captures--;
                x->last_ns = now_ns;
                begin(g, r, n, false, now_ns);
                loop_arm(&g->loop, &x->timer, clock_boot_ns() + BETWEEN_TURNS_NS);
        } else {
                blackbox_change_begin(x->last);
                for (uint32_t i = 0; i < n; i++)
                        add_reason(&x->last->capture, &r[i]);
                blackbox_change_end(x->last);
        }
}

/* ---- why ---- */

void guard_blackbox_findings(struct guard *g, uint64_t now_ns)
{
        struct guard_blackbox *x = &g->blackbox;
        const struct board *b = g->board;
        struct capture_reason r[CAPTURE_REASONS];
        uint32_t n = 0;

        for (uint32_t i = 1; i < view_findings(b) && n < CAPTURE_REASONS; i++) {
                const struct finding *f = &b->finding[i];
                if (!f->id || !f->open || f->severity < SEVERITY_CRITICAL) {
                        x->known[i] = 0;
                        continue;
                }
                if (x->known[i] == f->id)
                        continue;
                x->known[i] = f->id;
                r[n] = (struct capture_reason){.time_ns = now_ns, .finding = f->id, .cause = CAPTURE_FINDING};
                text_set(r[n].what, sizeof r[n].what, f->detector);
                text_set(r[n].service, sizeof r[n].service, f->service_name);
                text_set(r[n++].text, sizeof r[0].text, f->text);
        }
        capture(g, r, n, now_ns);
}

void guard_blackbox_before(struct guard *g, const struct act_about *about, uint64_t now_ns)
{
        struct capture_reason r = {.time_ns = now_ns, .finding = about->finding, .cause = CAPTURE_ACTION};

        text_set(r.what, sizeof r.what, about->what);
        text_set(r.service, sizeof r.service, view_service_name(g->board, about->service));
        text_set(r.who, sizeof r.who, about->who ? about->who : "");
        text_set(r.text, sizeof r.text, about->reason ? about->reason : "");
        capture(g, &r, 1, now_ns);
}

void guard_blackbox_tick(struct guard *g)
{
        struct kmsg *k = &g->blackbox.kmsg;

        if (!kmsg_read(k, BLACKBOX_LOG_RECORDS))
                kmsg_skip(k);
}

/* ---- life ---- */

/* Every page is there, and stays, before there is none to be had. */
static void touch(void *p, size_t size)
{
        for (char *at = p; at < (char *)p + size; at += 4096)
                __atomic_fetch_or(at, 0, __ATOMIC_RELAXED);
}

void guard_blackbox_start(struct guard *g, int box_fd, int receipts_fd)
{
        struct guard_blackbox *x = &g->blackbox;
        struct blackbox *box = NULL;
        struct blackbox_receipts *receipts = NULL;

        touch(x, sizeof *x);
        x->timer = (struct loop_timer){.fire = turn, .ctx = g};
        kmsg_open(&x->kmsg, "/dev/kmsg", x->kmsg_line, BLACKBOX_LOG_LINES);
        while (!kmsg_read(&x->kmsg, BLACKBOX_LOG_RECORDS))
                ; /* all that there is, once */
        int r = box_fd < 0 ? box_fd : blackbox_map(box_fd, true, &box);
        if (r == 0)
                r = receipts_fd < 0 ? receipts_fd : blackbox_receipts_map(receipts_fd, false, &receipts);
        if (r < 0) {
                log_error("cannot map the black box (%s): nothing will be captured", strerror(-r));
                return;
        }
        touch(box, sizeof *box);
        blackbox_mend(box);
        x->box = box;
        x->receipts = receipts;
}

void guard_blackbox_rehearse(struct guard *g)
{
        struct guard_blackbox *x = &g->blackbox;

        if (!x->box)
                return;
        begin(g, NULL, 0, true, clock_boot_ns());
        if (!x->now)
                return; /* all of them wait for the recorder: then it has been done often enough */
        while (!guard_capture_read(g, clock_boot_ns() + BLACKBOX_TURN_NS))
                ;
        blackbox_drop(x->now);
        x->now = NULL;
}

/* What there is of the one under way is better than nothing. */
void guard_blackbox_stop(struct guard *g)
{
        struct guard_blackbox *x = &g->blackbox;

        if (x->now)
                end(g, clock_boot_ns());
        kmsg_close(&x->kmsg);
}
