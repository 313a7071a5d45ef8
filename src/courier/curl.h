/* libcurl, loaded at the first thing to send and by nobody else: with its kin it would take a tenth of the
 * memory budget. The types are the real header's.
 */
#pragma once

#include "base/error.h"

/* its macros check the types of variadic arguments, but only of direct calls */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#define CURL_FUNCTIONS(F)                                                                                    \
        F(global_init)                                                                                       \
        F(easy_init)                                                                                         \
        F(easy_setopt)                                                                                       \
        F(easy_getinfo)                                                                                      \
        F(easy_strerror)                                                                                     \
        F(easy_cleanup)                                                                                      \
        F(slist_append)                                                                                      \
        F(slist_free_all)                                                                                    \
        F(multi_init)                                                                                        \
        F(multi_setopt)                                                                                      \
        F(multi_add_handle)                                                                                  \
        F(multi_remove_handle)                                                                               \
        F(multi_socket_action)                                                                               \
        F(multi_info_read)                                                                                   \
        F(multi_cleanup)

struct curl {
#define F(name) __typeof__(curl_##name) *name;
        CURL_FUNCTIONS(F)
#undef F
};

/* The library's functions, loaded once and kept; NULL with the error set. */
const struct curl *curl_load(struct error *e);
