"""A leak of zombies on cgroup v2, whose control group is told even of the dead: every fact of the ledger."""

import os
import signal

from bench.harness import procfs
from case import case


@case("each unwaited dead is named: command, status, holder, service, and what to do")
def leak(t):
    with t.group("graveyard") as group:
        group.start("zoo", "leak", 5, 0.01)
        t.eventually(lambda: len(procfs.dead()) == 5, "five die and nobody waits for them")
        t.becomes(lambda: len(t.sexton.ask("zombies")["zombies"]), 5, "the ledger has five")
        holder = next(one for one in group.pids() if procfs.read(f"/proc/{one}/comm") == "keeper\n")
        t.equal({one["pid"] for one in t.sexton.ask("zombies")["zombies"]}, set(procfs.dead()), "those that /proc has")
        t.becomes(lambda: {one["kind"] for one in t.sexton.ask("zombies")["zombies"]}, {"unreaped"}, "all unreaped")
        for key, wanted in (("service", group.service), ("exit_code", 3), ("comm", "forgotten")):
            t.equal({one[key] for one in t.sexton.ask("zombies")["zombies"]}, {wanted}, f"all have the {key}")
        t.equal({one["holder"]["pid"] for one in t.sexton.ask("zombies")["zombies"]}, {holder}, "all have the holder")
        found = t.eventually(lambda: t.finding("zombie_leak", group.service), "a finding names the service")
        t.equal((found or {}).get("culprit"), group.service, "it is the culprit")
        os.kill(holder, signal.SIGKILL)
        t.becomes(lambda: len(t.sexton.ask("zombies")["zombies"]), 0, "buried with their holder")
