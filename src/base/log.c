/* Log lines: see log.h. One write(2) per line, no allocation, control characters of foreign text
 * replaced, so that a hostile process name cannot forge a line.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *log_role = "sexton";
static enum log_level log_max = LOG_LEVEL_INFO;

void log_init(const char *role, enum log_level max_level)
{
        log_role = role;
        log_max = max_level;
}

void log_line(enum log_level level, const char *fmt, ...)
{
        char line[1024];
        size_t n;
        va_list ap;

        if (level > log_max)
                return;
        n = 0;
        if (getenv("JOURNAL_STREAM"))
                n = (size_t)snprintf(line, sizeof line, "<%d>", (int)level);
        n += (size_t)snprintf(line + n, sizeof line - n, "sexton-%s: ", log_role);
        va_start(ap, fmt);
        int k = vsnprintf(line + n, sizeof line - n - 1, fmt, ap);
        va_end(ap);
        if (k < 0)
                return;
        size_t end = MIN(n + (size_t)k, sizeof line - 2);
        for (size_t i = n; i < end; i++)
                if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
                        line[i] = '?';
        line[end++] = '\n';
        if (write(STDERR_FILENO, line, end) < 0)
                return; /* nowhere left to say it */
}
