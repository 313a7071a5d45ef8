/* What a service manager (systemd) is told, by its own protocol: datagrams of NAME=VALUE lines to the
 * socket that $NOTIFY_SOCKET names. Where there is none, nothing happens. Only the process that the
 * manager started may speak; its children call service_manager_forget() before they become something else.
 */
#pragma once

#include "base/util.h"

#include <stdbool.h>

/* Sends one datagram of at most 500 bytes. Never waits: a manager whose queue is full misses it, which is
 * logged. */
void service_manager_tell(const char *fmt, ...) printf_like(1, 2);
/* True when somebody listens. */
bool service_manager_present(void);
/* How often the manager wants WATCHDOG=1 at the latest, in ns; 0 when it doesn't, or asks another process. */
uint64_t service_manager_watchdog_ns(void);
/* Takes the manager's variables out of the environment. */
void service_manager_forget(void);
