/* Ending what runs in a service: by the container engine or the service manager as long as it answers,
 * because it then also knows that this was meant; else by signals, which need nobody.
 */
#include "act/kind.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define GRACE_NS  (10 * NSEC_PER_SEC) /* from SIGTERM to SIGKILL, as docker stop has it */
#define ANSWER_NS (5 * NSEC_PER_SEC)  /* more than that, and the engine hangs */
#define DEATH_NS  (5 * NSEC_PER_SEC)  /* after SIGKILL; longer takes only what is stuck in the kernel */
#define LOOK_NS   (100 * NSEC_PER_MSEC)

enum stage { STAGE_ASKED, STAGE_TERM, STAGE_KILL };

static bool engine_answers(const struct board *b)
{
        return b->sources.engine == ENGINE_DOCKER || b->sources.engine == ENGINE_PODMAN;
}

static const char *who_ends(struct actor *a, struct action *row)
{
        uint16_t service = row_service(a, row);

        return service && a->board->service[service].kind == SERVICE_SYSTEMD ? "systemd"
                                                                             : "the container engine";
}

static bool ask(struct actor *a, const struct action *row, uint8_t operation, bool unit, const char *target)
{
        struct engine_operate o = {.number = row->id,
                .operation = operation,
                .unit = unit,
                .patience_ms = (uint32_t)(GRACE_NS / NSEC_PER_MSEC)};

        text_set(o.target, sizeof o.target, target);
        return a->ops.operate && a->ops.operate(a->ops.ctx, &o);
}

uint32_t ending_ask(struct actor *a, struct action *row, uint8_t operation)
{
        const struct board *b = a->board;
        uint16_t service = row_service(a, row);
        uint32_t n = 0;

        if (!service)
                return 0;
        if (b->service[service].kind == SERVICE_SYSTEMD)
                return ask(a, row, operation, true, b->service[service].name);
        for (uint32_t k = 1; k < b->container_top && engine_answers(b); k++) {
                const struct container *c = &b->container[k];
                bool runs = c->state == CONTAINER_RUNNING || c->state == CONTAINER_RESTARTING;
                /* what had ended before is not ours to start */
                bool ended = c->state == CONTAINER_EXITED && c->finished_ns + NSEC_PER_SEC >= row->taken_ns;
                if (c->id[0] && c->service == service && (operation == ENGINE_START ? ended : runs))
                        n += ask(a, row, operation, false, c->id);
        }
        return n;
}

static void by_signals(struct actor *a, struct action *row, uint64_t now_ns)
{
        struct act_progress *p = row_progress(a, row);

        row->state = ACTION_ACTIVE;
        p->stage = STAGE_TERM;
        p->due_ns = now_ns + GRACE_NS;
        signal_service(a, row_service(a, row), row->taken_ns, true, SIGTERM);
        row_due(a, now_ns + LOOK_NS);
}

int ending_foresee(struct actor *a, const struct act_order *o, uint64_t now_ns, struct error *e)
{
        const struct service *s = &a->board->service[o->service];
        bool container = s->kind == SERVICE_COMPOSE || s->kind == SERVICE_CONTAINER;
        uint32_t n = signal_service(a, o->service, now_ns, false, 0);

        if (!n)
                return error_set(e, -ESRCH, "nothing of it lives");
        snprintf(a->said, sizeof a->said, "ends its %u process%s by %s", n, n == 1 ? "" : "es",
                s->kind == SERVICE_SYSTEMD              ? "systemd"
                : container && engine_answers(a->board) ? "the container engine"
                                                        : "signals");
        return 0;
}

int ending_begin(struct actor *a, struct action *row, uint8_t operation, uint64_t now_ns)
{
        struct act_progress *p = row_progress(a, row);

        act_release(a, row->service, true, "thawed, to be ended", now_ns);
        p->asked = ending_ask(a, row, operation);
        if (!p->asked) {
                by_signals(a, row, now_ns);
                return 0;
        }
        row->state = ACTION_ASKED;
        p->stage = STAGE_ASKED;
        p->due_ns = now_ns + GRACE_NS + ANSWER_NS;
        row_due(a, p->due_ns);
        return 0;
}

enum ending ending_step(struct actor *a, struct action *row, uint64_t now_ns)
{
        struct act_progress *p = row_progress(a, row);
        uint16_t service = row_service(a, row);

        if (p->stage == STAGE_ASKED) {
                if (now_ns < p->due_ns)
                        return ENDING_GOES_ON;
                row_tell(a, row, now_ns, "%s doesn't answer: by signals", who_ends(a, row));
                by_signals(a, row, now_ns);
                return ENDING_GOES_ON;
        }
        if (!service || !signal_service(a, service, row->taken_ns, false, 0))
                return p->stage == STAGE_KILL ? ENDING_KILLED : ENDING_DONE;
        row_due(a, now_ns + LOOK_NS);
        if (now_ns < p->due_ns)
                return ENDING_GOES_ON;
        if (p->stage == STAGE_KILL)
                return ENDING_FAILED;
        signal_service(a, service, row->taken_ns, false, SIGKILL);
        p->stage = STAGE_KILL;
        p->due_ns = now_ns + DEATH_NS;
        return ENDING_GOES_ON;
}

void ending_adopt(struct actor *a, struct action *row, uint64_t now_ns)
{
        struct act_progress *p = row_progress(a, row);

        *p = (struct act_progress){.stage = row->state == ACTION_ASKED ? STAGE_ASKED : STAGE_TERM,
                .asked = row->state == ACTION_ASKED,
                .due_ns = now_ns + GRACE_NS + ANSWER_NS};
}

bool ending_operated(struct actor *a, struct action *row, const struct engine_operated *o, uint64_t now_ns)
{
        struct act_progress *p = row_progress(a, row);

        if (row->state != ACTION_ASKED)
                return false;
        if (o->code < 0) {
                row_tell(a, row, now_ns, "%s can't (%s): by signals", who_ends(a, row),
                        o->text[0] ? o->text : strerror(-o->code));
                by_signals(a, row, now_ns);
                return false;
        }
        if (p->asked)
                p->asked--;
        return !p->asked;
}
