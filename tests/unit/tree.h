/* A throw-away folder tree for tests of readers: made below /tmp, filled with small files, removed
 * with all that is in it.
 */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct tree {
        char root[64];
};

static inline void tree_init(struct tree *t)
{
        strcpy(t->root, "/tmp/sexton-tree-XXXXXX");
        if (!mkdtemp(t->root))
                abort();
}

/* Writes a file, making the folders above it; a name that ends in '/' makes only the folder. */
static inline void tree_put(const struct tree *t, const char *name, const char *text)
{
        char path[1024];

        snprintf(path, sizeof(path), "%s/%s", t->root, name);
        for (char *p = path + strlen(t->root) + 1; (p = strchr(p, '/')); p++) {
                *p = '\0';
                mkdir(path, 0755);
                *p = '/';
        }
        if (path[strlen(path) - 1] == '/')
                return;
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
                abort();
        close(fd);
}

static inline int tree_remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
        return remove(path);
}

static inline void tree_done(struct tree *t)
{
        nftw(t->root, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
