"""What still works while 200 busy tasks fight for the cores and memory is exhausted: the guard's wake-ups, the ledger, and
how soon the culprit is frozen. Each part is bounded: the machine is hardly usable meanwhile."""

import contextlib
import datetime
import os
import socket
import time

from harness.report import Row
from harness.sexton import Sexton
from harness.workloads import Group

FIGHTERS = 200
EATEN_MB = 64
WAKE = "sexton_guard_wake_delay_seconds"
DEATH = "sexton_detection_delay_seconds"
STORM_FOR = 2  # s that saturation must last


def run(bench):
    rows = survives(bench)
    with first_in_line():
        plain = freezes(bench, None)
        with silent_engine() as path:
            hung = freezes(bench, path)
    rows += [
        Row("from saturation's minimum duration to the culprit frozen", "≤ 2 s", f"{plain['delay']:.2f} s", plain["delay"] <= 2),
        Row("the same while the container engine answers nothing", "≤ 2 s", f"{hung['delay']:.2f} s", hung["delay"] <= 2),
        Row("CPU that the rest gets back, of all", "≥ 90 %", f"{plain['rest'] * 100:.0f} %", plain["rest"] >= 0.9),
    ]
    note = (
        f"{FIGHTERS} tasks that burn CPU in a control group, and one process after the other that is killed for taking more than"
        f" the {EATEN_MB} MB of another. Saturation had to last {STORM_FOR} s, and leads to freezing at once; with the least step"
        " first the others come before it. The engine that answers nothing is a socket that accepts and is silent, as that of a"
        " dockerd stopped by SIGSTOP."
    )
    bench.report.rows("survive", rows, note)


@contextlib.contextmanager
def first_in_line():
    """Whoever looks when it is frozen must get the CPU too, or it measures itself. What it starts doesn't inherit that."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except OSError as error:
        print(f"         without real-time scheduling for the observer ({error})", flush=True)
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@contextlib.contextmanager
def silent_engine():
    path = f"/run/sexton-bench-{os.getpid()}.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(16)
        try:
            yield path
        finally:
            os.unlink(path)


def histogram(sexton, name):
    """Counts by upper bound, each for itself."""
    counts, before = {}, 0
    for line in sexton.get("/metrics").decode().splitlines():
        if line.startswith(f"{name}_bucket"):
            bound, value = line.split('le="')[1].split('"} ')
            counts[float(bound)], before = int(value) - before, int(value)
    return counts


def above(now, before, bound):
    return sum(count - before.get(at, 0) for at, count in now.items() if at > bound)


def limit_memory(group, megabytes):
    for folder in group._folders:
        for name in ("memory.limit_in_bytes", "memory.max"):
            with contextlib.suppress(OSError), open(f"{folder}/{name}", "w") as file:
                file.write(str(megabytes << 20))


def survives(bench):
    seconds = 5 if bench.quick else 25
    with Group("bench-fight") as ring, Group("bench-eat") as kitchen, Group("bench-deaths") as yard:
        limit_memory(kitchen, EATEN_MB)
        with bench.workloads.running("fight", FIGHTERS, group=ring) as fight, bench.workloads.running(
            "fight", 0, 4 * EATEN_MB, group=kitchen
        ) as eater, bench.workloads.running("deaths", group=yard) as deaths, Sexton(bench.program) as sexton:
            time.sleep(1)
            fight.tell()
            eater.tell()
            fight.says()
            time.sleep(1)
            before, died = histogram(sexton, WAKE), histogram(sexton, DEATH)
            self_before = sexton.ask("status")["self"]
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                time.sleep(0.03)
                deaths.tell()
                deaths.says()
            time.sleep(1)
            after, dead = histogram(sexton, WAKE), histogram(sexton, DEATH)
            self_after = sexton.ask("status")["self"]
    print(f"         real-time {self_after['guard_real_time']}, {sorted(after.items())}", flush=True)
    wakes, late = above(after, before, 0), above(after, before, 0.0005)
    deaths_seen, slow = above(dead, died, 0), above(dead, died, 0.025)
    faults = self_after["guard_major_faults"] - self_before["guard_major_faults"]
    grown = self_after["guard_rss_bytes"] - self_before["guard_rss_bytes"]
    return [
        Row(f"the guard's {wakes} wake-ups later than 0.5 ms", "0", f"{late}", wakes > 0 and late == 0),
        Row(
            f"of {deaths_seen} zombies, in the ledger within 25 ms of their death",
            "≥ 99 %",
            f"{100 * (1 - slow / max(deaths_seen, 1)):.1f} %",
            deaths_seen > 0 and slow <= deaths_seen / 100,
        ),
        Row("the guard's major page faults meanwhile", "0", f"{faults}", faults == 0),
        Row("growth of the guard's memory meanwhile", "≤ 1 MB", f"{grown / 1e6:.2f} MB", grown <= 1e6),
    ]


def is_frozen(group):
    for folder in group._folders:
        for name, frozen in (("freezer.state", "FROZEN"), ("cgroup.freeze", "1")):
            with contextlib.suppress(OSError), open(f"{folder}/{name}") as file:
                if file.read().strip() == frozen:
                    return True
    return False


def cpu_seconds(group):
    for folder in group._folders:
        with contextlib.suppress(OSError), open(f"{folder}/cpuacct.usage") as file:
            return int(file.read()) / 1e9
        with contextlib.suppress(OSError), open(f"{folder}/cpu.stat") as file:
            name, value = file.readline().split()
            if name == "usage_usec":
                return int(value) / 1e6
    raise RuntimeError("no CPU counter")


def unix(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def wait_for_calm():
    """What the fight before left of pressure would be taken for the beginning of this one."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with open("/proc/pressure/cpu") as file:
            if float(file.readline().split("avg10=")[1].split()[0]) < 10:
                return
        time.sleep(0.5)
    raise RuntimeError("the machine is not calm")


def freezes(bench, engine):
    wait_for_calm()
    config = {
        "mode": "enforce",
        "act_only_in": ["/bench-fight"],
        "detect": {"saturation": {"for": f"{STORM_FOR}s", "load_warning": 0.5}},
        "ladder": {"saturation": ["freeze"]},
        "breaker": {"enabled": False},
        "engine": {"socket": engine} if engine else {"enabled": False},
    }
    with Group("bench-fight") as ring, Group("bench-rest") as rest:
        with bench.workloads.running("fight", FIGHTERS, group=ring) as fight, bench.workloads.running(
            "fight", os.cpu_count(), group=rest
        ) as others, Sexton(bench.program, config) as sexton:
            time.sleep(2)
            others.tell()
            fight.tell()
            end = time.monotonic() + 60
            while not is_frozen(ring):
                if time.monotonic() > end:
                    raise RuntimeError(f"not frozen within 60 s: {sexton.ask('status')['findings']}")
                time.sleep(0.005)
            frozen_at = time.time()
            found = [one for one in sexton.ask("status")["findings"] if one["detector"] == "saturation"]
            start, used = time.monotonic(), cpu_seconds(rest)
            time.sleep(3)
            share = (cpu_seconds(rest) - used) / (time.monotonic() - start) / os.cpu_count()
    return {"delay": frozen_at - unix(found[0]["since"]) - STORM_FOR, "rest": share}
