/* libssh, opened by the rescue console alone: without the console it costs nothing. The types are the real
 * header's; all cryptography is the library's.
 */
#pragma once

#include "base/error.h"

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#define SSH_FUNCTIONS(F)                                                                                     \
        F(init)                                                                                              \
        F(set_log_level)                                                                                     \
        F(new)                                                                                               \
        F(free)                                                                                              \
        F(options_set)                                                                                       \
        F(set_blocking)                                                                                      \
        F(get_error)                                                                                         \
        F(get_status)                                                                                        \
        F(get_poll_flags)                                                                                    \
        F(set_auth_methods)                                                                                  \
        F(set_server_callbacks)                                                                              \
        F(handle_key_exchange)                                                                               \
        F(silent_disconnect)                                                                                 \
        F(event_new)                                                                                         \
        F(event_add_session)                                                                                 \
        F(event_remove_session)                                                                              \
        F(event_dopoll)                                                                                      \
        F(event_free)                                                                                        \
        F(set_channel_callbacks)                                                                             \
        F(channel_new)                                                                                       \
        F(channel_free)                                                                                      \
        F(channel_read_nonblocking)                                                                          \
        F(channel_write)                                                                                     \
        F(channel_window_size)                                                                               \
        F(channel_is_eof)                                                                                    \
        F(channel_send_eof)                                                                                  \
        F(channel_close)                                                                                     \
        F(channel_request_send_exit_status)                                                                  \
        F(bind_new)                                                                                          \
        F(bind_free)                                                                                         \
        F(bind_options_set)                                                                                  \
        F(bind_accept_fd)                                                                                    \
        F(key_free)                                                                                          \
        F(key_cmp)                                                                                           \
        F(key_type_from_name)                                                                                \
        F(key_type_to_char)                                                                                  \
        F(pki_generate)                                                                                      \
        F(pki_import_pubkey_base64)                                                                          \
        F(pki_import_privkey_base64)                                                                         \
        F(pki_export_privkey_base64)                                                                         \
        F(pki_export_pubkey_base64)                                                                          \
        F(get_publickey_hash)                                                                                \
        F(get_fingerprint_hash)                                                                              \
        F(clean_pubkey_hash)                                                                                 \
        F(string_free_char)

struct ssh {
#define F(name) __typeof__(ssh_##name) *name;
        SSH_FUNCTIONS(F)
#undef F
};

/* The library's functions, loaded once and kept; NULL with the error set. */
const struct ssh *ssh_load(struct error *e);
