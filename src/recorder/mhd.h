/* libmicrohttpd, loaded when the recorder starts and by nobody else: it brings GnuTLS and its kin, whose
 * relocations would cost each of the other processes of the same binary memory for nothing. The types
 * are the real header's.
 */
#pragma once

#include "base/error.h"

#include <microhttpd.h>

#define MHD_FUNCTIONS(F)                                                                                     \
        F(start_daemon)                                                                                      \
        F(stop_daemon)                                                                                       \
        F(get_daemon_info)                                                                                   \
        F(run)                                                                                               \
        F(get_timeout)                                                                                       \
        F(get_connection_values)                                                                             \
        F(lookup_connection_value)                                                                           \
        F(create_response_from_buffer)                                                                       \
        F(create_response_from_callback)                                                                     \
        F(add_response_header)                                                                               \
        F(queue_response)                                                                                    \
        F(destroy_response)                                                                                  \
        F(get_connection_info)                                                                               \
        F(suspend_connection)                                                                                \
        F(resume_connection)

struct mhd {
#define F(name) __typeof__(MHD_##name) *name;
        MHD_FUNCTIONS(F)
#undef F
};

/* The library's functions, loaded once and kept; NULL with the error set. */
const struct mhd *mhd_load(struct error *e);
