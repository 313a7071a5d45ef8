/* Decoding of what the BPF programs wrote; apart from the rest so that it is tested without a kernel. */
#pragma once

#include "base/util.h"
#include "model/life.h"

#include <linux/types.h>
#include <stdbool.h>

#include "source/bpf/record.h"

/* What an event's command and exe point into. */
struct record_text {
        char command[LIFE_COMMAND_SIZE];
        char exe[LIFE_EXE_SIZE];
};

/* False, e as it was, when data is no record we know. */
bool record_read(const void *data, size_t size, struct record_text *text, struct life_event *e);

/* The letter that /proc/PID/stat shows for a task's state. */
char record_state_char(uint32_t state, uint32_t exit_state);

/* What the iterator over stacks wrote: its record into *ret, and where its lines stand. Returns how many
 * bytes they are together, 0 when they aren't whole. */
size_t record_read_stack(
        const char *data, size_t size, struct record_stack *ret, const char **ret_text, size_t *ret_len);
