#!/usr/bin/env python3
"""Actions on real control groups of this kernel, and what becomes of them when parts of the daemon are killed: the
guard, again and again at random moments; the guard stopped; the supervisor with it; all at once. Whatever happens,
in the end nothing is frozen and no limit is changed.

Only groups that this test makes are acted on. Prints TAP.

    act.py PROGRAM           SEXTON_CYCLES=N for N freezes and kills of the guard
"""

import os
import random
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from groups.yard import Daemon, Group, ended, possible  # noqa: E402
from tap import Tap  # noqa: E402
from waiting import becomes  # noqa: E402

NAME = f"/sexton-act-{os.getpid()}"
CYCLES = int(os.environ.get("SEXTON_CYCLES", "12"))


def each_action(tap, daemon, group, before):
    wanted = [
        (["freeze"], "freezer.state", "FROZEN"),
        (["limit", "--weight", "10"], "cpu.shares", "102"),
        (["limit", "--cpus", "0.25"], "cpu.cfs_quota_us", "25000"),
        (["limit", "--memory", "64m"], "memory.limit_in_bytes", str(64 << 20)),
        (["limit", "--pids", "50"], "pids.max", "50"),
    ]
    for (verb, *options), name, expected in wanted:
        daemon.verb(verb, group.name, *options)
        tap.check(group.file(name) == expected, f"{name} is {expected}", group.values())
        daemon.verb("release", group.name)
        tap.check(group.values() == before, f"{name} is as before after release", group.values())


def keeps_standing(tap, daemon, group, before):
    daemon.verb("limit", group.name, "--cpus", "0.25")
    group.put("cpu.cfs_quota_us", "-1")
    tap.check(becomes(lambda: group.file("cpu.cfs_quota_us") == "25000"), "what is reverted is put back")
    group.put("cpu.cfs_quota_us", "70000")
    time.sleep(2.5)  # two looks
    daemon.verb("release", group.name)
    tap.check(group.file("cpu.cfs_quota_us") == "70000", "what somebody else sets stays", group.values())
    group.put("cpu.cfs_quota_us", "-1")
    daemon.verb("freeze", group.name, "--for", "1s")
    tap.check(group.file("freezer.state") == "FROZEN", "it is frozen for a second")
    tap.check(becomes(lambda: group.values() == before, 5), "and thawed when the second is over", group.values())


def guards_killed(tap, daemon, group, before):
    """Each time another guard: it goes on with what stands, or undoes what was half done."""
    chance = random.Random(4)
    replaced = 0
    for _ in range(CYCLES):
        guard = daemon.part("guard")
        becomes(lambda: daemon.order("freeze", group.name))
        becomes(lambda: daemon.order("limit", group.name, cpus=chance.choice((0.2, 0.4))))
        if chance.random() < 0.4:
            daemon.order("release", group.name)
        time.sleep(chance.random() * 0.05)
        os.kill(guard, signal.SIGKILL)
        replaced += becomes(lambda guard=guard: daemon.part("guard") not in (guard, None))
    tap.check(replaced == CYCLES, f"{CYCLES} guards killed, each replaced", f"{replaced}")
    tap.check(becomes(lambda: daemon.knows(group.name)), "the last guard knows the service")
    daemon.verb("release", group.name)
    tap.check(becomes(lambda: group.values() == before), "nothing is left frozen, no limit changed", group.values())


def freeze(daemon, group):
    return daemon.verb("freeze", group.name)[0] == 0 and group.file("freezer.state") == "FROZEN"


def guard_stopped(tap, daemon, group, before):
    guard = daemon.part("guard")
    time.sleep(2.5)  # the guard is new: only when it has moved does the dead-man begin to count from its last move
    frozen = freeze(daemon, group)
    os.kill(guard, signal.SIGSTOP)
    began = time.monotonic()
    thawed = frozen and becomes(lambda: group.values() == before, 10)
    took = time.monotonic() - began
    tap.check(thawed and took > 1, f"a guard stopped: the dead-man thaws after {took:.1f} s", daemon.said())
    os.kill(guard, signal.SIGCONT)
    time.sleep(2.5)
    tap.check(group.values() == before, "the guard that goes on doesn't freeze it again", group.values())
    tap.check(freeze(daemon, group), "but does when asked anew")
    daemon.verb("release", group.name)


def supervisor_and_guard_killed(tap, daemon, group, before):
    frozen, parts = freeze(daemon, group), daemon.parts()
    guard = daemon.part("guard")
    os.kill(daemon.child.pid, signal.SIGKILL)
    os.kill(guard, signal.SIGKILL)
    daemon.child.wait()
    tap.check(frozen and becomes(lambda: group.values() == before, 10), "supervisor and guard killed: the dead-man thaws")
    tap.check(becomes(lambda: ended(parts), 15), "and no process is left")


def all_killed(tap, program, folder, group, before):
    daemon = Daemon(program, folder, f"{NAME}*")
    becomes(lambda: daemon.knows(group.name))
    frozen = freeze(daemon, group)
    every = [daemon.child.pid, *daemon.parts()]
    for sign in (signal.SIGSTOP, signal.SIGKILL):  # stopped first, so that none sees another one die
        for pid in every:
            os.kill(pid, sign)
    daemon.child.wait()
    gone = becomes(lambda: ended(every[1:]), 15)  # who listens on the socket is there until then
    tap.check(frozen and gone and group.file("freezer.state") == "FROZEN", "all killed at once: it stays frozen", group.values())
    daemon = Daemon(program, folder, f"{NAME}*")
    tap.check(becomes(lambda: group.values() == before), "until the next start, which thaws it", daemon.said())
    becomes(lambda: daemon.knows(group.name))
    frozen = freeze(daemon, group)
    parts = daemon.parts()
    code = daemon.end()
    tap.check(frozen and code == 0 and group.values() == before, "SIGTERM undoes everything", code, group.values())
    tap.check(not os.path.exists(daemon.journal) and ended(parts), "and leaves no journal and no process")


def run(program):
    tap = Tap()
    group = Group(NAME)
    daemon = None
    try:
        before = group.values()
        with tempfile.TemporaryDirectory(prefix="sexton-act-") as folder:
            daemon = Daemon(program, folder, f"{NAME}*")
            known = becomes(lambda: daemon.knows(NAME))
            tap.check(known, "the service is known", daemon.said())
            if known:
                each_action(tap, daemon, group, before)
                keeps_standing(tap, daemon, group, before)
                guards_killed(tap, daemon, group, before)
                guard_stopped(tap, daemon, group, before)
                supervisor_and_guard_killed(tap, daemon, group, before)
                all_killed(tap, program, folder, group, before)
    finally:
        if daemon and daemon.child.poll() is None:
            daemon.end()
        group.remove()
    tap.check(not group.left(), "no group is left", group.left())
    return tap.end()


def main():
    if not possible():
        print("1..0 # SKIP needs root and the hierarchies of cgroup v1")
        return 0
    return run(os.path.abspath(sys.argv[1]))


if __name__ == "__main__":
    sys.exit(main())
