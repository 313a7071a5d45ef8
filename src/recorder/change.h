/* Requests that change something: sent with POST or DELETE, by those who may (leave.h).
 */
#pragma once

#include "recorder/route.h"

struct change {
        const char *method, *path;
        const char *help;
        void (*apply)(struct route_reply *r, const struct route_request *request, const char *who);
};

extern const struct change changes[];
extern const size_t changes_count;

/* NULL: this path doesn't take this method. */
const struct change *change_find(const char *method, const char *path);
/* For the header Allow: what this path takes. */
const char *change_allowed(const char *path);
