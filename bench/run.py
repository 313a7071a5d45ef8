#!/usr/bin/env python3
"""Measures what Sexton costs and how exact it is, beside its peers, and writes docs/performance.md. See README.md."""

import argparse
import os
import signal
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path[:0] = [HERE, f"{ROOT}/tests"]
sys.dont_write_bytecode = True

from harness.report import Report  # noqa: E402
from harness.workloads import Workloads  # noqa: E402
from measure import accounting, alarm, dashboard, disk, exactness, footprint, latency, loss, multitude, rescue, slowdown, store, survive, undo  # noqa: E402

MEASURES = {
    "footprint": (footprint, "Memory and CPU, beside other tools"),
    "slowdown": (slowdown, "What it costs those it watches"),
    "accounting": (accounting, "CPU of the short-lived"),
    "loss": (loss, "Events lost in storms"),
    "latency": (latency, "From death to listing"),
    "alarm": (alarm, "From a zombie to the alarm"),
    "multitude": (multitude, "Many at once"),
    "exactness": (exactness, "The ledger against full scans"),
    "store": (store, "Deaths into the store, and out again"),
    "disk": (disk, "Written to the disk"),
    "rescue": (rescue, "The rescue console while the host is overloaded"),
    "survive": (survive, "While two hundred tasks fight for two cores"),
    "undo": (undo, "Undone, whenever the guard dies"),
    "dashboard": (dashboard, "The dashboard in a browser"),
}


class Bench:
    def __init__(self, program, quick, report, workloads):
        self.program = program
        self.quick = quick
        self.report = report
        self.workloads = workloads


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure (all): {', '.join(MEASURES)}")
    parser.add_argument("--program", default=f"{ROOT}/build/sexton", help="the program to measure (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="short and rough, to try the bench itself; writes no page")
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.names) - set(MEASURES)
    if unknown:
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}")
    if os.geteuid() != 0:
        parser.error("needs root")
    if not os.access(chosen.program, os.X_OK):
        parser.error(f"{chosen.program} isn't built")
    chosen.names = chosen.names or list(MEASURES)
    return chosen


def main():
    chosen = parse(sys.argv[1:])
    # An end by signal ends what was started, too.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    broken = []
    cache = f"{ROOT}/build-bench/results{'-quick' if chosen.quick else ''}.json"
    report = Report(ROOT, cache)
    with Workloads() as workloads:
        bench = Bench(chosen.program, chosen.quick, report, workloads)
        for name in chosen.names:
            start = time.monotonic()
            print(f"-- {name}: {MEASURES[name][1]}", flush=True)
            report.begin(name)
            try:
                MEASURES[name][0].run(bench)
                report.end()
            except Exception:
                traceback.print_exc()
                broken.append(name)
            print(f"         took {time.monotonic() - start:.0f} s", flush=True)
    if broken:
        print(f"could not be measured: {', '.join(broken)}")
        return 2
    if not chosen.quick:
        report.write(f"{ROOT}/docs/performance.md", {name: title for name, (_, title) in MEASURES.items()})
    missed = report.missed(chosen.names)
    for what in missed:
        print(f"MISSED: {what}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
