/* Who may try to log in now: see gate.h. */
#include "rescue/gate.h"

#include "base/util.h"

#include <string.h>

enum { DELAY_DOUBLINGS = 5 };
#define DELAY_NS (100 * NSEC_PER_MSEC)

static bool is_full(uint64_t full_ns, uint64_t each_ns, unsigned burst, uint64_t now_ns)
{
        return full_ns > now_ns && full_ns - now_ns > (burst - 1) * each_ns;
}

/* Its place, or the one of the address that was quiet longest. */
static size_t place_of(const struct gate *g, const struct gate_address *a)
{
        size_t quiet = 0;

        for (size_t i = 0; i < GATE_ADDRESSES; i++) {
                if (!memcmp(&g->seen[i].address, a, sizeof *a))
                        return i;
                if (g->seen[i].full_ns < g->seen[quiet].full_ns)
                        quiet = i;
        }
        return quiet;
}

bool gate_admit(struct gate *g, const struct gate_address *a, uint64_t now_ns)
{
        size_t i = place_of(g, a);

        if (memcmp(&g->seen[i].address, a, sizeof *a) != 0) {
                g->seen[i].address = *a;
                g->seen[i].full_ns = 0;
        }
        if (is_full(g->full_all_ns, GATE_EACH_ALL_NS, GATE_BURST_ALL, now_ns) ||
                is_full(g->seen[i].full_ns, GATE_EACH_NS, GATE_BURST, now_ns)) {
                g->refused++;
                return false;
        }
        g->full_all_ns = MAX(g->full_all_ns, now_ns) + GATE_EACH_ALL_NS;
        g->seen[i].full_ns = MAX(g->seen[i].full_ns, now_ns) + GATE_EACH_NS;
        return true;
}

void gate_welcome(struct gate *g, const struct gate_address *a)
{
        size_t i = place_of(g, a);

        if (!memcmp(&g->seen[i].address, a, sizeof *a))
                g->seen[i].full_ns -= MIN(g->seen[i].full_ns, GATE_EACH_NS);
        g->full_all_ns -= MIN(g->full_all_ns, GATE_EACH_ALL_NS);
}

uint64_t gate_delay_ns(unsigned refusals)
{
        return refusals ? DELAY_NS << MIN(refusals - 1, (unsigned)DELAY_DOUBLINGS) : 0;
}
