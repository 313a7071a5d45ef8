/* `zombies`: the ledger in pieces, then its sums by holder. The work for each zombie is the same
 * however many there are: holders are found by the view's index and summed up in a hash table.
 */
#include "api/api.h"

#include <string.h>
#include <sys/wait.h>

enum { PIECE_BYTES = 16 << 10, LINEAGE_SHOWN = 16 };

/* Lasting zombies of one holder. */
struct held {
        uint32_t example; /* index of one of them; 0 = free slot */
        int32_t holder_pid;
        uint32_t count, last_hour;
        uint64_t oldest_in_hour_ns;
};

struct api_zombies {
        struct api_view v;
        struct api_query q;
        uint32_t next, steps, left; /* ledger index; bound on steps; listed at most */
        struct held *held;          /* hash by holder_pid */
        uint32_t held_mask, held_count;
        bool begun, listed;
};

struct api_zombies *api_zombies_open(const struct api_view *v, const struct api_query *q)
{
        struct api_zombies *z = calloc(1, sizeof *z);
        uint32_t size = 64;

        if (!z)
                return NULL;
        /* twice as many slots as there can be holders */
        while (size < 2 * MIN(v->board->zombies + v->board->leaders + 1, view_processes(v->board)))
                size *= 2;
        *z = (struct api_zombies){
                .v = *v,
                .q = *q,
                .next = v->board->ledger_head,
                .steps = view_processes(v->board),
                .left = q->summary ? 0
                        : q->limit ? q->limit
                                   : BOARD_PROCESSES,
                .held_mask = size - 1,
                .held = calloc(size, sizeof z->held[0]),
        };
        if (!z->held)
                free(TAKE_PTR(z));
        return z;
}

void api_zombies_close(struct api_zombies *z)
{
        if (!z)
                return;
        free(z->held);
        free(z);
}

static bool is_dead(const struct process *p)
{
        return p->state == PROCESS_ZOMBIE || p->state == PROCESS_LEADER;
}

/* Who has to bury p, also when that process is not on the board. */
static int32_t holder_pid(const struct process *p)
{
        return (p->flags & PROCESS_F_PTRACED) && p->tracer_pid > 0 ? p->tracer_pid : p->ppid;
}

static void count_held(struct api_zombies *z, uint32_t i)
{
        const struct process *p = &z->v.board->process[i];
        int32_t pid = holder_pid(p);
        uint32_t at = (uint32_t)pid * UINT32_C(2654435761) & z->held_mask;

        while (z->held[at].example && z->held[at].holder_pid != pid)
                at = (at + 1) & z->held_mask;
        struct held *h = &z->held[at];
        if (!h->example) {
                /* a board whose totals lie must not fill the table */
                if (z->held_count > z->held_mask / 2)
                        return;
                z->held_count++;
                h->example = i;
                h->holder_pid = pid;
        }
        h->count++;
        if (p->exit_ns && view_age(p->exit_ns, z->v.now_ns) <= 3600) {
                h->last_hour++;
                if (!h->oldest_in_hour_ns || p->exit_ns < h->oldest_in_hour_ns)
                        h->oldest_in_hour_ns = p->exit_ns;
        }
}

static void command(const struct board *b, const struct process *p, struct json_out *j)
{
        char text[BOARD_STRING];

        json_out_text_or_null(j, "command", view_command(b, p, text, sizeof text));
}

static void holder(const struct board *b, const struct process *h, int32_t pid, struct json_out *j)
{
        json_out_object(j, "holder");
        if (pid > 0)
                json_out_int(j, "pid", pid);
        else
                json_out_null(j, "pid");
        if (h) {
                command(b, h, j);
                json_out_text(j, "service", view_service_name(b, h->service));
        } else {
                json_out_null(j, "command");
                json_out_null(j, "service");
        }
        json_out_bool(j, "is_pid1", pid == 1 || view_is_pid1(h));
        json_out_object_end(j);
}

static void exit_status(const struct process *p, struct json_out *j)
{
        bool known = p->state == PROCESS_ZOMBIE && p->exit_status >= 0;

        if (known && WIFEXITED(p->exit_status))
                json_out_int(j, "exit_code", WEXITSTATUS(p->exit_status));
        else
                json_out_null(j, "exit_code");
        json_out_text(j, "signal",
                known && WIFSIGNALED(p->exit_status) ? signal_name(WTERMSIG(p->exit_status)) : NULL);
}

static void zombie(const struct api_zombies *z, const struct process *p, const struct process *held_by,
        enum zombie_kind kind, struct json_out *j)
{
        const struct api_view *v = &z->v;
        const struct board *b = v->board;
        const struct process *up[LINEAGE_SHOWN];
        char text[512];
        uint32_t n = view_lineage(b, p, up, LINEAGE_SHOWN);

        json_out_object(j, NULL);
        json_out_int(j, "pid", p->pid);
        json_out_time(j, "start_time", p->start_ns, v->wall_offset_ns);
        json_out_time(j, "died_at", p->exit_ns, v->wall_offset_ns);
        json_out_number(j, "age", view_age(p->exit_ns, v->now_ns)); /* infinite when unknown: null */
        json_out_text(j, "kind", zombie_kind_name(kind));
        command(b, p, j);
        json_out_bytes(j, "comm", p->comm, sizeof p->comm);
        json_out_text_or_null(j, "exe", view_exe(b, p, text, sizeof text));
        exit_status(p, j);
        json_out_seconds(j, "cpu_seconds", p->cpu_ns);
        json_out_int(j, "threads", p->threads);
        json_out_text(j, "service", view_service_name(b, p->service));
        json_out_array(j, "lineage");
        for (uint32_t i = 0; i < n; i++) {
                json_out_object(j, NULL);
                json_out_int(j, "pid", up[i]->pid);
                command(b, up[i], j);
                json_out_object_end(j);
        }
        json_out_array_end(j);
        json_out_text(j, "origin", origin_name(p->origin));
        holder(b, held_by, holder_pid(p), j);
        view_why(b, &v->index, p, v->now_ns, text, sizeof text);
        json_out_text(j, "why", text);
        view_remedy(b, &v->index, p, v->now_ns, text, sizeof text);
        json_out_text(j, "remedy", text);
        json_out_object_end(j);
}

static bool wanted(const struct api_zombies *z, const struct process *p, const struct process *held_by,
        enum zombie_kind kind)
{
        const struct board *b = z->v.board;

        if (z->q.kind[0] && strcmp(z->q.kind, zombie_kind_name(kind)) != 0)
                return false;
        if (z->q.holder && z->q.holder != holder_pid(p))
                return false;
        if (!z->q.service[0] || !strcmp(z->q.service, view_service_name(b, p->service)))
                return true;
        return held_by && !strcmp(z->q.service, view_service_name(b, held_by->service));
}

/* One step along the ledger; false at its end. */
static bool list_next(struct api_zombies *z, struct json_out *j)
{
        const struct board *b = z->v.board;
        uint32_t i = z->next;

        if (!i || i >= view_processes(b) || !z->steps--)
                return false;
        const struct process *p = &b->process[i];
        z->next = p->list_next;
        if (!is_dead(p))
                return true;
        const struct process *held_by = view_holder(b, &z->v.index, p);
        enum zombie_kind kind = view_kind_held(b, p, held_by, z->v.now_ns);
        if (!wanted(z, p, held_by, kind))
                return true;
        if (kind != ZOMBIE_TRANSIENT)
                count_held(z, i);
        if (z->left) {
                zombie(z, p, held_by, kind, j);
                z->left--;
        }
        return true;
}

/* ---- by holder ---- */

static int most_first(const void *pa, const void *pb)
{
        const struct held *x = pa, *y = pb;

        if (x->count != y->count)
                return x->count > y->count ? -1 : 1;
        return x->holder_pid < y->holder_pid ? -1 : x->holder_pid > y->holder_pid;
}

static void held(const struct api_view *v, const struct held *h, struct json_out *j)
{
        const struct board *b = v->board;
        const struct process *example = &b->process[h->example];
        const struct process *p = view_holder(b, &v->index, example);
        const struct service *s = view_service(b, p ? p->service : example->service);
        bool limited = view_known(s->pids_limit) && s->pids_limit;
        double rate = view_pace(h->last_hour, h->oldest_in_hour_ns, v->now_ns), exhausted_in = NAN;
        char text[512];

        if (limited && view_known(s->pids) && s->pids >= s->pids_limit)
                exhausted_in = 0;
        else if (limited && view_known(s->pids) && h->last_hour > 1)
                exhausted_in = (double)(s->pids_limit - s->pids) * 3600 / rate;
        json_out_object(j, NULL);
        holder(b, p, h->holder_pid, j);
        json_out_text(j, "service", view_service_name(b, p ? p->service : example->service));
        json_out_int(j, "count", h->count);
        json_out_number(j, "per_hour", rate);
        json_out_count(j, "pids_limit", limited ? s->pids_limit : BOARD_UNKNOWN);
        json_out_number(j, "exhausted_in", exhausted_in);
        json_out_text(j, "kind", zombie_kind_name(view_kind_held(b, example, p, v->now_ns)));
        json_out_text(j, "origin", origin_name(example->origin));
        view_why(b, &v->index, example, v->now_ns, text, sizeof text);
        json_out_text(j, "why", text);
        view_remedy(b, &v->index, example, v->now_ns, text, sizeof text);
        json_out_text(j, "remedy", text);
        json_out_object_end(j);
}

bool api_zombies_more(struct api_zombies *z, struct json_out *j)
{
        size_t enough = j->out.len + PIECE_BYTES;

        if (!z->begun) {
                z->begun = true;
                json_out_object(j, NULL);
                json_out_int(j, "total", z->v.board->zombies + z->v.board->leaders);
                json_out_array(j, "zombies");
        }
        while (!z->listed && j->out.len < enough)
                if (!list_next(z, j)) {
                        uint32_t n = 0;
                        z->listed = true;
                        json_out_array_end(j);
                        json_out_int(j, "holders", z->held_count);
                        json_out_array(j, "by_holder");
                        for (uint32_t i = 0; i <= z->held_mask; i++)
                                if (z->held[i].example)
                                        z->held[n++] = z->held[i];
                        qsort(z->held, n, sizeof z->held[0], most_first);
                        z->next = 0;
                        z->held_count =
                                MIN(z->held_count, z->q.summary && z->q.limit ? z->q.limit : BOARD_PROCESSES);
                }
        while (z->listed && z->next < z->held_count && j->out.len < enough)
                held(&z->v, &z->held[z->next++], j);
        if (!z->listed || z->next < z->held_count || j->out.failed)
                return !j->out.failed;
        json_out_array_end(j);
        json_out_object_end(j);
        return false;
}
