/* The recorder's memory of events: see history.h. */
#include "wire/history.h"

#include "base/util.h"

#include <stdio.h>
#include <string.h>

enum { CHUNK_BYTES = 16 << 10 };

struct history_chunk {
        struct history_chunk *next;
        uint64_t first_number;
        uint32_t events;
        uint32_t used;
        unsigned char data[CHUNK_BYTES];
};

/* An event in a chunk: this, then the three texts without NUL. */
struct packed {
        uint64_t time_ns, start_ns, count, cpu_ns;
        int64_t unix_ns;
        double value;
        int32_t pid, ppid, exit_status;
        uint16_t kind;
        uint8_t comm, service, text; /* lengths */
};

void history_init(struct history *h, uint64_t first_number)
{
        *h = (struct history){.next_number = first_number};
}

static void drop_oldest(struct history *h)
{
        struct history_chunk *c = h->oldest;

        h->oldest = c->next;
        if (!h->oldest)
                h->newest = NULL;
        h->events -= c->events;
        h->bytes -= sizeof *c;
        free(c);
}

void history_done(struct history *h)
{
        while (h->oldest)
                drop_oldest(h);
}

static unsigned char *place(struct history *h, size_t size)
{
        struct history_chunk *c = h->newest;

        if (!c || c->used + size > CHUNK_BYTES) {
                while (h->oldest && (h->events >= HISTORY_EVENTS || h->bytes + sizeof *c > HISTORY_BYTES))
                        drop_oldest(h);
                c = malloc(sizeof *c);
                if (!c)
                        return NULL;
                c->next = NULL;
                c->first_number = h->next_number;
                c->events = c->used = 0;
                if (h->newest)
                        h->newest->next = c;
                else
                        h->oldest = c;
                h->newest = c;
                h->bytes += sizeof *c;
        }
        unsigned char *p = c->data + c->used;
        c->used += (uint32_t)size;
        c->events++;
        h->events++;
        return p;
}

bool history_add(struct history *h, const struct event *e)
{
        if (h->told)
                h->told(h->told_ctx, e);
        struct packed k = {
                .time_ns = e->time_ns,
                .start_ns = e->start_ns,
                .count = e->count,
                .cpu_ns = e->cpu_ns,
                .unix_ns = e->unix_ns,
                .value = e->value,
                .pid = e->pid,
                .ppid = e->ppid,
                .exit_status = e->exit_status,
                .kind = e->kind,
                .comm = (uint8_t)strnlen(e->comm, sizeof e->comm - 1),
                .service = (uint8_t)strnlen(e->service, sizeof e->service - 1),
                .text = (uint8_t)strnlen(e->text, sizeof e->text - 1),
        };
        unsigned char *p = place(h, sizeof k + k.comm + k.service + k.text);

        h->next_number++;
        if (!p) {
                h->lost++;
                /* numbers inside a chunk run on without holes: end it */
                if (h->newest)
                        h->newest->used = CHUNK_BYTES;
                return false;
        }
        p = (unsigned char *)memcpy(p, &k, sizeof k) + sizeof k;
        p = (unsigned char *)memcpy(p, e->comm, k.comm) + k.comm;
        p = (unsigned char *)memcpy(p, e->service, k.service) + k.service;
        memcpy(p, e->text, k.text);
        return true;
}

uint32_t history_drain(struct history *h, struct ring_reader *rd, uint64_t now_ns, int64_t wall_offset_ns)
{
        uint64_t lost = rd->lost;
        struct event e;
        uint32_t n = 0;

        /* bounded: a guard that writes faster than we read must not keep us here */
        for (; n < 2 * RING_EVENTS && ring_read(rd, &e); n++) {
                /* what a broken writer left unterminated stays inside its field */
                e.comm[sizeof e.comm - 1] = e.service[sizeof e.service - 1] = e.text[sizeof e.text - 1] = 0;
                if (rd->lost != lost) {
                        struct event gap = {.kind = EVENT_GAP,
                                .time_ns = now_ns,
                                .unix_ns = (int64_t)now_ns + wall_offset_ns,
                                .count = rd->lost - lost,
                                .cpu_ns = BOARD_UNKNOWN,
                                .value = __builtin_nan("")};
                        snprintf(gap.text, sizeof gap.text,
                                "ring: %llu events were overwritten before the recorder read them",
                                (unsigned long long)gap.count);
                        h->lost += gap.count;
                        lost = rd->lost;
                        history_add(h, &gap);
                }
                history_add(h, &e);
        }
        return n;
}

bool history_next(const struct history *h, struct history_walk *w, struct event *ret, uint64_t *ret_number)
{
        struct packed k;

        if (!w->begun) {
                w->begun = true;
                w->chunk = h->oldest;
                w->at = 0;
                w->number = w->chunk ? w->chunk->first_number : 0;
        }
        while (w->chunk && w->number == w->chunk->first_number + w->chunk->events) {
                w->chunk = w->chunk->next;
                w->at = 0;
                w->number = w->chunk ? w->chunk->first_number : 0;
        }
        if (!w->chunk)
                return false;
        const unsigned char *p = w->chunk->data + w->at;
        memcpy(&k, p, sizeof k);
        p += sizeof k;
        *ret = (struct event){
                .time_ns = k.time_ns,
                .unix_ns = k.unix_ns,
                .kind = k.kind,
                .pid = k.pid,
                .ppid = k.ppid,
                .exit_status = k.exit_status,
                .start_ns = k.start_ns,
                .count = k.count,
                .cpu_ns = k.cpu_ns,
                .value = k.value,
        };
        memcpy(ret->comm, p, k.comm);
        memcpy(ret->service, p + k.comm, k.service);
        memcpy(ret->text, p + k.comm + k.service, k.text);
        w->at += sizeof k + k.comm + k.service + k.text;
        *ret_number = w->number++;
        return true;
}

uint64_t history_first(const struct history *h)
{
        return h->oldest ? h->oldest->first_number : h->next_number;
}

bool history_next_from(const struct history *h, struct history_walk *w, uint64_t number, struct event *ret,
        uint64_t *ret_number)
{
        if (!w->begun) {
                const struct history_chunk *c = h->oldest;
                while (c && c->first_number + c->events <= number)
                        c = c->next;
                *w = (struct history_walk){.chunk = c, .number = c ? c->first_number : 0, .begun = true};
        }
        while (history_next(h, w, ret, ret_number))
                if (*ret_number >= number)
                        return true;
        return false;
}
