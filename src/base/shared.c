/* Memory shared between processes: see shared.h. */
#include "base/shared.h"

#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

int shared_create(const char *name, size_t size)
{
        cleanup_close int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

        if (fd < 0 || ftruncate(fd, (off_t)size) < 0 ||
                fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
                return -errno;
        return TAKE_FD(fd);
}

int shared_map(int fd, size_t size, bool writable, void **ret)
{
        struct stat st;
        void *p;

        if (fstat(fd, &st) < 0)
                return -errno;
        if ((size_t)st.st_size != size)
                return -EPROTO;
        p = mmap(NULL, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
        if (p == MAP_FAILED)
                return -errno;
        *ret = p;
        return 0;
}
