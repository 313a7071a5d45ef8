/* Births that nobody told of. Some kernels don't run BPF programs while a thread of PID 1 is current, and no
 * counter of the source's knows of it; but the kernel counts its forks. Children of PID 1 mostly tell of
 * themselves, when they exec or exit; for the few that do neither the tasks are walked, as soon as the
 * kernel's count stays ahead of ours. Nothing of such a life has been missed by then, so it is no gap.
 */
#include "guard/guard.h"

#define WALK_SHARE 0.0002       /* of a core, for the walks */
#define PAUSE_NS   NSEC_PER_SEC /* a walk comes no sooner after the last */

void guard_count_birth(struct guard *g, uint64_t start_ns)
{
        /* What is younger than the kernel's count belongs to the next one. */
        if (start_ns > g->host_read_ns)
                g->births_late++;
        else
                g->births++;
}

void guard_met(struct guard *g, uint64_t start_ns)
{
        if (g->bpf && start_ns > g->bpf_since_ns)
                guard_count_birth(g, start_ns);
}

static void look_closer(void *ctx, const struct bpf_task *t)
{
        struct guard *g = ctx;

        if (!world_find(&g->world, t->pid))
                guard_look_at(g, t->pid);
}

/* The kernel counts workers of io_uring and of vhost, too, which are born without an event: what a walk did
 * not explain is explained by that. A difference may be a moment's; what two looks saw is not. */
void guard_look_for_unseen(struct guard *g, uint64_t now_ns)
{
        int64_t ahead = (int64_t)g->board->host.forks - (int64_t)g->births, before = g->unseen_before;
        int64_t lasting = MIN(ahead, before);

        if (!g->bpf || g->board->host.forks == BOARD_UNKNOWN)
                return;
        g->unseen_before = ahead;
        if (!g->unseen_begun) {
                g->unseen_begun = true;
                g->unseen_before = g->unseen_explained = ahead;
                return;
        }
        g->unseen_explained = MIN(g->unseen_explained, MAX(ahead, before));
        if (lasting <= g->unseen_explained || !g->board->sources.bpf_iterator ||
                now_ns - g->unseen_pace.ended_ns < PAUSE_NS ||
                !pace_is_due(&g->unseen_pace, WALK_SHARE, now_ns))
                return;
        /* Without those met that are younger than the kernel's count: it doesn't hold them yet. */
        uint64_t known = g->births;
        pace_begin(&g->unseen_pace);
        bpf_source_tasks(g->bpf, BPF_TASK_ALL, look_closer, g);
        pace_end(&g->unseen_pace, now_ns);
        int64_t found = (int64_t)(g->births - known);
        g->unseen_explained = lasting - found;
        g->unseen_before = ahead - found;
}
