/* Burying as an action: the dead of each holder in the service become a request to the process that buries
 * (bury.h, bury_child.h), and its results the end of the action. Value 1: by force, also those that a holder
 * forked itself.
 */
#include "act/bury_may.h"
#include "act/kind.h"
#include "act/touch.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { HOLDERS = 8 };
#define ANSWER_NS (60 * NSEC_PER_SEC) /* a thousand dead of a busy holder take some seconds */

static struct act_holder *known(struct actor *a, int32_t pid)
{
        for (uint32_t k = 0; k < ACT_HOLDERS; k++)
                if (a->holder[k].pid == pid)
                        return &a->holder[k];
        return NULL;
}

/* What is remembered of a holder from one burial to the next; the oldest gives way. */
static struct act_holder *remember(struct actor *a, int32_t pid, uint64_t start_ns)
{
        struct act_holder *h = known(a, pid);

        if (h && h->start_ns == start_ns)
                return h;
        if (!h)
                h = &a->holder[a->holder_next++ % ACT_HOLDERS];
        *h = (struct act_holder){.pid = pid, .start_ns = start_ns};
        return h;
}

static bool ask(struct actor *a, const struct action *row, uint32_t holder)
{
        struct bury_request *q = &a->burial;

        bury_ask(a->board, holder, q);
        struct act_holder *h = remember(a, q->holder_pid, q->holder_start_ns);
        q->number = row->id;
        q->min_age_ns = a->board->grace_ns;
        q->waited_faults = h->waited_faults;
        q->forced = row->value == 1;
        /* a sleep that is being restarted since we were there last is our own doing */
        q->restarting_too = h->buried;
        return a->ops.bury(a->ops.ctx, q);
}

static bool is_among(const int32_t *pid, uint32_t n, int32_t one)
{
        for (uint32_t k = 0; k < n; k++)
                if (pid[k] == one)
                        return true;
        return false;
}

static bool is_held_in(const struct actor *a, const struct process *p, uint16_t service)
{
        uint32_t holder = world_find(a->world, p->ppid);

        return p->state == PROCESS_ZOMBIE && holder && a->board->process[holder].service == service;
}

/* Each holder in the service that may be touched; how many were asked for. */
static uint32_t ask_for_all(struct actor *a, const struct action *row, struct error *e)
{
        const struct board *b = a->board;
        int32_t seen[HOLDERS];
        uint32_t n = 0, asked = 0, left = b->process_top;

        for (uint32_t i = b->ledger_head; i && left-- && n < HOLDERS; i = b->process[i].list_next) {
                const struct process *p = &b->process[i];
                if (!is_held_in(a, p, row->service) || is_among(seen, n, p->ppid))
                        continue;
                uint32_t holder = world_find(a->world, p->ppid);
                seen[n++] = p->ppid;
                if (touch_process(b, a->config, holder, 0, e) < 0)
                        continue;
                if (ask(a, row, holder))
                        asked++;
                else
                        error_set(e, -EAGAIN, "the process that buries can't be asked now");
        }
        return asked;
}

static int foresee(struct actor *a, const struct act_order *o, uint64_t now_ns, struct error *e)
{
        const struct board *b = a->board;
        uint32_t held = 0, left = b->process_top;

        if (!a->ops.bury)
                return error_set(e, -ENOTSUP, "there is no process that buries");
        for (uint32_t i = b->ledger_head; i && left--; i = b->process[i].list_next)
                held += is_held_in(a, &b->process[i], o->service);
        if (!held)
                return error_set(e, -ESRCH, "nothing in it holds any dead");
        snprintf(a->said, sizeof a->said, "it holds %u dead; whose status nobody can want is waited for",
                held);
        return 0;
}

static int begin(struct actor *a, struct action *row, uint64_t now_ns, struct error *e)
{
        struct act_progress *p = row_progress(a, row);

        error_set(e, -ESRCH, "nothing in it holds any dead");
        p->asked = ask_for_all(a, row, e);
        if (!p->asked)
                return e->code;
        p->stage = 0; /* buried */
        p->due_ns = now_ns + ANSWER_NS;
        row->state = ACTION_ASKED;
        row_due(a, p->due_ns);
        return 0;
}

static void step(struct actor *a, struct action *row, uint64_t now_ns)
{
        if (now_ns >= row->taken_ns + ANSWER_NS)
                row_end(a, row, ACTION_FAILED, now_ns, "the process that buries did not answer");
}

static enum action_state state_of(uint32_t buried, const struct bury_result *r)
{
        if (buried || (r->end == BURY_DONE && !r->refused))
                return ACTION_DONE;
        return r->end == BURY_DONE || r->end == BURY_UNTOUCHED ? ACTION_REFUSED : ACTION_FAILED;
}

void act_buried(struct actor *a, const struct bury_result *r, uint64_t now_ns)
{
        struct action *row = act_find(a, r->number);
        struct act_holder *h = known(a, r->holder_pid);

        if (h) {
                h->waited_faults += r->waited_faults;
                h->buried |= r->stops > 0;
        }
        if (!row || row->kind != ACTION_BURY || !action_stands(row))
                return;
        struct act_progress *p = row_progress(a, row);
        p->stage += r->buried;
        if (p->asked > 1) {
                p->asked--;
                row_tell(a, row, now_ns, "of PID %d: %.150s", r->holder_pid, r->text);
                return;
        }
        row_end(a, row, state_of(p->stage, r), now_ns, "%.150s", r->text);
}

const struct act_kind act_bury = {
        .standing = "being buried",
        .foresee = foresee,
        .begin = begin,
        .step = step,
};
