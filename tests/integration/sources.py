#!/usr/bin/env python3
"""The ledger of zombies under a nasty workload, with every lifecycle source and with all switched off.

Runs the real daemon, switches sources off in its configuration, and compares `zombies` with full scans of
/proc. Prints TAP. Uses the bench's workload and ledger check, which measure the same thing for longer.

    sources.py PROGRAM
"""

import os
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{ROOT}/bench")

from harness.ledger import Check  # noqa: E402
from harness.sexton import Sexton  # noqa: E402
from harness.workloads import Workloads  # noqa: E402

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


class Tap:
    def __init__(self):
        self.count = 0
        self.failed = 0

    def line(self, good, name, skipped=None):
        self.count += 1
        self.failed += not good
        print(f"{'' if good else 'not '}ok {self.count} - {name}" + (f" # SKIP {skipped}" if skipped else ""), flush=True)


def compare(tap, program, workloads, what, sources, expected):
    with Sexton(program, {"sources": sources}) as sexton:
        status = sexton.ask("status")
        lifecycle = status["sources"]["lifecycle"]
        if lifecycle != expected:
            reasons = [status["sources"].get(f"why_not_{k}") for k in ("netlink", "bpf")]
            tap.line(True, what, f"this kernel gives {lifecycle}: {'; '.join(r for r in reasons if r)}")
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
        tap.line(check.wrong == 0 and check.observations >= WANTED, f"the ledger is right with {what}")


def main():
    tap = Tap()
    if os.geteuid() != 0:
        print("1..0 # SKIP needs root")
        return 0
    with Workloads() as workloads:
        for mode in MODES:
            compare(tap, sys.argv[1], workloads, *mode)
    print(f"1..{tap.count}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
