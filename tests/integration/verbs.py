#!/usr/bin/env python3
"""A person's hand: every verb that acts, with the real daemon, on control groups that this test makes. What is never
touched, dry runs, slips of the hand, several people at once, a guard that doesn't answer, and what is undone.

Prints TAP.

    verbs.py PROGRAM
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from groups.yard import Daemon, Group, ended, possible, read  # noqa: E402
from tap import Tap  # noqa: E402
from waiting import becomes  # noqa: E402

NAME = f"/sexton-verbs-{os.getpid()}"
# Adopts what its children leave, and waits for its own children only.
HOLDER = """
import ctypes, os, time
ctypes.CDLL(None).prctl(36, 1)
for _ in range(3):
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            time.sleep(0.2)
        os._exit(0)
    os.waitpid(child, 0)
while True:
    time.sleep(60)
"""


def zombies_of(pid):
    return [
        child
        for child in read(f"/proc/{pid}/task/{pid}/children").split()
        if ") Z " in read(f"/proc/{child}/stat")
    ]


def frozen_and_thawed(tap, daemon, group, before):
    code, out, err = daemon.verb("freeze", group.name, "--for", "5m", "--reason", "is it this one?")
    tap.check(code == 0 and group.file("freezer.state") == "FROZEN", "freeze freezes it", code, out, err)
    tap.check("is frozen until" in out and f"sexton thaw {group.name}" in out, "and says until when, and how to undo it", out)
    row = daemon.json("actions")["actions"][0]
    tap.check(
        row["kind"] == "freeze" and row["who"] == "root" and row["reason"] == "is it this one?" and 290 < row["remaining"] <= 300,
        "actions lists it: who, why and for how long", row,
    )  # fmt: skip
    code, out, err = daemon.verb("thaw", group.name)
    tap.check(code == 0 and group.values() == before, "thaw lets it go on", code, err)
    code, out, err = daemon.verb("thaw", group.name)
    tap.check(code == 1 and "nothing of Sexton's holds" in err, "and says when there is nothing to thaw", code, err)


def limited(tap, daemon, group):
    odd = {"cpu.shares": "777", "cpu.cfs_quota_us": "170000", "pids.max": "4242"}
    for name, value in odd.items():
        group.put(name, value)
    before = group.values()
    words = ["--cpus", "0.25", "--weight", "10", "--memory", "64m", "--pids", "50", "--for", "1h"]
    code, out, err = daemon.verb("limit", group.name, *words)
    wanted = {"cpu.shares": "102", "cpu.cfs_quota_us": "25000", "memory.limit_in_bytes": str(64 << 20), "pids.max": "50"}
    now = group.values()
    tap.check(code == 0 and all(now[name] == value for name, value in wanted.items()), "limit sets four limits", now, out, err)
    rows = daemon.json("actions", "--service", group.name)["actions"]
    quota = next(row for row in rows if row["kind"] == "quota")
    tap.check(quota["value"] == 0.25 and quota["unit"] == "cores" and "170000" in quota["previous"], "with what was before", quota)
    code, out, err = daemon.verb("actions", "--undo", str(quota["id"]))
    now = group.values()
    tap.check(code == 0 and now["cpu.cfs_quota_us"] == "170000" and now["pids.max"] == "50", "one is undone, exactly", now, err)
    code, out, err = daemon.verb("actions", "--undo", str(quota["id"]))
    tap.check(code == 1 and "has ended: undone" in err, "but not twice", code, err)
    code, out, err = daemon.verb("release", group.name)
    tap.check(code == 0 and group.values() == before and "3 actions" in out, "release undoes the rest, exactly", out, group.values())
    code, out, err = daemon.verb("limit", group.name, "--cpus", "0.2", "--pids", "100000")
    now = group.values()
    tap.check(code == 1 and now["cpu.cfs_quota_us"] == "20000" and now["pids.max"] == "4242", "what is tighter stays: 1", code, err)
    daemon.verb("release", group.name)


def dry_runs(tap, daemon, group):
    before, rows = group.values(), len(daemon.json("actions")["actions"])
    events = daemon.json("events", "--kind", "action")["matching"]
    said = []
    for words in (["freeze"], ["limit", "--cpus", "0.1", "--memory", "64m", "--pids", "5"], ["stop"], ["quarantine"], ["release"]):
        code, out, err = daemon.verb(words[0], group.name, *words[1:], "--dry-run")
        said.append((code, out, err))
    good = all(code == 0 and "would be" in out and "Nothing was changed" in out for code, out, _ in said)
    tap.check(good, "dry runs say what would be done", *said)
    tap.check("from THAWED to FROZEN" in said[0][1] and "from 170000 to 10000" in said[1][1], "from what to what", *said)
    daemon.verb("breaker", "open", "--dry-run")
    tap.check(
        group.values() == before
        and group.worker.poll() is None
        and len(daemon.json("actions")["actions"]) == rows
        and daemon.json("events", "--kind", "action")["matching"] == events
        and not daemon.json("breaker")["breaker"]["open"],
        "and change nothing, and leave no trace", group.values(),
    )  # fmt: skip


def never_touched(tap, daemon, group, other):
    before = other.values()
    said = [daemon.verb(verb, other.name) for verb in ("freeze", "stop", "restart", "quarantine", "bury")]
    said.append(daemon.verb("limit", other.name, "--cpus", "0.1"))
    good = all(code == 1 and "act_only_in" in err for code, _, err in said)
    tap.check(good, "what act_only_in doesn't name is refused: 1", *said)
    tap.check(other.values() == before and other.worker.poll() is None, "and not touched", other.values())
    for service in ("kernel", "sexton"):
        code, _, err = daemon.verb("stop", service)
        tap.check(code == 1 and "never touched" in err, f"{service} is never touched", code, err)
    asker = group.run(daemon.program, "freeze", group.name, "--socket", daemon.socket, stderr=subprocess.PIPE, text=True)
    _, err = asker.communicate(timeout=30)
    tap.check(asker.returncode == 1 and "who asks for it" in err, "nor where who asks lives", err)
    tap.check(group.file("freezer.state") == "THAWED", "which goes on")


def slips(tap, daemon, group):
    code, _, err = daemon.verb("freeze", group.name[:-1] + "x")
    tap.check(code == 2 and f"did you mean {group.name}?" in err, "a slip of the hand gets a suggestion: 2", code, err)
    code, _, err = daemon.verb("limit", group.name, "--cpus", "lots")
    tap.check(code == 2 and "not a number of cores" in err, "a limit that is none is told", code, err)
    code, _, err = daemon.verb("limit", group.name, "--weight", "0")
    tap.check(code == 2 and "from 1 to 10000" in err, "one out of its range, too", code, err)
    code, _, err = daemon.verb("breaker", "ajar")
    tap.check(code == 2 and "open, close or auto" in err, "and a breaker ajar", code, err)


def breaker(tap, daemon):
    code, out, _ = daemon.verb("breaker")
    tap.check(code == 0 and "closed" in out, "the breaker is closed", out)
    daemon.verb("breaker", "open")
    now = daemon.json("breaker")["breaker"]
    tap.check(now["open"] and now["forced"] == "open", "breaker open opens it", now)
    daemon.verb("breaker", "close")
    now = daemon.json("breaker")["breaker"]
    tap.check(not now["open"] and now["forced"] == "closed", "close closes it", now)
    daemon.verb("breaker", "auto")
    now = daemon.json("breaker")["breaker"]
    tap.check(not now["open"] and now["forced"] is None, "auto gives it back", now)


def several_people(tap, daemon, group, before):
    with ThreadPoolExecutor(8) as people:
        freeze = people.submit(daemon.verb, "freeze", group.name)
        limit = people.submit(daemon.verb, "limit", group.name, "--pids", "50")
        runs = [people.submit(daemon.verb, "freeze", group.name, "--dry-run", "--json") for _ in range(20)]
        runs += [people.submit(daemon.verb, "thaw", "/nobody", "--dry-run") for _ in range(20)]
        said = [run.result() for run in runs]
    now = group.values()
    tap.check(
        freeze.result()[0] == limit.result()[0] == 0 and now["freezer.state"] == "FROZEN" and now["pids.max"] == "50",
        "two people at once each get what they want", now, freeze.result(), limit.result(),
    )  # fmt: skip
    good = all(code == 0 and json.loads(out)["dry_run"] for code, out, _ in said[:20])
    good = good and all(code == 2 and "no service is called" in err for code, _, err in said[20:])
    tap.check(good, "forty at once each get their own answer", *said)
    daemon.verb("release", group.name)
    tap.check(group.values() == before, "and all of it is released")


def guard_stopped(tap, daemon, group, before):
    guard = daemon.part("guard")
    os.kill(guard, signal.SIGSTOP)
    began = time.monotonic()
    asking = subprocess.Popen(
        [daemon.program, "freeze", group.name, "--socket", daemon.socket], stderr=subprocess.PIPE, text=True
    )
    code, out, _ = daemon.verb("events", "--limit", "5")
    tap.check(code == 0 and time.monotonic() - began < 2, "while an order waits others are answered", code, out)
    _, err = asking.communicate(timeout=30)
    took = time.monotonic() - began
    tap.check(asking.returncode == 3 and "did not answer within 3 s" in err, f"a stopped guard: 3, after {took:.1f} s", err)
    tap.check(2.5 < took < 10, "which doesn't take for ever", took)
    os.kill(guard, signal.SIGCONT)
    answered = becomes(lambda: daemon.verb("thaw", group.name)[0] == 1)
    tap.check(answered and group.values() == before, "the guard that goes on doesn't do what is too old", group.values())


def guard_killed(tap, daemon, group, before):
    daemon.verb("limit", group.name, "--pids", "60")
    guard = daemon.part("guard")
    os.kill(guard, signal.SIGKILL)
    becomes(lambda: daemon.part("guard") not in (guard, None))
    taken = becomes(lambda: daemon.verb("freeze", group.name)[0] == 0)
    tap.check(taken and group.file("freezer.state") == "FROZEN", "the next guard takes orders", daemon.said())
    code, out, err = daemon.verb("release", group.name)
    tap.check("2 actions" in out and group.values() == before, "and undoes what the one before did", out, err, group.values())


def buried(tap, daemon, group):
    holder = group.run(sys.executable, "-c", HOLDER)
    becomes(lambda: len(zombies_of(holder.pid)) == 3)
    code, out, err = 1, "", ""

    def is_buried():
        nonlocal code, out, err
        code, out, err = daemon.verb("bury", group.name)  # the dead must be older than the grace period
        return code == 0 and not zombies_of(holder.pid)

    tap.check(becomes(is_buried), "bury buries three dead", code, out, err)
    tap.check("was buried" in out and " buried in " in out, "and says so", out)
    tap.check(holder.poll() is None, "their holder lives")
    code, out, err = daemon.verb("bury", group.name)
    tap.check(code == 1 and "holds any dead" in err, "nobody is left to be buried: 1", code, err)
    holder.kill()
    holder.wait()


def stopped(tap, daemon, group):
    daemon.verb("freeze", group.name)
    code, out, err = daemon.verb("stop", group.name, "--reason", "enough")
    tap.check(code == 0 and group.worker.poll() is not None, "stop ends it, though it was frozen", code, out, err)
    tap.check("was stopped" in out, "and waits until it has ended", out)
    tap.check(group.file("freezer.state") == "THAWED", "nothing stays frozen")
    code, _, err = daemon.verb("stop", group.name)
    tap.check(code == 1 and "nothing of it lives" in err, "what is stopped can't be stopped: 1", code, err)


def quarantined(tap, daemon, group):
    code, out, err = daemon.verb("quarantine", group.name, "--for", "10m")
    tap.check(code == 0 and group.worker.poll() is not None and "is quarantined until" in out, "quarantine stops it", out, err)
    again = group.run("sleep", "600")
    tap.check(becomes(lambda: again.poll() is not None), "what brings it back is ended again")
    code, _, err = daemon.verb("release", group.name)
    free = group.run("sleep", "600")
    known = becomes(lambda: daemon.knows(group.name))
    standing = [row for row in daemon.json("actions", "--service", group.name)["actions"] if row["stands"]]
    tap.check(code == 0 and known and not standing and free.poll() is None, "until it is released", code, err, standing)
    free.kill()
    free.wait()
    code, _, err = daemon.verb("restart", group.name)
    tap.check(code == 1, "what nobody would start again can't be restarted: 1", code, err)


def run(program):
    tap = Tap()
    group, other = Group(NAME), Group(f"/sexton-other-{os.getpid()}")
    second, third = Group(f"{NAME}-second"), Group(f"{NAME}-third")
    groups = (group, other, second, third)
    daemon = None
    try:
        before = group.values()
        with tempfile.TemporaryDirectory(prefix="sexton-verbs-") as folder:
            daemon = Daemon(program, folder, f"{NAME}*", "grace: 1s\n")
            known = becomes(lambda: all(daemon.knows(one.name) for one in groups))
            tap.check(known, "the services are known", daemon.said())
            frozen_and_thawed(tap, daemon, group, before)
            limited(tap, daemon, group)
            before = group.values()
            dry_runs(tap, daemon, group)
            never_touched(tap, daemon, group, other)
            slips(tap, daemon, group)
            breaker(tap, daemon)
            several_people(tap, daemon, group, before)
            guard_stopped(tap, daemon, group, before)
            guard_killed(tap, daemon, group, before)
            buried(tap, daemon, group)
            stopped(tap, daemon, second)
            quarantined(tap, daemon, third)
            parts = daemon.parts()
            daemon.verb("limit", group.name, "--cpus", "0.1")
            code = daemon.end()
            tap.check(code == 0 and ended(parts) and group.values() == before, "SIGTERM undoes what stands", code, group.values())
            daemon = None
    finally:
        if daemon:
            daemon.end()
        for one in groups:
            one.remove()
    left = [folder for one in groups for folder in one.left()]
    tap.check(not left, "no group is left", left)
    return tap.end()


def main():
    if not possible():
        print("1..0 # SKIP needs root and the hierarchies of cgroup v1")
        return 0
    return run(os.path.abspath(sys.argv[1]))


if __name__ == "__main__":
    sys.exit(main())
