/* A fire drill: trouble that `sexton drill` stages in a control group of its own, so that the whole alarm
 * chain can be tried on a host that is well. The group's name is the mark: only root can make a group at the
 * top of a hierarchy. What is wrong in such a group is found by the same detectors and thresholds as
 * anywhere, only sooner, and is called a drill wherever it is told; it counts as nobody's harm, and nothing
 * is done about it by itself.
 */
#pragma once

#include <stdint.h>

#define DRILL_GROUP  "/sexton-drill-"     /* control group: then the pid of the program that stages it */
#define DRILL_FOLDER "/run/sexton-drill-" /* folder, and mount of a disk's drill: the same */
#define DRILL_MOUNT  "sexton-drill"       /* what /proc/mounts calls the device */

enum {
        DRILL_LASTS = 600, /* s: what lives in the group for longer is no drill any more */
        DRILL_PAUSE = 60,  /* s: a group that was empty for so long begins another drill */
        DRILL_FOR = 3,     /* s: a condition needs to last no longer */
        DRILL_CLEAR = 2,   /* s: nor be over for longer, for its finding to close */
        DRILL_CALM = 3,    /* s: nor the findings, for their incident to be resolved */
        DRILL_DISKS = 2,   /* s: disks are asked as often while there is one */
};
#define DRILL_CORES      0.1 /* quota of its control group */
#define DRILL_DISK_BYTES (UINT64_C(1) << 20)

/* The pid behind the prefix; 0 when the name isn't a drill's. */
int32_t drill_pid(const char *name, const char *prefix);
