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
LASTS = 2  # s that each kind of trouble must last before it is found
CULPRIT = "/bench-culprit"

# By detector: what finds it soon, and the workload that is the culprit, beside the fighters unless it is they.
TROUBLES = {
    "saturation": ({"saturation": {"for": f"{LASTS}s", "load_warning": 0.5}}, ("fight", FIGHTERS)),
    "fork_storm": ({"fork_storm": {"for": f"{LASTS}s"}}, ("storm", "vfork", 10**9)),
    "zombie_leak": ({"zombie_leak": {"for": f"{LASTS}s"}}, ("deaths",)),
}


def run(bench):
    rows = survives(bench)
    with first_in_line():
        found = {name: freezes(bench, name, None) for name in TROUBLES}
        with silent_engine() as path:
            hung = freezes(bench, "saturation", path)
    rows += [
        Row(f"from the minimum duration of {name} to the culprit frozen", "≤ 2 s", f"{one['delay']:.2f} s", one["delay"] <= 2)
        for name, one in found.items()
    ]
    rest = found["saturation"]["rest"]
    rows += [
        Row("the same of saturation while the container engine answers nothing", "≤ 2 s", f"{hung['delay']:.2f} s", hung["delay"] <= 2),
        Row("CPU that the rest gets back, of all", "≥ 90 %", f"{rest * 100:.0f} %", rest >= 0.9),
    ]
    note = (
        f"{FIGHTERS} tasks that burn CPU in a control group, and one process after the other that is killed for taking more than"
        f" the {EATEN_MB} MB of another. Each kind of trouble had to last {LASTS} s, and leads to freezing at once; with the least"
        " step first the others come before it. The engine that answers nothing is a socket that accepts and is silent, as that"
        " of a dockerd stopped by SIGSTOP."
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
        running = bench.workloads.running
        with running("fight", FIGHTERS, group=ring) as fight, running("fight", 0, 4 * EATEN_MB, group=kitchen) as eater, running(
            "deaths", group=yard
        ) as deaths, running("wake", "fifo") as best, running("wake") as plain, Sexton(bench.program) as sexton:
            time.sleep(1)
            fight.tell()
            eater.tell()
            fight.says()
            time.sleep(1)
            before, died = histogram(sexton, WAKE), histogram(sexton, DEATH)
            self_before = sexton.ask("status")["self"]
            best.tell()
            plain.tell()
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                time.sleep(0.03)
                deaths.tell()
                deaths.says()
            best.tell()
            plain.tell()
            time.sleep(1)
            after, dead = histogram(sexton, WAKE), histogram(sexton, DEATH)
            self_after = sexton.ask("status")["self"]
            best, plain = best.says(), plain.says()
    print(f"         real-time {self_after['guard_real_time']}, {sorted(after.items())}", flush=True)
    bench.report.table(
        "survive",
        ["sleeps 100 ms and wakes late by", "median", "99 %", "at most", "later than 0.5 ms"],
        [
            [name, *(f"{one[key] * 1000:.2f} ms" for key in ("p50", "p99", "max")), f"{one['above']} of {one['count']}"]
            for name, one in (("a process at nice 0", plain), ("a process at SCHED_FIFO 1, memory locked", best))
        ],
        "Two processes that do nothing else, at the same time as the guard: what its policy makes possible here at best, and"
        " what it would have without.",
    )
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


def begin(detector, culprit):
    """Starts the trouble. A leak goes on until it is frozen: it is the pids that it uses up which make it dear."""
    if detector != "zombie_leak":
        culprit.tell()
        return
    for _ in range(100):
        culprit.tell()
        culprit.says()


def limit_pids(group, pids):
    for folder in group._folders:
        with contextlib.suppress(OSError), open(f"{folder}/pids.max", "w") as file:
            file.write(str(pids))


def freezes(bench, detector, engine):
    wait_for_calm()
    found_by, workload = TROUBLES[detector]
    config = {
        "mode": "enforce",
        "grace": "1s",
        "act_only_in": [CULPRIT],
        "detect": found_by,
        "ladder": {"saturation": [], "fork_storm": [], "zombie_leak": [], detector: ["freeze"]},
        "breaker": {"enabled": False},
        "engine": {"socket": engine} if engine else {"enabled": False},
    }
    running = bench.workloads.running
    with contextlib.ExitStack() as stack:
        culprit_group, rest = stack.enter_context(Group(CULPRIT[1:])), stack.enter_context(Group("bench-rest"))
        limit_pids(culprit_group, 400)
        if workload[0] != "fight":
            fighters = stack.enter_context(running("fight", FIGHTERS, group=stack.enter_context(Group("bench-fight"))))
        culprit = stack.enter_context(running(*workload, group=culprit_group))
        stack.callback(culprit.child.kill)  # not all end with their input
        others = stack.enter_context(running("fight", os.cpu_count(), group=rest))
        sexton = stack.enter_context(Sexton(bench.program, config))
        time.sleep(2)
        others.tell()
        if workload[0] != "fight":
            fighters.tell()
        begin(detector, culprit)
        end = time.monotonic() + 60
        while not is_frozen(culprit_group):
            if time.monotonic() > end:
                raise RuntimeError(f"{detector}: not frozen within 60 s: {sexton.ask('status')['findings']}")
            time.sleep(0.005)
        frozen_at = time.time()
        found = [one for one in sexton.ask("status")["findings"] if one["detector"] == detector]
        start, used = time.monotonic(), cpu_seconds(rest)
        time.sleep(3)
        share = (cpu_seconds(rest) - used) / (time.monotonic() - start) / os.cpu_count()
    return {"delay": frozen_at - unix(found[0]["since"]) - LASTS, "rest": share}
