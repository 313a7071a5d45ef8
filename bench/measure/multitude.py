"""20,000 living processes and 20,000 zombies at once: all still listed and attributed, at what cost."""

import contextlib
import time

from harness import procfs
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


def _guard_cpu(sexton, seconds):
    meter = procfs.CpuMeter({"sexton": sexton.pid})
    time.sleep(seconds)
    return meter.ratios()["sexton"]


def run(bench):
    each = 2000 if bench.quick else 20000
    seconds = 10 if bench.quick else 60
    with _room_for(2 * each), Group("sexton-bench-multitude") as group, Sexton(bench.program) as sexton:
        time.sleep(5)
        idle = _guard_cpu(sexton, seconds)
        births = procfs.CpuMeter({"sexton": sexton.pid})
        with bench.workloads.running("crowd", each, each, group=group) as crowd:
            made = crowd.says()
            # Past the grace period: until then each of the dead is news, and dear as news are. Told on its own.
            time.sleep(20)
            taken_in = births.seconds()["sexton"]
            cpu = _guard_cpu(sexton, seconds)
            memory = procfs.memory_of(sexton.pid)
            start = time.monotonic()
            zombies = sexton.ask("zombies")["zombies"]
            took = time.monotonic() - start
            listed = [one for one in zombies if (one["holder"] or {}).get("pid") == crowd.pid]
            attributed = [one for one in listed if one["service"] == group.service]
            service = sexton.service(group.service) or {}
    text = f"{made['sleepers']:,} living and {made['zombies']:,} zombies"
    bench.report.rows(
        "multitude",
        [
            Row(f"{text}: zombies listed and attributed", f"{made['zombies']:,}",
                f"{len(listed):,} listed, {len(attributed):,} attributed", len(attributed) == made["zombies"]),
            Row(f"{text}: living processes attributed", f"{made['sleepers'] + 1:,}",
                f"{service.get('processes', 0):,}", service.get("processes") == made["sleepers"] + 1),
            Row(f"{text}: CPU of all its processes", "flat: ≤ 0.15 %", f"{percent(cpu)}, before {percent(idle)}",
                cpu <= 0.0015),
        ],
        f"To take in {made['sleepers'] + made['zombies']:,} births and {made['zombies']:,} deaths, and to tell of the"
        f" zombies when they had outlived the grace period, took {taken_in * 1000:.0f} ms of CPU,"
        f" {taken_in * 1e6 / (2 * made['zombies'] + made['sleepers']):.0f} µs each. All its processes then take"
        f" {mb(memory)} (PSS); the listing of all takes {took:.2f} s.",
    )  # fmt: skip
