/* A board made by hand, for tests of whatever reads one: services, processes and zombies by one call
 * each, and a clock of the test's own. The board is a private mapping: only touched pages cost.
 */
#pragma once

#include "base/util.h"
#include "model/board.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define FAKE_T0    (1000000 * NSEC_PER_SEC)
#define FAKE_S(s)  ((uint64_t)((double)(s) * (double)NSEC_PER_SEC))
#define FAKE_GRACE 10

static inline struct board *fake_board(void)
{
        struct board *b = mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (b == MAP_FAILED)
                abort();
        b->version = BOARD_VERSION;
        b->size = sizeof *b;
        b->started_ns = FAKE_T0 - FAKE_S(7200);
        b->grace_ns = FAKE_S(FAKE_GRACE);
        b->process_top = b->string_top = b->container_top = b->finding_top = 1;
        b->service_top = 1;
        b->service[0].kind = SERVICE_CGROUP;
        strcpy(b->service[0].name, "(other)");
        b->host.cpus = 2;
        b->host.pid_max = 32768;
        b->host.threads_max = 30000;
        b->host.tasks = 200;
        b->host.memory_bytes = UINT64_C(4) << 30;
        b->host.memory_available_bytes = UINT64_C(3) << 30;
        b->host.memory_slope_bytes_per_sec = NAN;
        b->host.psi_cpu = b->host.psi_memory = b->host.psi_io = 0;
        strcpy(b->host.name, "vm");
        return b;
}

static inline void fake_board_done(struct board *b)
{
        munmap(b, sizeof *b);
}

static inline uint16_t fake_service(struct board *b, const char *name, enum service_kind kind)
{
        uint16_t i = (uint16_t)b->service_top++;
        struct service *s = &b->service[i];

        snprintf(s->name, sizeof s->name, "%s", name);
        s->kind = (uint8_t)kind;
        s->memory_limit_bytes = s->pids_limit = BOARD_UNKNOWN;
        s->memory_slope_bytes_per_sec = NAN;
        s->psi_cpu = s->psi_memory = s->psi_io = NAN;
        s->first_seen_ns = b->started_ns;
        return i;
}

static inline uint32_t fake_string(struct board *b, const char *text)
{
        uint32_t i = b->string_top++;

        snprintf(b->string[i].text, sizeof b->string[i].text, "%s", text);
        b->string[i].refs = 1;
        return i;
}

/* A living process; parent = index of its birth parent's entry. */
static inline uint32_t fake_process(
        struct board *b, uint16_t service, int32_t pid, uint32_t parent, const char *command)
{
        uint32_t i = b->process_top++;
        struct process *p = &b->process[i];

        p->pid = pid;
        p->parent = parent;
        p->ppid = parent ? b->process[parent].pid : 0;
        p->service = service;
        p->state = PROCESS_ALIVE;
        p->threads = 1;
        p->cpu_ns = BOARD_UNKNOWN;
        p->command = fake_string(b, command);
        snprintf(p->comm, sizeof p->comm, "%.15s", command);
        p->start_ns = FAKE_T0 - FAKE_S(3600);
        b->service[service].processes++;
        return i;
}

/* Turns an entry into a zombie of that death, held by `holder` (0 = whoever ppid says), in the ledger. */
static inline void fake_dies(struct board *b, uint32_t i, uint32_t holder, uint64_t exit_ns)
{
        struct process *p = &b->process[i];

        p->state = PROCESS_ZOMBIE;
        p->exit_ns = exit_ns;
        p->list_next = b->ledger_head;
        if (b->ledger_head)
                b->process[b->ledger_head].list_prev = i;
        b->ledger_head = i;
        b->zombies++;
        b->service[p->service].zombies++;
        if (holder) {
                p->ppid = b->process[holder].pid;
                b->service[b->process[holder].service].held++;
        }
}

static inline void fake_recent(struct recent *r, uint64_t at_ns, int32_t value)
{
        size_t at = (size_t)(r->total++ % BOARD_RECENT);

        r->at_ns[at] = at_ns;
        r->value[at] = value;
}
