/* Loading and attaching of the BPF programs, done by a child process that hands over nothing but
 * descriptors: libbpf reads the kernel's type information (12 MB for a moment) and touches much of its own
 * code, and all that memory goes away with the child (measured: 60 kB stay instead of 300).
 */
#pragma once

#include "source/bpf/bpf.h"

/* All -1 where not there; links beyond the iterators' are only kept open, that keeps them attached. */
struct bpf_loaded {
        int ring_fd, shared_fd, iter_fd, stack_fd;
        int link_fds[6];
};

/* As bpf_source_open(); ring_bytes is a power of two. */
int bpf_load(const struct bpf_options *o, struct bpf_loaded *ret, struct error *e);
void bpf_loaded_done(struct bpf_loaded *l);
