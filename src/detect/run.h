/* One pass over the detectors: shared by the frame and the ledger's pass, not by detectors. */
#pragma once

#include "detect/detect.h"

struct detect_run {
        struct detect_state *s;
        struct board *b;
        const struct detect_config *cfg;
        uint64_t now_ns;
        uint8_t detector;
        uint32_t refused;
        void (*emit)(void *ctx, const struct event *e);
        void *emit_ctx;
};

/* The pass over the ledger, when one is due. */
void detect_ledger(struct detect_run *run);
