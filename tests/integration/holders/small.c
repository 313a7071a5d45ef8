/* A 32-bit program without any library: one dead child, and a long pause. */
static long call(long number, long a)
{
        long result;

        __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a) : "memory");
        return result;
}

enum { EXIT = 1, FORK = 2, PAUSE = 29 };

void _start(void)
{
        if (!call(FORK, 0))
                call(EXIT, 0);
        for (;;)
                call(PAUSE, 0);
}
