/* Log lines: see log.h. One write(2) per line, no allocation, control characters of foreign text
 * replaced, so that a hostile process name cannot forge a line.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *log_role = "sexton";
static enum log_level log_max = LOG_LEVEL_INFO;
static bool to_journal;

/* $JOURNAL_STREAM is "DEVICE:INODE" of what the service manager opened for us. It is inherited by those whose
 * standard error has been sent elsewhere, so the two are compared. */
static bool is_journal(int fd)
{
        const char *stream = getenv("JOURNAL_STREAM");
        char own[48];
        struct stat st;

        if (!stream || fstat(fd, &st) < 0)
                return false;
        snprintf(own, sizeof own, "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
        return !strcmp(stream, own);
}

void log_init(const char *role, enum log_level max_level)
{
        log_role = role;
        log_max = max_level;
        to_journal = is_journal(STDERR_FILENO);
}

void log_line(enum log_level level, const char *fmt, ...)
{
        char line[1024];
        size_t n;
        va_list ap;

        if (level > log_max)
                return;
        /* the journal knows our name, and takes the level from the front of the line */
        n = to_journal ? (size_t)snprintf(line, sizeof line, "<%d>%s: ", (int)level, log_role)
                       : (size_t)snprintf(line, sizeof line, "sexton-%s: ", log_role);
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
