/* Suspects and why: pure functions over a copy of the board. A suspect's score is its share of what is
 * wrong with the host (dead it holds, load, CPU, memory, pids...), not its noise and not its date of
 * deploy. Answers may be "nothing is wrong" or "none of these", and say with numbers what they refute.
 * Texts hold raw bytes of names and commands: escape them where they are shown.
 */
#pragma once

#include "model/board.h"

enum { SUSPECT_REASONS = 4, WHY_EVIDENCE = 12, WHY_REFUTED = 6, WHY_REMEDIES = 5 };

struct suspect {
        uint16_t service;
        double score; /* 0..1: share of what is wrong */
        char reason[SUSPECT_REASONS][160];
        uint32_t reasons;
        bool refuted; /* looks guilty (a finding, a late deploy) and isn't */
        char refutation[200];
};

struct why_answer {
        char question[160];
        char answer[1600];
        bool has_culprit;
        uint16_t culprit;
        char culprit_name[BOARD_NAME];
        double confidence; /* 0..1 */
        struct evidence evidence[WHY_EVIDENCE];
        uint32_t evidence_count;
        struct {
                char hypothesis[160];
                char because[240];
        } refuted[WHY_REFUTED];
        uint32_t refuted_count;
        char remedy[WHY_REMEDIES][400];
        uint32_t remedy_count;
};

/* Services with a share of what is wrong, or that look guilty, the largest share first. */
uint32_t suspects_rank(const struct board *b, uint64_t now_ns, struct suspect *out, uint32_t max);

/* What is killing the host? */
void why_host(const struct board *b, uint64_t now_ns, struct why_answer *ret);
/* What is wrong with this service? -ENOENT when there is none of that name. */
int why_service(const struct board *b, const char *name, uint64_t now_ns, struct why_answer *ret);
