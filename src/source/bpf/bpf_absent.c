/* The BPF source of a build without libbpf, clang or bpftool: never there, and says so. See bpf.h. */
#include "source/bpf/bpf.h"

#include <errno.h>

int bpf_source_open(const struct bpf_options *o, struct bpf_source **ret, struct error *e)
{
        return error_set(
                e, -ENOTSUP, "this sexton was built without BPF (clang, bpftool and libbpf are needed)");
}

void bpf_source_free(struct bpf_source *s)
{
}

int bpf_source_fd(const struct bpf_source *s)
{
        return -1;
}

bool bpf_source_sleep(struct bpf_source *s)
{
        return true;
}

bool bpf_source_is_filling(const struct bpf_source *s)
{
        return false;
}

int bpf_source_drain(struct bpf_source *s, uint32_t max, life_fn fn, void *ctx)
{
        return 0;
}

uint64_t bpf_source_lost(const struct bpf_source *s)
{
        return 0;
}

int bpf_source_tasks(
        struct bpf_source *s, unsigned what, void (*fn)(void *ctx, const struct bpf_task *t), void *ctx)
{
        return -ENOTSUP;
}

int bpf_source_stacks(struct bpf_source *s, uint32_t blocked, uint32_t running,
        void (*fn)(void *ctx, const struct bpf_task *t, const char *stack, size_t len), void *ctx,
        uint32_t *ret_left_out)
{
        return -ENOTSUP;
}
