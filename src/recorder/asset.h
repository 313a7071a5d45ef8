/* The files of the dashboard, which the build puts into the program (web/embed.py), each as it is and
 * compressed with gzip.
 */
#pragma once

#include <stddef.h>

struct asset {
        const char *path, *content_type;
        struct asset_form {
                const unsigned char *data;
                size_t len;
                const char *etag; /* with its quotes */
        } plain, gzip;
};

extern const struct asset assets[]; /* up to the one without a path; the first is the page, "/" */

/* NULL when there is no such file. */
const struct asset *asset_find(const char *path);
