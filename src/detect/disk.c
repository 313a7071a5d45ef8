/* Disk: space or inodes of a mount full, nearly full, or soon full at the pace of growth. */
#include "detect/detect.h"
#include "model/drill.h"
#include "world/view.h"

#include <stdio.h>
#include <string.h>

enum { SPACE, INODES, GROWS, VARIANTS };

static enum severity severity(const struct detect_config *cfg, double free)
{
        return free < cfg->disk_critical ? SEVERITY_CRITICAL : SEVERITY_WARNING;
}

/* Whose finding a mount's is: the host's, but a drill's own mount is the drill's. False: nobody's. */
static bool owner(struct detect_run *run, const struct mount_point *m, uint16_t *ret)
{
        int32_t pid = drill_pid(m->path, DRILL_FOLDER);
        char name[BOARD_NAME];

        *ret = 0;
        if (!pid)
                return true;
        snprintf(name, sizeof name, DRILL_GROUP "%d", pid);
        for (uint16_t i = 0; (i = detect_next(run, i)) > 0;)
                if (detect_is_drill(run, i) && !strcmp(detect_board(run)->service[i].name, name))
                        *ret = i;
        return *ret;
}

static void look_at_space(
        struct detect_run *run, const struct mount_point *m, uint16_t service, uint32_t variant)
{
        const struct detect_config *cfg = detect_config(run);
        double free = view_ratio(m->free_bytes, m->size_bytes);
        char a[VIEW_SPAN], b[VIEW_SPAN];

        /* A tenth of a large disk is plenty. */
        if (!isless(free, cfg->disk_free) || (double)m->free_bytes >= cfg->disk_enough)
                return;
        struct finding *f = detect_holds(run, service, variant, severity(cfg, free), cfg->disk_for);
        if (!f)
                return;
        detect_text(f, "%.100s is %.0f %% full: %s of %s left", m->path, (1 - free) * 100,
                view_bytes((double)m->free_bytes, a), view_bytes((double)m->size_bytes, b));
        detect_remedy(f,
                "Find what grows on %.100s (`du -xh --max-depth=2`, `docker system df`): logs without "
                "rotation (`max-size` of the json-file "
                "driver), images (`docker image prune`), deleted files still open (`lsof +L1`).",
                m->path);
        detect_evidence(
                f, 0, 1 - free, "ratio", "%.1f %% in use, %.1f %% free", (1 - free) * 100, free * 100);
        if (view_above(m->slope_bytes_per_sec, 0))
                detect_evidence(f, 0, m->slope_bytes_per_sec, "B/s", "grows by %s per second",
                        view_bytes(m->slope_bytes_per_sec, a));
}

static void look_at_inodes(struct detect_run *run, const struct mount_point *m, uint32_t variant)
{
        const struct detect_config *cfg = detect_config(run);
        double free = view_ratio(m->inodes_free, m->inodes); /* NAN on file systems without a fixed number */

        if (!isless(free, cfg->disk_free))
                return;
        struct finding *f = detect_holds(run, 0, variant, severity(cfg, free), cfg->disk_for);
        if (!f)
                return;
        detect_text(f, "%.100s has %.0f %% of its inodes in use: no file can be made when they run out",
                m->path, (1 - free) * 100);
        detect_remedy(f,
                "Find folders with very many small files on %.100s (`du -x --inodes --max-depth=3`) and "
                "clear them.",
                m->path);
        detect_evidence(f, 0, 1 - free, "ratio", "%llu of %llu inodes free",
                (unsigned long long)m->inodes_free, (unsigned long long)m->inodes);
}

static void look_at_growth(struct detect_run *run, const struct mount_point *m, uint32_t variant)
{
        const struct detect_config *cfg = detect_config(run);
        double in = (double)m->free_bytes / m->slope_bytes_per_sec;
        char span[VIEW_SPAN], a[VIEW_SPAN], b[VIEW_SPAN];

        if (!view_known(m->free_bytes) || m->size_bytes == 0 || !view_above(m->slope_bytes_per_sec, 0) ||
                !isless(in, cfg->disk_full_in))
                return;
        struct finding *f = detect_holds(run, 0, variant, SEVERITY_WARNING, cfg->disk_growth_for);
        if (!f)
                return;
        detect_text(f, "%.100s is full in about %s at the pace of the last minutes", m->path,
                view_span(in, span));
        detect_remedy(f, "Find what writes there (`du -xh --max-depth=2` twice, some minutes apart) and stop "
                         "or rotate it.");
        detect_evidence(f, 0, m->slope_bytes_per_sec, "B/s", "%s more per second, %s free",
                view_bytes(m->slope_bytes_per_sec, a), view_bytes((double)m->free_bytes, b));
}

static void look(struct detect_run *run)
{
        const struct host *h = &detect_board(run)->host;

        for (uint32_t i = 0; i < MIN(h->mounts, (uint32_t)BOARD_MOUNTS); i++) {
                const struct mount_point *m = &h->mount[i];

                uint16_t service;
                if (!owner(run, m, &service))
                        continue;
                /* Mounts come and go, and their places shift: a finding stays with the path. */
                uint32_t id = 5381;
                for (const char *p = m->path; *p && p < m->path + sizeof m->path; p++)
                        id = id * 33 + (uint8_t)*p;
                look_at_space(run, m, service, id * VARIANTS + SPACE);
                if (service)
                        continue;
                look_at_inodes(run, m, id * VARIANTS + INODES);
                look_at_growth(run, m, id * VARIANTS + GROWS);
        }
}

extern const struct detector detector_disk;
const struct detector detector_disk = {
        .name = "disk",
        .runbook = "disk",
        .title = "Disk",
        .clear_after = 60,
        .look = look,
};
