/* How services and the host usually are: means of two minutes over the last hour, of which the median is
 * told as normal. Kept only in memory, as much as there are services.
 */
#pragma once

#include "incident/harm.h"
#include "incident/incident.h"

struct usual_track;
struct usual {
        struct usual_track *track; /* [0] = the host, else by the service's index */
        uint32_t tracks;
        uint64_t slot_ns; /* when the running mean began */
};

void usual_done(struct usual *u);
/* One look, some seconds after the last. Without memory for more services those are unknown. */
void usual_add(struct usual *u, const struct board *b, uint64_t now_ns);
/* NAN while unknown: not watched for two minutes yet. service 0 = the host. */
double usual_of(const struct usual *u, const struct board *b, uint16_t service, uint32_t kind);
/* What that is now; NAN unknown. */
double usual_now(const struct board *b, uint16_t service, uint32_t kind);
