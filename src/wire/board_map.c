/* Sharing the board: see board_map.h. */
#include "wire/board_map.h"

#include "base/shared.h"
#include "base/util.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

int board_create(void)
{
        return shared_create("sexton-board", sizeof(struct board));
}

int board_map(int fd, bool writable, struct board **ret_board)
{
        void *p;
        int r = shared_map(fd, sizeof(struct board), writable, &p);

        if (r < 0)
                return r;
        struct board *b = p;
        if (b->version && b->version != BOARD_VERSION) {
                munmap(b, sizeof *b);
                return -EPROTO;
        }
        *ret_board = b;
        return 0;
}

void board_unmap(struct board *b)
{
        if (b)
                munmap(b, sizeof *b);
}

void board_write_begin(struct board *b)
{
        /* |1 and not +1: a guard that died inside a write left the number odd */
        __atomic_store_n(&b->sequence, b->sequence | 1u, __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void board_write_end(struct board *b, uint64_t now_ns)
{
        b->updated_ns = now_ns;
        __atomic_store_n(&b->sequence, (b->sequence | 1u) + 1u, __ATOMIC_RELEASE);
}

static size_t used(uint32_t top, uint32_t max, size_t each)
{
        return (size_t)MIN(top, max) * each;
}

static void copy_used(struct board *to, const struct board *from, enum board_part part)
{
        memcpy(to, from, offsetof(struct board, finding));
        memcpy(to->finding, from->finding, used(to->finding_top, BOARD_FINDINGS, sizeof to->finding[0]));
        memcpy(to->pending, from->pending, used(to->pendings, BOARD_PENDING, sizeof to->pending[0]));
        memcpy(to->action, from->action, used(to->action_top, BOARD_ACTIONS, sizeof to->action[0]));
        to->breaker = from->breaker;
        memcpy(to->action_count, from->action_count, sizeof to->action_count);
        memcpy(to->service, from->service, used(to->service_top, BOARD_SERVICES, sizeof to->service[0]));
        if (part == BOARD_SERVICES_ONLY) {
                to->container_top = to->string_top = to->process_top = 0;
                return;
        }
        memcpy(to->container, from->container,
                used(to->container_top, BOARD_CONTAINERS, sizeof to->container[0]));
        memcpy(to->string, from->string, used(to->string_top, BOARD_STRINGS, sizeof to->string[0]));
        memcpy(to->process, from->process, used(to->process_top, BOARD_PROCESSES, sizeof to->process[0]));
}

int board_copy(struct board *copy, const struct board *b, enum board_part part, int tries)
{
        for (int i = 0; i < tries; i++) {
                uint32_t before = __atomic_load_n(&b->sequence, __ATOMIC_ACQUIRE);
                if (!(before & 1u)) {
                        copy_used(copy, b, part);
                        __atomic_thread_fence(__ATOMIC_ACQUIRE);
                        if (__atomic_load_n(&b->sequence, __ATOMIC_RELAXED) == before)
                                return 0;
                }
                nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
        }
        return -EAGAIN;
}

struct board *board_snapshot(const struct board *b, enum board_part part, int tries)
{
        struct board *copy = mmap(NULL, sizeof *copy, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (copy == MAP_FAILED)
                return NULL;
        if (board_copy(copy, b, part, tries) == 0)
                return copy;
        munmap(copy, sizeof *copy);
        errno = EAGAIN;
        return NULL;
}

#define END(text) ((text)[sizeof(text) - 1] = '\0')

static void end_service(struct service *s)
{
        END(s->name), END(s->id), END(s->image), END(s->image_id), END(s->config_hash);
        END(s->health_command);
        END(s->respawn_command), END(s->stuck_command);
}

static void end_finding(struct finding *f)
{
        END(f->detector), END(f->service_name), END(f->runbook), END(f->text), END(f->remedy);
        for (int k = 0; k < BOARD_EVIDENCE; k++)
                END(f->evidence[k].text), END(f->evidence[k].unit);
}

static void end_action(struct action *a)
{
        END(a->service_name), END(a->who), END(a->reason), END(a->previous), END(a->result);
        for (int k = 0; k < ACTION_MEASURES; k++)
                END(a->measure[k].name), END(a->measure[k].unit);
}

static void end_container(struct container *c)
{
        END(c->id), END(c->name), END(c->project), END(c->compose_service), END(c->number), END(c->image);
        END(c->image_id), END(c->config_hash), END(c->health_command), END(c->label_name);
}

static void end_host(struct board *b)
{
        END(b->host.name), END(b->host.kernel);
        for (int i = 0; i < BOARD_MOUNTS; i++)
                END(b->host.mount[i].path);
        for (int i = 0; i < BOARD_GAPS; i++)
                END(b->gap[i].source), END(b->gap[i].text);
        END(b->breaker.text);
        for (int i = 0; i < ACTION_COUNTS; i++)
                END(b->action_count[i].service_name);
        END(b->sources.why_not_netlink), END(b->sources.why_not_bpf), END(b->sources.engine_text);
}

void board_copy_torn(struct board *copy, const struct board *b, enum board_part part)
{
        copy_used(copy, b, part);
        end_host(copy);
        for (uint32_t i = 0; i < MIN(copy->finding_top, (uint32_t)BOARD_FINDINGS); i++)
                end_finding(&copy->finding[i]);
        for (uint32_t i = 0; i < MIN(copy->pendings, (uint32_t)BOARD_PENDING); i++)
                end_finding(&copy->pending[i].finding);
        for (uint32_t i = 0; i < MIN(copy->action_top, (uint32_t)BOARD_ACTIONS); i++)
                end_action(&copy->action[i]);
        for (uint32_t i = 0; i < MIN(copy->service_top, (uint32_t)BOARD_SERVICES); i++)
                end_service(&copy->service[i]);
        for (uint32_t i = 0; i < MIN(copy->container_top, (uint32_t)BOARD_CONTAINERS); i++)
                end_container(&copy->container[i]);
        for (uint32_t i = 0; i < MIN(copy->string_top, (uint32_t)BOARD_STRINGS); i++)
                END(copy->string[i].text);
        for (uint32_t i = 0; i < MIN(copy->process_top, (uint32_t)BOARD_PROCESSES); i++)
                END(copy->process[i].comm);
}

void board_snapshot_free(struct board *copy)
{
        board_unmap(copy);
}
