"""20,000 living processes and 20,000 zombies at once: all still listed and attributed, at what cost."""

import contextlib
import os
import time

from harness import procfs
from harness.quiet import measure
from harness.report import Row, mb, percent
from harness.sexton import Sexton
from harness.workloads import Group

PID_MAX = "/proc/sys/kernel/pid_max"


@contextlib.contextmanager
def _room_for(processes):
    """Raises pid_max if needed, and puts it back."""
    before = int(procfs.read(PID_MAX))
    needed = len(procfs.pids()) + processes + 10000
    if needed > before:
        with open(PID_MAX, "w") as file:
            file.write(str(needed))
    try:
        yield
    finally:
        if needed > before:
            with open(PID_MAX, "w") as file:
                file.write(str(before))


def _calm(seconds, most):
    """Past the grace period, until which each of the dead is news, and dear as news are; and until the load that
    making them left has gone, since a loaded host is looked at more closely."""
    end = time.monotonic() + most
    time.sleep(seconds)
    while float(procfs.read("/proc/loadavg").split()[0]) > 0.4 * os.cpu_count() and time.monotonic() < end:
        time.sleep(1)


def run(bench):
    each = 2000 if bench.quick else 20000
    windows = 1 if bench.quick else 4
    with _room_for(2 * each), Group("sexton-bench-multitude") as group, Sexton(bench.program) as sexton:
        roots = {"sexton": sexton.pid}
        _calm(5, 5 if bench.quick else 120)
        idle, _, _, _ = measure(roots, windows)
        taking_in = procfs.CpuMeter(roots)
        with bench.workloads.running("crowd", each, each, group=group) as crowd:
            made = crowd.says()
            time.sleep(20)
            taken_in = taking_in.seconds()["sexton"]
            _calm(0, 5 if bench.quick else 180)
            loaded, births, quiet, _ = measure(roots, windows)
            start = time.monotonic()
            zombies = sexton.ask("zombies")["zombies"]
            took = time.monotonic() - start
            listed = [one for one in zombies if (one["holder"] or {}).get("pid") == crowd.pid]
            attributed = [one for one in listed if one["service"] == group.service]
            service = sexton.service(group.service) or {}
    (_, before), (memory, cpu) = idle["sexton"], loaded["sexton"]
    text = f"{made['sleepers']:,} living and {made['zombies']:,} zombies"
    bench.report.rows(
        "multitude",
        [
            Row(f"{text}: zombies listed and attributed", f"{made['zombies']:,}",
                f"{len(listed):,} listed, {len(attributed):,} attributed", len(attributed) == made["zombies"]),
            Row(f"{text}: living processes attributed", f"{made['sleepers'] + 1:,}",
                f"{service.get('processes', 0):,}", service.get("processes") == made["sleepers"] + 1),
            Row(f"{text}: CPU of all its processes", "flat: ≤ 0.15 %", f"{percent(cpu)}, before {percent(before)}",
                cpu <= 0.0015),
        ],
        f"To take in {made['sleepers'] + made['zombies']:,} births and {made['zombies']:,} deaths, and to tell of the"
        f" zombies when they had outlived the grace period, took {taken_in * 1000:.0f} ms of CPU,"
        f" {taken_in * 1e6 / (2 * made['zombies'] + made['sleepers']):.0f} µs each. All its processes then take"
        f" {mb(memory)} (PSS); the listing of all takes {took:.2f} s. Others started {births:.1f} processes and threads a"
        " second while its CPU was measured"
        + ("." if quiet else ", **more than should be: the machine was never quiet for long enough.**"),
    )  # fmt: skip
