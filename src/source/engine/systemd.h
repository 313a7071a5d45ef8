/* libsystemd's D-Bus client, opened by the engine process when the first unit is to be stopped or started:
 * until then it costs nothing. The types are the real header's.
 */
#pragma once

#include "base/error.h"

#include <systemd/sd-bus.h>

#define SYSTEMD_FUNCTIONS(F)                                                                                 \
        F(new)                                                                                               \
        F(set_address)                                                                                       \
        F(set_bus_client)                                                                                    \
        F(set_method_call_timeout)                                                                           \
        F(start)                                                                                             \
        F(get_fd)                                                                                            \
        F(get_events)                                                                                        \
        F(get_timeout)                                                                                       \
        F(process)                                                                                           \
        F(match_signal_async)                                                                                \
        F(call_method_async)                                                                                 \
        F(message_get_error)                                                                                 \
        F(message_read)                                                                                      \
        F(slot_unref)                                                                                        \
        F(close_unref)

struct systemd {
#define F(name) __typeof__(sd_bus_##name) *name;
        SYSTEMD_FUNCTIONS(F)
#undef F
};

/* The library's functions, loaded once and kept; NULL with the error set. */
const struct systemd *systemd_load(struct error *e);
