/* Classic BPF over seccomp_data: see seccomp_filter.h. Jumps only go forward, so every program ends. */
#include "act/seccomp_filter.h"

#include <string.h>

struct machine {
        uint32_t a, x;
        uint32_t memory[BPF_MEMWORDS];
        const struct seccomp_data *call;
};

static bool load(struct machine *m, uint16_t code, uint32_t k, uint32_t *ret)
{
        switch (BPF_MODE(code)) {
        case BPF_IMM:
                *ret = k;
                return true;
        case BPF_MEM:
                if (k >= BPF_MEMWORDS)
                        return false;
                *ret = m->memory[k];
                return true;
        case BPF_LEN:
                *ret = sizeof *m->call;
                return true;
        case BPF_ABS:
                if (BPF_CLASS(code) != BPF_LD || k % sizeof *ret || k > sizeof *m->call - sizeof *ret)
                        return false;
                memcpy(ret, (const char *)m->call + k, sizeof *ret);
                return true;
        default:
                return false;
        }
}

static bool compute(struct machine *m, uint16_t code, uint32_t with)
{
        switch (BPF_OP(code)) {
        case BPF_ADD:
                m->a += with;
                return true;
        case BPF_SUB:
                m->a -= with;
                return true;
        case BPF_MUL:
                m->a *= with;
                return true;
        case BPF_DIV:
                if (!with)
                        return false;
                m->a /= with;
                return true;
        case BPF_AND:
                m->a &= with;
                return true;
        case BPF_OR:
                m->a |= with;
                return true;
        case BPF_XOR:
                m->a ^= with;
                return true;
        case BPF_LSH:
                m->a <<= with & 31;
                return true;
        case BPF_RSH:
                m->a >>= with & 31;
                return true;
        case BPF_NEG:
                m->a = -m->a;
                return true;
        default:
                return false;
        }
}

/* How far to jump behind the next instruction; negative when this is no jump. */
static int64_t jump(const struct machine *m, const struct sock_filter *f)
{
        uint32_t with = BPF_SRC(f->code) == BPF_X ? m->x : f->k;

        switch (BPF_OP(f->code)) {
        case BPF_JA:
                return f->k;
        case BPF_JEQ:
                return m->a == with ? f->jt : f->jf;
        case BPF_JGT:
                return m->a > with ? f->jt : f->jf;
        case BPF_JGE:
                return m->a >= with ? f->jt : f->jf;
        case BPF_JSET:
                return m->a & with ? f->jt : f->jf;
        default:
                return -1;
        }
}

static bool store(struct machine *m, const struct sock_filter *f)
{
        if (f->k >= BPF_MEMWORDS)
                return false;
        m->memory[f->k] = BPF_CLASS(f->code) == BPF_ST ? m->a : m->x;
        return true;
}

static bool move(struct machine *m, uint16_t code)
{
        if (BPF_MISCOP(code) == BPF_TAX)
                m->x = m->a;
        else
                m->a = m->x;
        return true;
}

bool seccomp_filter_run(const struct sock_filter *program, size_t count, const struct seccomp_data *call,
        uint32_t *ret_answer)
{
        struct machine m = {.call = call};

        for (size_t at = 0; at < count; at++) {
                const struct sock_filter *f = &program[at];
                int64_t far = 0;
                bool good = true;

                switch (BPF_CLASS(f->code)) {
                case BPF_LD:
                        good = BPF_SIZE(f->code) == BPF_W && load(&m, f->code, f->k, &m.a);
                        break;
                case BPF_LDX:
                        good = BPF_SIZE(f->code) == BPF_W && load(&m, f->code, f->k, &m.x);
                        break;
                case BPF_ST:
                case BPF_STX:
                        good = store(&m, f);
                        break;
                case BPF_ALU:
                        good = compute(&m, f->code, BPF_SRC(f->code) == BPF_X ? m.x : f->k);
                        break;
                case BPF_JMP:
                        far = jump(&m, f);
                        good = far >= 0;
                        break;
                case BPF_RET:
                        *ret_answer = BPF_RVAL(f->code) == BPF_A ? m.a : f->k;
                        return true;
                case BPF_MISC:
                        good = move(&m, f->code);
                        break;
                default:
                        good = false;
                }
                if (!good)
                        return false;
                at += (size_t)far;
        }
        return false;
}
