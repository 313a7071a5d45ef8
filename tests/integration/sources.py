#!/usr/bin/env python3
"""The ledger of zombies under a nasty workload, with every lifecycle source and with all switched off; and after a loss.

Runs the real daemon, switches sources off in its configuration, and compares `zombies` with full scans of
/proc. Prints TAP. Uses the bench's workload and ledger check, which measure the same thing for longer.

    sources.py PROGRAM
"""

import os
import signal
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{ROOT}/bench")

from harness.ledger import Check  # noqa: E402
from harness.sexton import Sexton  # noqa: E402
from harness.workloads import Workloads  # noqa: E402
from tap import Tap  # noqa: E402

WANTED = 300  # observations a mode
SECONDS = 40  # at most

# (what, sources, the lifecycle that must run, sources that must be there for it)
MODES = [
    ("BPF", {}, "bpf"),
    ("BPF without pidfds", {"pidfd": False}, "bpf"),
    ("the proc connector", {"bpf": False}, "netlink"),
    ("the proc connector without pidfds", {"bpf": False, "pidfd": False}, "netlink"),
    ("scans alone", {"netlink": False, "bpf": False, "scan_interval": "200ms"}, "scan"),
]


# More than the ring and the socket's buffer hold while the guard is stopped; and then those whose births are lost.
STORM, LEFT = 60000, 300


def compare(tap, program, workloads, what, sources, expected):
    with Sexton(program, {"sources": sources}) as sexton:
        status = sexton.ask("status")
        lifecycle = status["sources"]["lifecycle"]
        if lifecycle != expected:
            reasons = [status["sources"].get(f"why_not_{k}") for k in ("netlink", "bpf")]
            tap.skip(what, f"this kernel gives {lifecycle}: {'; '.join(r for r in reasons if r)}")
            return
        check = Check()
        with workloads.running("nasty", SECONDS + 20) as nasty:
            nasty.says()
            # Where only a look now and then tells of burials, one may be late, and the one under way blind.
            told = lifecycle == "bpf" or status["sources"]["pidfd_hup"]
            settle = 0.25 if expected != "scan" and told and sources.get("pidfd", True) else 2.5
            end = time.monotonic() + SECONDS
            time.sleep(3)
            while check.observations < WANTED and time.monotonic() < end:
                check.round(sexton, settle)
        for name in ("missing", "stale", "wrong_kind"):
            if getattr(check, name):
                print(f"# {name}: {getattr(check, name)[:20]}")
        print(f"# {what}: {check.observations} observations, {check.wrong} wrong")
        tap.check(check.wrong == 0 and check.observations >= WANTED, f"the ledger is right with {what}")


def lose(tap, program, workloads, what, sources, expected):
    """The guard is stopped until the kernel has nowhere to put what happens; then the ledger has to be right soon."""
    with Sexton(program, {"sources": sources}) as sexton:
        status = sexton.ask("status")
        if status["sources"]["lifecycle"] != expected:
            tap.skip(f"a loss with {what}", f"this kernel gives {status['sources']['lifecycle']}")
            return
        guard = status["self"]["guard_pid"]
        os.kill(guard, signal.SIGSTOP)
        try:
            workloads.run("storm", "vfork", STORM)
            with workloads.running("storm", "vfork", 1, LEFT) as left:
                left.says()
                os.kill(guard, signal.SIGCONT)
                start = time.monotonic()
                while time.monotonic() < start + 20 and listed(sexton, left.pid) < LEFT:
                    time.sleep(0.02)
                took = time.monotonic() - start
                check = Check()
                check.round(sexton)
        finally:
            os.kill(guard, signal.SIGCONT)
        lost, gaps = sexton.metric("sexton_events_lost_total"), sexton.ask("status")["gaps"]
        told = sum(one["missed"] for one in gaps if one["source"] == expected)
        print(f"# {what}: {lost:.0f} events lost, {told} told in gaps; {LEFT} zombies listed after {took:.2f} s", flush=True)
        if check.wrong:
            print(f"# missing {check.missing[:20]}, stale {check.stale[:20]}, wrong kind {check.wrong_kind[:20]}")
        tap.check(lost > LEFT and told == lost, f"with {what} a loss is counted, and told as a gap")
        tap.check(check.wrong == 0 and check.observations >= LEFT, "and then the ledger is right")
        tap.check(took < 3, "soon")  # within a second, but for other people's work


def listed(sexton, holder):
    try:
        return sum(one["holder"]["pid"] == holder for one in sexton.ask("zombies")["zombies"])
    except RuntimeError:  # 503: stopped for longer than its board is believed, it hasn't reported yet
        return 0


def main():
    tap = Tap()
    if os.geteuid() != 0:
        print("1..0 # SKIP needs root")
        return 0
    with Workloads() as workloads:
        for mode in MODES:
            compare(tap, sys.argv[1], workloads, *mode)
        for mode in (MODES[0], MODES[2]):
            lose(tap, sys.argv[1], workloads, *mode)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
