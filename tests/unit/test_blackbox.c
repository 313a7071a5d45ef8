/* The guard's black box: when it captures and into which slot, what it puts in, what it leaves out and says
 * so, and what is left of a capture whose guard was killed.
 */
#include "act/act.h"
#include "api/capture_json.h"
#include "guard_lab.h"
#include "store/store.h"
#include "wire/blackbox_map.h"
#include "wire/capture_tame.h"

#include <errno.h>
#include <jansson.h>
#include <sys/socket.h>

static uint64_t now;
static int box_fd, receipts_fd;
static struct blackbox_receipts *receipts;
static struct capture got;

/* ---- the kernel's stacks, played ---- */

static struct {
        struct bpf_task task;
        const char *stack;
} stacks[64];
static uint32_t stacks_count, stacks_more;
static int stacks_result;

int __wrap_bpf_source_stacks(struct bpf_source *s, uint32_t blocked, uint32_t running,
        void (*fn)(void *ctx, const struct bpf_task *t, const char *stack, size_t len), void *ctx,
        uint32_t *ret_left_out);

int __wrap_bpf_source_stacks(struct bpf_source *s, uint32_t blocked, uint32_t running,
        void (*fn)(void *ctx, const struct bpf_task *t, const char *stack, size_t len), void *ctx,
        uint32_t *ret_left_out)
{
        if (stacks_result < 0)
                return stacks_result;
        for (uint32_t i = 0; i < stacks_count; i++)
                fn(ctx, &stacks[i].task, stacks[i].stack, strlen(stacks[i].stack));
        *ret_left_out = stacks_more;
        return (int)stacks_count;
}

static void stack_of(int32_t pid, char state, const char *stack)
{
        stacks[stacks_count].task = (struct bpf_task){.pid = pid, .tid = pid, .state = state, .comm = "task"};
        stacks[stacks_count++].stack = stack;
}

/* ---- the lab ---- */

static void emit(void *ctx, const struct event *e)
{
        ring_append(((struct guard *)ctx)->ring, e);
}

static void start_guard(void)
{
        lab_begin(now);
        b->finding_top = b->service_top = MAX(b->service_top, 1u);
        g->ring = lab_map(sizeof *g->ring);
        g->world.emit = emit;
        b->host.cpus = 2;
        b->host.load1 = 12.5;
        guard_blackbox_start(g, box_fd, receipts_fd);
        kmsg_close(&g->blackbox.kmsg); /* this machine's is not for tests */
        g->blackbox.kmsg.total = 0;
}

static void begin(void)
{
        tree_init(&lab_tree);
        tree_put(&lab_tree, "proc/", "");
        tree_put(&lab_tree, "cgroup/", "");
        now = 100 * S;
        stacks_count = stacks_more = 0;
        stacks_result = 0;
        box_fd = blackbox_create();
        receipts_fd = blackbox_receipts_create();
        check_int(blackbox_receipts_map(receipts_fd, true, &receipts), 0);
        start_guard();
}

static void stop_guard(void)
{
        munmap(g->ring, sizeof *g->ring);
        munmap(g->blackbox.box, sizeof *g->blackbox.box);
        munmap((void *)(uintptr_t)g->blackbox.receipts, sizeof *receipts);
}

static void end(void)
{
        stop_guard();
        munmap(receipts, sizeof *receipts);
        close(box_fd);
        close(receipts_fd);
        lab_end();
}

static uint32_t born(int32_t pid, int32_t ppid, const char *service, const char *command)
{
        uint32_t i = world_born(&g->world, pid, ppid, 50 * S, 50 * S);
        char path[160];

        snprintf(path, sizeof path, "/system.slice/%s", service);
        world_set_cgroup(&g->world, i, world_cgroup(&g->world, path));
        world_set_command(&g->world, i, command, NULL);
        return i;
}

/* As /proc/PID/stat has it: two ticks of user and three of system time, seven pages. */
static void in_proc(int32_t pid, char state, uint64_t start_ns)
{
        char name[64], text[300];

        snprintf(name, sizeof name, "proc/%d/stat", pid);
        snprintf(text, sizeof text,
                "%d (worker) %c 1 1 1 0 -1 0 0 0 0 0 2 3 0 0 20 0 4 0 %" PRIu64
                " 0 7 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
                pid, state, start_ns / (10 * MS));
        tree_put(&lab_tree, name, text);
}

static void finding(uint32_t i, uint32_t id, const char *service, enum severity severity)
{
        b->finding[i] = (struct finding){.id = id, .severity = (uint8_t)severity, .open = true};
        strcpy(b->finding[i].detector, "saturation");
        strcpy(b->finding[i].service_name, service);
        strcpy(b->finding[i].text, "load 12.5 on 2 cores");
        b->finding_top = MAX(b->finding_top, i + 1);
}

static void act(const char *service, const char *what)
{
        uint16_t k = world_service(&g->world, service, SERVICE_SYSTEMD);

        guard_blackbox_before(g,
                &(struct act_about){
                        .what = what, .service = k, .finding = 7, .who = "ladder", .reason = "load"},
                now);
}

static void finish(void)
{
        for (int i = 0; i < 1000 && g->blackbox.now; i++)
                g->blackbox.timer.fire(g, now);
        check(!g->blackbox.now);
}

static uint32_t whole(void)
{
        struct capture *c = malloc(sizeof *c);
        uint32_t n = 0, sequence;

        for (uint32_t i = 0; i < BLACKBOX_SLOTS; i++)
                n += blackbox_read(g->blackbox.box, i, c, &sequence);
        free(c);
        return n;
}

/* The newest one into `got`. */
static bool newest(void)
{
        struct capture *c = malloc(sizeof *c);
        uint32_t sequence;

        memset(&got, 0, sizeof got);
        for (uint32_t i = 0; i < BLACKBOX_SLOTS; i++)
                if (blackbox_read(g->blackbox.box, i, c, &sequence) && c->number > got.number)
                        got = *c;
        free(c);
        return got.number != 0;
}

static const char *text(capture_text t)
{
        return capture_text_of(&got, t);
}

static const struct capture_process *process(int32_t pid)
{
        static const struct capture_process none;

        for (uint32_t i = 0; i < got.processes; i++)
                if (got.process[i].pid == pid)
                        return &got.process[i];
        return &none;
}

/* ---- when ---- */

static void a_critical_finding_is_captured(void)
{
        begin();
        born(10, 1, "worker.service", "celery -A app worker");
        born(11, 10, "worker.service", "celery -A app worker");
        born(20, 1, "api.service", "uvicorn api");
        in_proc(10, 'S', 50 * S);
        in_proc(11, 'R', 50 * S);
        finding(1, 5, "worker.service", SEVERITY_WARNING);
        guard_blackbox_findings(g, now);
        check(!g->blackbox.now);
        check_int(whole(), 0);
        b->finding[1].severity = SEVERITY_CRITICAL;
        guard_blackbox_findings(g, now);
        check(g->blackbox.now != NULL);
        check_int(whole(), 0); /* half a capture is none */
        finish();
        check(newest());
        check_int(got.number, 1);
        check_int(got.reasons, 1);
        check_int(got.reason[0].finding, 5);
        check_int(got.reason[0].cause, CAPTURE_FINDING);
        check_str(got.reason[0].what, "saturation");
        check_str(got.reason[0].service, "worker.service");
        check_int(got.begun_ns, now);
        check_near(got.host.load1, 12.5, 0);
        check_str(text(got.service[0].name), "worker.service");
        check(got.service[0].is_about);
        check_int(got.service[0].processes, 2);
        check_int(got.service[0].listed, 2);
        check_str(text(process(10)->command), "celery -A app worker");
        check_int(process(11)->ppid, 10);
        check_int(process(11)->seen, 'R');
        check_int(process(11)->threads, 4);
        check_int(process(11)->cpu_ns, 50 * MS);
        check_int(process(11)->rss_bytes, 7 * sysconf(_SC_PAGESIZE));
        guard_blackbox_findings(g, now + S); /* known */
        check(!g->blackbox.now);
        b->finding[1].severity = SEVERITY_WARNING;
        guard_blackbox_findings(g, now + 60 * S);
        b->finding[1].severity = SEVERITY_CRITICAL;
        now += 90 * S;
        guard_blackbox_findings(g, now); /* again, after it had been less */
        finish();
        check_int(whole(), 2);
        end();
}

static void a_burst_of_actions_shares_one(void)
{
        begin();
        born(10, 1, "worker.service", "celery");
        act("worker.service", "freeze");
        act("worker.service", "quota"); /* while it is under way */
        finish();
        for (int i = 0; i < 10; i++) {
                now += 500 * MS;
                act("worker.service", "stop");
        }
        check(newest());
        check_int(whole(), 1);
        check_int(got.reasons, CAPTURE_REASONS);
        check_int(got.reasons_left_out, 4);
        check_str(got.reason[0].what, "freeze");
        check_str(got.reason[0].who, "ladder");
        check_int(got.reason[0].cause, CAPTURE_ACTION);
        check_int(got.reason[1].finding, 7);
        check_int(got.reason[3].time_ns, 101 * S);
        now += 10 * S;
        act("worker.service", "freeze");
        finish();
        check_int(whole(), 2);
        end();
}

static void another_service_gets_its_own(void)
{
        begin();
        for (int32_t k = 0; k < 300; k++)
                born(1000 + k, 1, "worker.service", "celery");
        born(10, 1, "api.service", "uvicorn");
        act("worker.service", "freeze");
        check(g->blackbox.now != NULL);
        act("api.service", "freeze"); /* it is shown, because it contributes, too */
        finish();
        check_int(whole(), 1);
        for (int32_t k = 0; k < 3; k++) {
                char name[40];
                for (int32_t i = 0; i < 20; i++) {
                        snprintf(name, sizeof name, "big%d-%d.service", k, i);
                        b->service[b->process[born(3000 + k * 100 + i, 1, name, "big")].service].cpu_ratio =
                                9 - i * 0.1;
                }
        }
        born(20, 1, "small.service", "small");
        act("small.service", "stop");
        check(g->blackbox.now != NULL);
        act("big2-19.service", "stop"); /* not shown in the one under way, which ends */
        check_int(whole(), 2);
        finish();
        check_int(whole(), 3);
        check(newest());
        check_str(text(got.process[0].command), "big");
        check_str(text(got.service[0].name), "big2-19.service");
        end();
}

static void findings_of_one_look_share_one(void)
{
        begin();
        born(10, 1, "worker.service", "celery");
        born(20, 1, "api.service", "uvicorn");
        finding(1, 5, "worker.service", SEVERITY_CRITICAL);
        finding(2, 6, "", SEVERITY_CRITICAL);
        finding(3, 7, "api.service", SEVERITY_CRITICAL);
        guard_blackbox_findings(g, now);
        finish();
        check_int(whole(), 1);
        check(newest());
        check_int(got.reasons, 3);
        check(got.service[0].is_about && got.service[1].is_about);
        check(process(10)->pid && process(20)->pid);
        end();
}

static void captures_are_not_made_for_ever(void)
{
        begin();
        for (int i = 0; i < 360; i++) {
                act("worker.service", "freeze");
                finish();
                now += 10 * S;
        }
        check(g->blackbox.box->next_number >= 35);
        check(g->blackbox.box->next_number <= BLACKBOX_BURST + 3600 / BLACKBOX_EVERY_SEC);
        check(newest());
        check(got.reasons > 1); /* those in between */
        end();
}

/* ---- where to ---- */

static void numbers(uint64_t number[BLACKBOX_SLOTS])
{
        for (uint32_t i = 0; i < BLACKBOX_SLOTS; i++)
                number[i] = g->blackbox.box->slot[i].capture.number;
}

static bool has(uint64_t number)
{
        uint64_t all[BLACKBOX_SLOTS];

        numbers(all);
        for (uint32_t i = 0; i < BLACKBOX_SLOTS; i++)
                if (all[i] == number)
                        return true;
        return false;
}

static void capture_one(void)
{
        act("worker.service", "freeze");
        finish();
        now += 200 * S;
}

static void full_slots_keep_beginning_and_end(void)
{
        begin();
        for (uint32_t i = 0; i < BLACKBOX_SLOTS; i++)
                capture_one();
        check_int(whole(), BLACKBOX_SLOTS);
        check_int(g->blackbox.box->given_up, 0);
        for (int i = 0; i < 5; i++)
                capture_one();
        check_int(g->blackbox.box->given_up, 5);
        check_int(whole(), BLACKBOX_SLOTS);
        for (uint64_t n = 1; n <= 3; n++)
                check(has(n) && has(n + 8)); /* 1 2 3, 9 10 11 */
        /* the recorder is back: what is saved gives way first, the oldest before the others */
        for (uint32_t i = 0; i < BLACKBOX_SLOTS; i++)
                receipts->saved[i] = g->blackbox.box->slot[i].sequence;
        capture_one();
        check(!has(1) && has(2) && has(12));
        check_int(g->blackbox.box->given_up, 5);
        end();
}

static void another_reason_needs_another_receipt(void)
{
        uint32_t sequence;

        begin();
        act("worker.service", "freeze");
        finish();
        check(blackbox_read(g->blackbox.box, 0, &got, &sequence));
        check(!blackbox_has_other(g->blackbox.box, 0, sequence));
        act("worker.service", "stop");
        check(blackbox_has_other(g->blackbox.box, 0, sequence));
        end();
}

static void a_killed_guard_leaves_no_half(void)
{
        uint32_t sequence;

        begin();
        capture_one();
        born(10, 1, "worker.service", "celery");
        act("worker.service", "stop"); /* under way */
        check(g->blackbox.now != NULL);
        blackbox_change_begin(&g->blackbox.box->slot[0]); /* and another reason is being added */
        stop_guard();
        struct guard *dead = g;
        struct board *old = b;
        close(g->proc_fd);
        cgroup_done(&g->layout);
        start_guard();
        check_int(whole(), 1);
        check(blackbox_read(g->blackbox.box, 0, &got, &sequence));
        check_int(got.number, 1);
        capture_one();
        check_int(whole(), 2);
        check(newest());
        check_int(got.number, 3);
        munmap(dead, sizeof *dead);
        munmap(old, sizeof *old);
        end();
}

static void a_guard_that_is_told_to_stop_ends_it(void)
{
        begin();
        born(10, 1, "worker.service", "celery");
        act("worker.service", "stop");
        check_int(whole(), 0);
        guard_blackbox_stop(g);
        check_int(whole(), 1);
        end();
}

static void rehearsal_leaves_nothing(void)
{
        begin();
        guard_blackbox_rehearse(g);
        check_int(whole(), 0);
        check(!g->blackbox.now);
        for (uint32_t i = 0; i < BLACKBOX_SLOTS; i++)
                capture_one();
        guard_blackbox_rehearse(g);
        check_int(whole(), BLACKBOX_SLOTS); /* none was given up for it */
        end();
}

/* ---- what ---- */

static void the_tree_is_bounded_and_tells(void)
{
        uint32_t culprit;

        begin();
        born(1, 0, "init.scope", "systemd");
        born(2, 1, "shim.service", "containerd-shim");
        culprit = born(10, 2, "worker.service", "celery");
        for (int32_t k = 0; k < 1000; k++)
                born(1000 + k, 10, "worker.service", k % 2 ? "celery child" : "celery other");
        for (int32_t k = 0; k < 300; k++)
                born(5000 + k, 1, "api.service", "uvicorn");
        stack_of(1998, 'R', "");
        stack_of(1999, 'D', "io_schedule+0x1/0x2\n");
        b->process[culprit].zombies = 4;
        b->service[b->process[world_find(&g->world, 5000)].service].cpu_ratio = 0.5;
        act("worker.service", "freeze");
        finish();
        check(newest());
        check(got.processes <= CAPTURE_PROCESSES);
        check_int(got.processes + got.processes_left_out, 1303);
        check_int(got.process[0].pid % 2 + got.process[1].pid % 2, 1); /* 1998 and 1999, who are at work */
        check(got.process[0].pid >= 1998 && got.process[1].pid >= 1998);
        check_int(got.process[2].pid, 10);
        check_int(got.process[2].zombies, 4);
        check_int(got.service[0].listed, 64);
        check_int(process(1)->pid, 1);
        check_int(process(2)->flags & CAPTURE_CONTEXT, CAPTURE_CONTEXT);
        check_int(process(1999)->flags, 0);
        check(process(5000)->pid || process(5001)->pid);
        check_str(text(got.service[process(2)->service].name), "shim.service");
        check_int(got.texts_left_out, 0);
        end();
}

static void stacks_are_short_and_shared(void)
{
        begin();
        born(10, 1, "worker.service", "celery");
        born(11, 1, "worker.service", "celery");
        stack_of(10, 'D', "nfs_wait_bit_killable+0x2c/0x90 [nfs]\n__wait_on_bit+0x41/0xa0\n");
        stack_of(11, 'D', "nfs_wait_bit_killable+0x2c/0x90 [nfs]\n__wait_on_bit+0x41/0xa0\n");
        stack_of(12, 'R', "");
        stacks_more = 30;
        act("worker.service", "freeze");
        finish();
        check(newest());
        check_int(got.stacks, CAPTURE_STACKS_READ);
        check_int(got.tasks, 3);
        check_int(got.tasks_left_out, 30);
        check_str(text(got.task[0].stack), "nfs_wait_bit_killable+0x2c\n__wait_on_bit+0x41");
        check_str(text(got.task[0].wait), "nfs_wait_bit_killable");
        check_int(got.task[1].stack, got.task[0].stack);
        check_int(got.task[2].stack, 0);
        check_str(text(got.service[got.task[1].service].name), "worker.service");
        check_int(got.task[2].service, CAPTURE_NOBODY); /* nobody the guard knows */
        stacks_result = -EPERM;
        now += 60 * S;
        act("worker.service", "freeze");
        finish();
        check(newest());
        check_int(got.stacks, CAPTURE_STACKS_FAILED);
        check_int(got.stacks_error, EPERM);
        end();
}

static void without_bpf_proc_tells(void)
{
        begin();
        g->bpf = NULL;
        born(10, 1, "worker.service", "celery");
        born(11, 1, "worker.service", "celery");
        born(12, 1, "worker.service", "celery");
        in_proc(10, 'D', 50 * S);
        in_proc(11, 'R', 50 * S);
        in_proc(12, 'S', 50 * S);
        tree_put(&lab_tree, "proc/10/wchan", "nfs_wait_on_request");
        act("worker.service", "freeze");
        finish();
        check(newest());
        check_int(got.stacks, CAPTURE_STACKS_NONE);
        check_int(got.tasks, 2);
        check_str(text(got.task[0].wait), "nfs_wait_on_request");
        check_int(got.task[1].state, 'R');
        end();
}

static void those_that_are_gone_are_called_so(void)
{
        begin();
        born(10, 1, "worker.service", "celery");
        born(11, 1, "worker.service", "celery");
        in_proc(11, 'R', 90 * S); /* another one of that pid */
        act("worker.service", "kill");
        finish();
        check(newest());
        check_int(process(10)->seen, '-');
        check_int(process(11)->seen, '-');
        check(process(11)->rss_bytes == BOARD_UNKNOWN);
        end();
}

static void die(int32_t pid, const char *comm, int32_t status)
{
        uint32_t i = born(pid, 1, "worker.service", comm);

        world_set_comm(&g->world, i, comm);
        world_zombie(&g->world, i, now, status, now);
        world_buried(&g->world, i, now);
}

static void last_deaths(void)
{
        begin();
        die(300, "crashed", 139);
        world_deaths_flush(&g->world);
        for (int32_t k = 0; k < 100; k++) {
                char comm[LIFE_COMM_SIZE];
                snprintf(comm, sizeof comm, "routine%d", k);
                die(400 + k, comm, 0);
                world_deaths_flush(&g->world);
        }
        die(900, "just now", 0); /* of the second that runs */
        act("worker.service", "freeze");
        finish();
        check(newest());
        check_str(text(got.death[0].comm), "just now");
        check_str(text(got.death[1].comm), "routine99");
        check_int(got.deaths, 21);
        check_str(text(got.death[20].comm), "crashed"); /* older, but it ended badly */
        check_int(got.death[20].exit_status, 139);
        check_str(text(got.death[20].service), "worker.service");
        end();
}

static void the_kernels_log(void)
{
        struct kmsg *k;
        int pair[2];
        char record[80];

        begin();
        check_int(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
        k = &g->blackbox.kmsg;
        k->fd = pair[0];
        for (int i = 0; i < 60; i++) {
                int n = snprintf(record, sizeof record, "6,%d,%d,-;line %d\n", i, i, i);
                check_int(send(pair[1], record, (size_t)n, 0), n);
                if (i == 30)
                        guard_blackbox_tick(g);
        }
        act("worker.service", "freeze"); /* what came meanwhile is in it */
        finish();
        check(newest());
        check_int(got.lines, CAPTURE_LOG);
        check_str(text(got.line[0].text), "line 59");
        check_int(got.line[0].sequence, 59);
        check_int(got.log_error, 0);
        kmsg_close(k);
        close(pair[1]);
        k->why_not = EACCES;
        now += 60 * S;
        act("worker.service", "freeze");
        finish();
        check(newest());
        check_int(got.log_error, EACCES);
        end();
}

/* ---- what others write ---- */

static size_t is_a_document(size_t most)
{
        struct json_out j = json_out_of(most);
        json_error_t e = {.text = "none"};

        capture_json(&got, &j);
        check(!j.out.failed);
        json_t *doc = json_loadb(j.out.buf, j.out.len, 0, &e);
        check(doc != NULL);
        if (!doc)
                printf("# %s: %.80s\n", e.text, j.out.buf + MAX(e.position - 60, 0));
        size_t len = j.out.len;
        json_decref(doc);
        json_out_done(&j);
        return len;
}

/* Every text as long as it can be, of bytes that grow when they are shown, and all of them different. */
static void hostile_names_fit(void)
{
        char name[BOARD_NAME], command[BOARD_STRING], comm[LIFE_COMM_SIZE], stack[CAPTURE_STACK * 2];

        begin();
        memset(stack, 0x01, sizeof stack - 2);
        strcpy(stack + sizeof stack - 2, "\n");
        for (int32_t k = 0; k < 400; k++) {
                snprintf(name, sizeof name, "%d", k % 40);
                memset(name + 2, 0x02, sizeof name - 3);
                name[1] = name[1] ? name[1] : 0x03;
                name[sizeof name - 1] = '\0';
                memset(command, 0x1b, sizeof command - 1);
                command[sizeof command - 1] = '\0';
                memcpy(command, &k, 3);
                command[2] = command[1] = command[1] ? command[1] : '\xff';
                snprintf(comm, sizeof comm, "%d\n\033]0;x\007\xff", k);
                uint32_t i = world_born(&g->world, 1000 + k, 1, 50 * S, 50 * S);
                uint16_t s = world_service(&g->world, name, SERVICE_CGROUP);
                world_set_service(&g->world, i, s);
                world_set_command(&g->world, i, k % 3 ? command : NULL, NULL);
                memcpy(b->process[i].comm, comm, sizeof comm);
                b->service[s].cpu_ratio = 400 - k;
        }
        for (int32_t k = 0; k < 60; k++)
                stack_of(1000 + k, k % 2 ? 'D' : 'R', stack);
        for (int32_t k = 0; k < 40; k++) {
                struct event e = {.kind = EVENT_EXIT, .exit_status = 9, .count = UINT64_MAX - 1};
                memset(e.text, 0x05, sizeof e.text);
                memset(e.service, 0x06, sizeof e.service);
                memset(e.comm, 0x07, sizeof e.comm);
                e.text[0] = e.comm[0] = (char)(k + 32);
                ring_append(g->ring, &e);
        }
        for (int k = 0; k < 60; k++) {
                char record[400];
                int n = snprintf(record, sizeof record, "6,%d,1,-;", k);
                memset(record + n, 0x08, sizeof record - (size_t)n);
                record[n] = (char)(k + 32);
                kmsg_take(&g->blackbox.kmsg, record, sizeof record);
        }
        act(b->service[5].name, "\033[31mfreeze");
        finish();
        check(newest());
        check_int(got.processes + got.processes_left_out, 400);
        check(got.texts_left_out > 0);
        check(got.lines > 10 && got.deaths > 10); /* each kind has its room */
        printf("# %zu bytes, %u of the pool, %u texts left out\n", is_a_document(STORE_JSON_MAX),
                got.pool_used, got.texts_left_out);
        end();
}

/* Whatever stands in the memory: reading it does no harm. */
static void garbage_is_tamed(void)
{
        uint32_t seed = 1;

        for (int round = 0; round < 20; round++) {
                unsigned char *p = (unsigned char *)&got;
                for (size_t i = 0; i < sizeof got; i++) {
                        seed = seed * 1664525 + 1013904223;
                        p[i] = (unsigned char)(round < 3 ? 0xffu >> round : seed >> 24);
                }
                capture_tame(&got);
                check(got.processes <= CAPTURE_PROCESSES && got.pool_used <= CAPTURE_POOL);
                is_a_document(64 << 20);
        }
}

static void all(void)
{
        test(a_critical_finding_is_captured);
        test(a_burst_of_actions_shares_one);
        test(another_service_gets_its_own);
        test(findings_of_one_look_share_one);
        test(captures_are_not_made_for_ever);
        test(full_slots_keep_beginning_and_end);
        test(another_reason_needs_another_receipt);
        test(a_killed_guard_leaves_no_half);
        test(a_guard_that_is_told_to_stop_ends_it);
        test(rehearsal_leaves_nothing);
        test(the_tree_is_bounded_and_tells);
        test(stacks_are_short_and_shared);
        test(without_bpf_proc_tells);
        test(those_that_are_gone_are_called_so);
        test(last_deaths);
        test(the_kernels_log);
        test(hostile_names_fit);
        test(garbage_is_tamed);
}

int main(void)
{
        return tap_main(all);
}
