/* Captures made harmless: see capture_tame.h. */
#include "wire/capture_tame.h"

#include "base/util.h"

#define END(text)        ((text)[sizeof(text) - 1] = '\0')
#define CLAMP(n, tables) ((n) = (uint16_t)MIN((uint32_t)(n), (uint32_t)(tables)))

static void tame_letter(char *letter)
{
        *letter = *letter == 0 || (*letter > ' ' && *letter <= '~') ? *letter : '?';
}

/* More than a signed number holds is no number that readers of JSON understand. */
static void tame_number(uint64_t *n)
{
        *n = *n <= INT64_MAX ? *n : BOARD_UNKNOWN;
}

static void tame_numbers(uint64_t *const n[], size_t count)
{
        for (size_t i = 0; i < count; i++)
                tame_number(n[i]);
}
#define NUMBERS(...)                                                                                         \
        tame_numbers((uint64_t *const[]){__VA_ARGS__}, ARRAY_SIZE(((uint64_t *const[]){__VA_ARGS__})))

static void tame_service(const struct capture *c, uint8_t *service)
{
        *service = *service < c->services ? *service : CAPTURE_NOBODY;
}

static void tame_pool(struct capture *c)
{
        c->pool_used = MIN(c->pool_used, (uint32_t)CAPTURE_POOL);
        c->pool[0] = '\0';
        if (c->pool_used)
                c->pool[c->pool_used - 1] = '\0';
}

void capture_tame(struct capture *c)
{
        tame_pool(c);
        CLAMP(c->reasons, CAPTURE_REASONS);
        CLAMP(c->services, CAPTURE_SERVICES);
        CLAMP(c->processes, CAPTURE_PROCESSES);
        CLAMP(c->tasks, CAPTURE_TASKS);
        CLAMP(c->deaths, CAPTURE_DEATHS);
        CLAMP(c->lines, CAPTURE_LOG);
        NUMBERS(&c->number, &c->begun_ns, &c->ended_ns, &c->held_ns);
        NUMBERS(&c->host.tasks, &c->host.pid_max, &c->host.memory_bytes, &c->host.memory_available_bytes,
                &c->host.swap_bytes, &c->host.swap_free_bytes, &c->host.oom_kills);
        c->stacks = c->stacks <= CAPTURE_STACKS_FAILED ? c->stacks : CAPTURE_STACKS_NONE;
        for (uint32_t i = 0; i < c->reasons; i++) {
                struct capture_reason *r = &c->reason[i];
                END(r->what), END(r->service), END(r->who), END(r->text);
        }
        for (uint32_t i = 0; i < c->services; i++) {
                struct capture_service *s = &c->service[i];
                NUMBERS(&s->memory_bytes, &s->memory_limit_bytes, &s->pids, &s->pids_limit);
        }
        for (uint32_t i = 0; i < c->processes; i++) {
                struct capture_process *p = &c->process[i];
                NUMBERS(&p->start_ns, &p->exit_ns, &p->cpu_ns, &p->rss_bytes);
                tame_service(c, &p->service);
                tame_letter(&p->seen);
        }
        for (uint32_t i = 0; i < c->tasks; i++) {
                tame_service(c, &c->task[i].service);
                tame_letter(&c->task[i].state);
                tame_number(&c->task[i].cpu_ns);
        }
        for (uint32_t i = 0; i < c->deaths; i++) {
                struct capture_death *d = &c->death[i];
                NUMBERS(&d->time_ns, &d->start_ns, &d->count, &d->cpu_ns);
        }
        for (uint32_t i = 0; i < c->lines; i++)
                NUMBERS(&c->line[i].boot_usec, &c->line[i].sequence);
}
