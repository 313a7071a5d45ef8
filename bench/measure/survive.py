"""What still works while 200 busy tasks fight for the cores and memory is exhausted: the guard's wake-ups, the ledger, and
how soon the culprit is frozen. Each part is bounded: the machine is hardly usable meanwhile."""

import contextlib
import datetime
import os
import socket
import time

from harness.host import first_in_line, silent_console
from harness.report import Row
from harness.sexton import Sexton
from harness.workloads import Group

FIGHTERS = 200
EATEN_MB = 64
WAKE = "sexton_guard_wake_delay_seconds"
DEATH = "sexton_detection_delay_seconds"
GRACE = 1  # s
LASTS = 2  # s that each kind of trouble must last before it is found
CULPRIT = "/bench-culprit"

# By detector: what finds it soon, and the workload that is the culprit, beside the fighters unless it is they.
TROUBLES = {
    "saturation": ({"saturation": {"for": f"{LASTS}s", "load_warning": 0.5}}, ("fight", FIGHTERS)),
    "fork_storm": ({"fork_storm": {"for": f"{LASTS}s"}}, ("storm", "vfork", 10**9)),
    "zombie_leak": ({"zombie_leak": {"for": f"{LASTS}s"}}, ("deaths",)),
}


def run(bench):
    with silent_console():
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


class Watch:
    """The guard's wake-ups for a while, beside a process at nice 0 and one with the guard's policy that do nothing else."""

    def __init__(self, bench, sexton):
        self._bench = bench
        self._sexton = sexton

    def __enter__(self):
        self._stack = contextlib.ExitStack()
        beside = (("wake",), ("wake", "fifo"))
        self._beside = [self._stack.enter_context(self._bench.workloads.running(*one)) for one in beside]
        self._before = histogram(self._sexton, WAKE)
        for one in self._beside:
            one.tell()
        return self

    def __exit__(self, *unused):
        for one in self._beside:
            one.tell()
        self.plain, self.best = (one.says() for one in self._beside)
        after = histogram(self._sexton, WAKE)
        self.count, self.late = above(after, self._before, 0), above(after, self._before, 0.0005)
        self._stack.close()

    def row(self, what):
        return Row(
            f"the guard's {self.count} wake-ups later than 0.5 ms, {what}; of a process that does nothing else with its policy",
            "0", f"{self.late}; {self.best['above']} of {self.best['count']}", self.count > 0 and self.late == 0,
        )  # fmt: skip

    def cells(self, what):
        return [
            [f"{name}, {what}", *(f"{one[key] * 1000:.2f} ms" for key in ("p50", "p99", "max"))]
            for name, one in (("nice 0", self.plain), ("SCHED_FIFO 1, memory locked", self.best))
        ]


def survives(bench):
    seconds = 5 if bench.quick else 20
    running = bench.workloads.running
    with contextlib.ExitStack() as stack:
        ring, kitchen, yard = (stack.enter_context(Group(name)) for name in ("bench-fight", "bench-eat", "bench-deaths"))
        limit_memory(kitchen, EATEN_MB)
        fight = stack.enter_context(running("fight", FIGHTERS, group=ring))
        eater = stack.enter_context(running("fight", 0, 4 * EATEN_MB, group=kitchen))
        deaths = stack.enter_context(running("deaths", group=yard))
        sexton = stack.enter_context(Sexton(bench.program))
        time.sleep(1)
        fight.tell()
        fight.says()
        time.sleep(1)
        self_before = sexton.ask("status")["self"]
        with Watch(bench, sexton) as busy:
            time.sleep(seconds)
        eater.tell()
        with Watch(bench, sexton) as hungry:
            time.sleep(seconds)
        died = histogram(sexton, DEATH)
        with Watch(bench, sexton) as dying:
            let_die(deaths, seconds)
        time.sleep(1)
        dead, self_after = histogram(sexton, DEATH), sexton.ask("status")["self"]
    if not self_after["guard_real_time"]:
        print("         the guard has no real-time share here", flush=True)
    bench.report.table(
        "survive",
        ["late by, with", "median", "99 %", "at most"],
        busy.cells("200 busy tasks") + hungry.cells("a hog besides") + dying.cells("and 30 deaths a second"),
        "How late two processes wake that sleep 100 ms and do nothing else, at the same time: what the guard's policy makes"
        " possible here at best, and what it would be without. The kernel tells nothing on its console meanwhile: a serial one"
        " takes 3 to 5 ms of a CPU for each process that is killed for memory (`sysctl kernel.printk`)."
        f" While zombies were made, {dying.late} of the guard's {dying.count} wake-ups were later than 0.5 ms:"
        " fork and exit are parts of the kernel, too, that nobody interrupts unless it is preemptible.",
    )
    deaths_seen, slow = above(dead, died, 0), above(dead, died, 0.025)
    faults = self_after["guard_major_faults"] - self_before["guard_major_faults"]
    grown = self_after["guard_rss_bytes"] - self_before["guard_rss_bytes"]
    return [
        busy.row("200 busy tasks"),
        hungry.row("a hog besides"),
        Row(
            f"of {deaths_seen} zombies, in the ledger within 25 ms of their death",
            "≥ 99 %",
            f"{100 * (1 - slow / max(deaths_seen, 1)):.1f} %",
            deaths_seen > 0 and slow <= deaths_seen / 100,
        ),
        Row("the guard's major page faults meanwhile", "0", f"{faults}", faults == 0),
        Row("growth of the guard's memory meanwhile", "≤ 1 MB", f"{grown / 1e6:.2f} MB", grown <= 1e6),
    ]


def let_die(deaths, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.03)
        deaths.tell()
        deaths.says()


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
    """Starts the trouble; when the first died, of a leak, which is to use up the pids soon."""
    culprit.tell()
    first = time.time()
    for _ in range(100 if detector == "zombie_leak" else 0):
        culprit.says()
        culprit.tell()
    return first


def limit_pids(group, pids):
    for folder in group._folders:
        with contextlib.suppress(OSError), open(f"{folder}/pids.max", "w") as file:
            file.write(str(pids))


def freezes(bench, detector, engine):
    wait_for_calm()
    found_by, workload = TROUBLES[detector]
    config = {
        "mode": "enforce",
        "grace": f"{GRACE}s",
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
        first = begin(detector, culprit)
        end = time.monotonic() + 60
        while not is_frozen(culprit_group):
            if time.monotonic() > end:
                raise RuntimeError(f"{detector}: not frozen within 60 s: {sexton.ask('status')['findings']}")
            time.sleep(0.005)
        frozen_at = time.time()
        found = [one for one in sexton.ask("status")["findings"] if one["detector"] == detector]
        # Of a leak the minimum is an age of the dead; the others are found when their trouble has lasted so long.
        due = first + GRACE + LASTS if detector == "zombie_leak" else unix(found[0]["since"]) + LASTS
        start, used = time.monotonic(), cpu_seconds(rest)
        time.sleep(3)
        share = (cpu_seconds(rest) - used) / (time.monotonic() - start) / os.cpu_count()
    return {"delay": frozen_at - due, "rest": share}
