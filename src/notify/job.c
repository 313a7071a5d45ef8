/* Packets between recorder and courier: see job.h. */
#include "notify/job.h"

#include "base/text.h"
#include "base/util.h"

#include <string.h>

const char *notify_reason_name(enum notify_reason r)
{
        static const char *const name[NOTIFY_REASONS] = {
                [NOTIFY_OPENED] = "opened",
                [NOTIFY_SEVERITY] = "severity",
                [NOTIFY_REPEAT] = "repeat",
                [NOTIFY_RESOLVED] = "resolved",
                [NOTIFY_TEST] = "test",
        };

        return r < NOTIFY_REASONS ? name[r] : "?";
}

bool job_tame(void *packet, size_t len)
{
        struct job *j = packet;

        if (len < sizeof *j || j->version != JOB_VERSION || j->reason >= NOTIFY_REASONS ||
                j->severity > SEVERITY_CRITICAL || j->severity_before > SEVERITY_CRITICAL ||
                j->json_len != len - sizeof *j || j->json_len > JOB_INCIDENT_MAX || !(j->repeat >= 0) ||
                j->repeat > 1e9)
                return false;
        j->notifier[sizeof j->notifier - 1] = '\0';
        j->service[sizeof j->service - 1] = '\0';
        j->host[sizeof j->host - 1] = '\0';
        return j->notifier[0];
}

bool result_tame(struct result *r, size_t len)
{
        char text[JOB_TEXT];

        if (len != sizeof *r || r->version != JOB_VERSION || r->outcome >= OUTCOMES)
                return false;
        text_printable(text, sizeof text, r->text, strnlen(r->text, sizeof r->text - 1));
        memcpy(r->text, text, sizeof text);
        r->retry_after = MIN(r->retry_after, 86400u);
        return true;
}
