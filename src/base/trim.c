/* Giving back memory: see trim.h. */
#include "base/trim.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static int let_go(struct dl_phdr_info *info, size_t size, void *ctx)
{
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

        for (int i = 0; i < info->dlpi_phnum; i++) {
                const ElfW(Phdr) *h = &info->dlpi_phdr[i];
                /* never written, not even by relocation: those are in a segment that began writable */
                if (h->p_type != PT_LOAD || (h->p_flags & PF_W))
                        continue;
                uintptr_t from = (info->dlpi_addr + h->p_vaddr) & ~(page - 1);
                uintptr_t to = (info->dlpi_addr + h->p_vaddr + h->p_memsz + page - 1) & ~(page - 1);
                union {
                        uintptr_t number;
                        void *pointer;
                } start = {.number = from};
                madvise(start.pointer, to - from, MADV_DONTNEED);
        }
        return 0;
}

void trim_memory(void)
{
        malloc_trim(0);
        dl_iterate_phdr(let_go, NULL);
}
