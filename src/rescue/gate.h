/* Who may try to log in now: so many connections per address and in all, so that a flood costs nearly nothing
 * and leaves others their turn. Pure. A connection that logs in gets its place back.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
        GATE_ADDRESSES = 64, /* full: the one that was quiet longest gives way */
        GATE_BURST = 10,     /* tries of one address at once; then one each GATE_EACH_NS */
        GATE_BURST_ALL = 40, /* of all addresses */
};
#define GATE_EACH_NS     UINT64_C(500000000)
#define GATE_EACH_ALL_NS UINT64_C(100000000)

/* IPv4 as it is, IPv6 by its first 64 bits: who has one of them has all. */
struct gate_address {
        unsigned char bytes[8];
        uint8_t family;
};

/* A bucket: the moment at which it is full again. */
struct gate {
        struct {
                struct gate_address address;
                uint64_t full_ns;
        } seen[GATE_ADDRESSES];
        uint64_t full_all_ns;
        uint64_t refused; /* ever */
};

bool gate_admit(struct gate *g, const struct gate_address *a, uint64_t now_ns);
/* It has logged in. */
void gate_welcome(struct gate *g, const struct gate_address *a);

/* How long the next answer waits after so many refused keys in one connection. */
uint64_t gate_delay_ns(unsigned refusals);
