/* Incidents: findings of one service whose times overlap belong together. Worked out anew from the
 * findings on a board whenever somebody asks; an incident is called by the number of its first finding,
 * and is forgotten when the board needs the entries of its findings.
 */
#pragma once

#include "model/board.h"

struct incident {
        uint32_t id;
        uint16_t first, count; /* in incidents.order */
        uint16_t title;        /* the worst of its findings, the oldest of those */
        uint8_t severity;
        bool open;
        uint64_t opened_ns, closed_ns;
};

struct incidents {
        uint32_t count;
        struct incident incident[BOARD_FINDINGS]; /* open ones first, then the newest */
        uint16_t order[BOARD_FINDINGS];           /* indices of findings, those of an incident together */
};

void incident_group(const struct board *b, struct incidents *ret);
uint32_t incident_open_count(const struct board *b);
