/* Runs a fuzz target over its corpus as an ordinary TAP test, without libFuzzer: every file as it is,
 * cut short at many lengths, and with single bits turned over. All of it is the same at each run.
 * Inputs lie in blocks of exactly their size, so that the address sanitizer sees a read behind the end.
 */
#include "base/util.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
        FILE_MAX_BYTES = 1 << 20,
        CUTS = 200,  /* lengths tried per file; all of them for files shorter than this */
        FLIPS = 400, /* bits turned over per file */
};

static void feed(const uint8_t *data, size_t size)
{
        uint8_t *exact = malloc(size ? size : 1);

        if (!exact)
                abort();
        if (size)
                memcpy(exact, data, size);
        LLVMFuzzerTestOneInput(size ? exact : exact + 1, size);
        free(exact);
}

static void feed_variants(uint8_t *data, size_t size)
{
        size_t step = size / CUTS + 1;
        uint32_t random = 1;

        feed(data, size);
        for (size_t n = 0; n < size; n += step)
                feed(data, n);
        for (size_t i = 0; size && i < FLIPS; i++) {
                random = random * 1664525u + 1013904223u;
                size_t at = (random >> 8) % size;
                uint8_t bit = (uint8_t)(1u << ((random >> 4) & 7));
                data[at] ^= bit;
                feed(data, size);
                data[at] ^= bit;
        }
}

/* 0 or a negative errno. */
static int replay(const char *path)
{
        static uint8_t buffer[FILE_MAX_BYTES];
        FILE *f = fopen(path, "re");

        if (!f)
                return -errno;
        size_t size = fread(buffer, 1, sizeof(buffer), f);
        bool whole = feof(f) && !ferror(f);
        fclose(f);
        if (!whole)
                return -EFBIG;
        feed_variants(buffer, size);
        return 0;
}

static int visible(const struct dirent *d)
{
        return d->d_name[0] != '.';
}

int main(int argc, char **argv)
{
        struct dirent **entries = NULL;
        int failed = 0;

        if (argc != 2) {
                fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
                return EXIT_FAILURE;
        }
        int n = scandir(argv[1], &entries, visible, alphasort);
        if (n <= 0) {
                printf("1..1\nnot ok 1 - %s has files\n", argv[1]);
                return EXIT_FAILURE;
        }
        printf("1..%d\n", n + 1);
        feed(NULL, 0);
        printf("ok 1 - the empty input\n");
        for (int i = 0; i < n; i++) {
                char path[4096];
                snprintf(path, sizeof(path), "%s/%s", argv[1], entries[i]->d_name);
                printf("# %s\n", path);
                fflush(stdout);
                int r = replay(path);
                if (r < 0)
                        printf("# %s\n", strerror(-r));
                printf("%sok %d - %s and its variants\n", r < 0 ? "not " : "", i + 2, entries[i]->d_name);
                failed += r < 0;
                free(entries[i]);
        }
        free(entries);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
