/* The table of drills: see drill.h. */
#include "drill/drill.h"

#include <string.h>

#define GROUP_BOUNDS                                                                                         \
        "a tenth of a core, 32 MB of memory, 128 tasks, and 5 minutes, whatever happens; "                   \
        "what it has made is removed at the end, also when it is killed"

const struct drill_kind drill_kinds[DRILL_KINDS] = {
        [DRILL_ZOMBIES] = {.id = DRILL_ZOMBIES,
                .name = "zombies",
                .stages = "a process in a control group of its own that doesn't wait for its dead children",
                .bounds = GROUP_BOUNDS,
                .detector = "zombie_leak",
                .hint = "it needs no more zombies than `detect: zombie_leak: count:` says; --count stages "
                        "more",
                .wait = 15,
                .in_group = true},
        [DRILL_RESTART_LOOP] = {.id = DRILL_RESTART_LOOP,
                .name = "restart-loop",
                .stages = "a program in a control group of its own that fails and is started again, as a "
                          "unit with "
                          "Restart= would be",
                .bounds = GROUP_BOUNDS,
                .untested =
                        "the container engine's own word on restarts: no container is started for a drill",
                .detector = "unit_restart_loop",
                .hint = "see `detect: restart_loop: budget:`, and whether `sexton status` sees births and "
                        "deaths",
                .wait = 30,
                .in_group = true},
        [DRILL_SATURATION] = {.id = DRILL_SATURATION,
                .name = "saturation",
                .stages = "two busy tasks in a control group of its own that may use a tenth of a core: it "
                          "is saturated, "
                          "the host is not",
                .bounds = GROUP_BOUNDS,
                .untested = "the host's own load and pressure against their thresholds: that would take a "
                            "host in trouble",
                .detector = "saturation",
                .hint = "see `detect: saturation:`",
                .wait = 30,
                .in_group = true},
        [DRILL_MEMORY] = {.id = DRILL_MEMORY,
                .name = "memory",
                .stages = "a process that fills most of the 32 MB that its control group may use",
                .bounds = GROUP_BOUNDS,
                .untested =
                        "the host's own memory against its threshold: that would take a host short of memory",
                .detector = "memory",
                .hint = "see `detect: memory: service_used:`",
                .wait = 30,
                .in_group = true},
        [DRILL_DISK] = {.id = DRILL_DISK,
                .name = "disk",
                .stages = "a file system of 1 MB in memory, mounted below /run, that is filled to 95 %",
                .bounds = "1 MB, and " GROUP_BOUNDS,
                .untested = "your disks themselves: they are read in the same way, and not written to",
                .detector = "disk",
                .hint = "see `detect: disk:`; no more than 16 file systems are watched",
                .wait = 30,
                .in_group = true},
        [DRILL_ENGINE_HUNG] = {.id = DRILL_ENGINE_HUNG,
                .name = "engine-hung",
                .stages = "a second Sexton with a folder of its own below /run, and a made-up container "
                          "engine that "
                          "stops answering it",
                .bounds = "your container engine and the Sexton that watches this host are not touched; the "
                          "second one "
                          "acts on nothing, tells nobody, takes some 30 MB of memory and ends after 5 "
                          "minutes at the latest, also when the drill is "
                          "killed",
                .untested = "your container engine: it is never stopped for a drill"},
        [DRILL_PAGE] = {.id = DRILL_PAGE,
                .name = "page",
                .stages = "a test notice to every notifier, marked as a test",
                .bounds = "nothing on this host is changed",
                .untested = "what leads to a notice (`sexton drill zombies` tries that), and whether a "
                            "person reads it"},
};

const struct drill_kind *drill_kind_find(const char *name)
{
        for (size_t i = 0; i < DRILL_KINDS; i++)
                if (!strcmp(drill_kinds[i].name, name))
                        return &drill_kinds[i];
        return NULL;
}
