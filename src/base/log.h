/* Log lines of the daemon's processes: one line each on standard error, with the syslog level prefix
 * that journald understands when standard error is a journal stream, plain otherwise.
 */
#pragma once

#include "base/util.h"

enum log_level {
        LOG_LEVEL_ERROR = 3,
        LOG_LEVEL_WARNING = 4,
        LOG_LEVEL_INFO = 6,
        LOG_LEVEL_DEBUG = 7,
};

/* Name shown in front of each line ("guard", "engine"...); the pointer is kept. Looks where standard error
 * leads. */
void log_init(const char *role, enum log_level max_level);
void log_line(enum log_level level, const char *fmt, ...) printf_like(2, 3);

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)
