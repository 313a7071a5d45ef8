/* sexton drill-life: hidden; the program that fails again and again in the drill of a restart loop. */
#include "cli/verb.h"
#include "drill/trouble.h"

static int run(int argc, char **argv)
{
        trouble_live();
}

extern const struct verb verb_drill_life;
const struct verb verb_drill_life = {
        .name = TROUBLE_LIFE,
        .args = "",
        .summary = "lives for half a second and fails; started by drill only",
        .description = "Started by drill only.",
        .hidden = true,
        .run = run,
};
