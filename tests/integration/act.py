#!/usr/bin/env python3
"""Actions on real control groups of this kernel, and what becomes of them when parts of the daemon are killed: the
guard, again and again at random moments; the guard stopped; the supervisor with it; all at once. Whatever happens,
in the end nothing is frozen and no limit is changed.

Only groups that this test makes are acted on. Prints TAP.

    act.py PROGRAM           SEXTON_CYCLES=N for N freezes and kills of the guard
"""

import ctypes
import glob
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time

CGROUPS = "/sys/fs/cgroup"
HIERARCHIES = ("systemd", "freezer", "cpu", "cpuacct", "memory", "pids")
NAME = f"/sexton-act-{os.getpid()}"
CYCLES = int(os.environ.get("SEXTON_CYCLES", "12"))
WAIT = 30  # seconds, at most
TAKE, RELEASE = 1, 3
WEIGHT, QUOTA, MEMORY, PIDS, FREEZE, STOP = 1, 2, 3, 4, 5, 7
SYS_PIDFD_GETFD = 438


class Request(ctypes.Structure):
    """struct request of src/model/request.h"""

    _fields_ = [
        ("number", ctypes.c_uint32), ("verb", ctypes.c_uint8), ("kind", ctypes.c_uint8), ("dry_run", ctypes.c_bool),
        ("pid", ctypes.c_int32), ("asker_pid", ctypes.c_int32), ("action_id", ctypes.c_uint32),
        ("value", ctypes.c_double), ("ttl_ns", ctypes.c_uint64), ("expires_ns", ctypes.c_uint64), ("service", ctypes.c_char * 128),
        ("who", ctypes.c_char * 48), ("reason", ctypes.c_char * 200),
    ]  # fmt: skip


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def check(self, good, name, *details):
        self.count += 1
        self.failed += not good
        for line in details if not good else ():
            print(f"# {line}")
        print(f"{'' if good else 'not '}ok {self.count} - {name}", flush=True)


def becomes(condition, within=WAIT):
    end = time.monotonic() + within
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def read(path):
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return ""


class Group:
    """A control group of this name in every hierarchy, with a busy program in it."""

    def __init__(self, name):
        self.name = name
        self.folders = [f"{CGROUPS}/{h}{name}" for h in HIERARCHIES if os.path.isdir(f"{CGROUPS}/{h}")]
        for folder in self.folders:
            os.mkdir(folder)
        script = "".join(f"echo $$ >{folder}/cgroup.procs; " for folder in self.folders)
        self.worker = subprocess.Popen(["sh", "-c", script + "while :; do sleep 0.05; done"])
        becomes(lambda: str(self.worker.pid) in read(f"{self.folders[-1]}/cgroup.procs").split())

    def file(self, name):
        return read(next(f for f in (f"{folder}/{name}" for folder in self.folders) if os.path.exists(f)))

    def put(self, name, value):
        with open(next(f for f in (f"{folder}/{name}" for folder in self.folders) if os.path.exists(f)), "w") as file:
            file.write(value)

    def values(self):
        files = ("freezer.state", "cpu.shares", "cpu.cfs_quota_us", "memory.limit_in_bytes", "pids.max")
        return {name: self.file(name) for name in files}

    def remove(self):
        if self.file("freezer.state") != "THAWED":
            self.put("freezer.state", "THAWED")
        self.worker.kill()
        self.worker.wait()

        def empty():
            for folder in self.folders:
                for pid in read(f"{folder}/cgroup.procs").split():
                    os.kill(int(pid), signal.SIGKILL)
            return not any(read(f"{folder}/cgroup.procs") for folder in self.folders)

        becomes(empty)
        for folder in self.folders:
            becomes(lambda folder=folder: not os.path.isdir(folder) or remove_folder(folder))


def remove_folder(folder):
    try:
        os.rmdir(folder)
    except OSError:
        return False
    return True


def send(link, packet):
    """False when the link is full: the guard that is to read it has just been killed."""
    try:
        link.send(packet)
    except BlockingIOError:
        return False
    return True


class Daemon:
    def __init__(self, program, folder):
        self.program = program
        self.socket = f"{folder}/run/sock"
        self.journal = f"{folder}/run/actions"
        config = f"{folder}/sexton.yaml"
        with open(config, "w") as file:
            file.write(f"act_only_in: [{NAME}*]\nactions: {{dead_man: 3s}}\nengine: {{enabled: false}}\n")
        command = [program, "run", "--config", config, "--data-dir", f"{folder}/data", "--socket", self.socket]
        self.log = f"{folder}/log"
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen([*command, "--listen", ""], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def part(self, role):
        """The pid of one of its children, None while there is none."""
        for path in glob.glob(f"/proc/{self.child.pid}/task/*/children"):
            for pid in read(path).split():
                if read(f"/proc/{pid}/comm") == f"sexton-{role}":
                    return int(pid)
        return None

    def parts(self):
        return [pid for pid in map(self.part, ("guard", "engine", "recorder", "deadman")) if pid]

    def knows(self, service):
        done = subprocess.run(
            [self.program, "services", "--json", "--socket", self.socket], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        listed = json.loads(done.stdout)["services"] if done.returncode in (0, 1) and done.stdout else []
        return any(one["service"] == service and one["processes"] for one in listed)

    def ask(self, service, verb, kind=0, value=float("nan"), ttl=600):
        """Over the recorder's own link to the guard; the answer goes to the recorder, the truth is in the group."""
        recorder = self.part("recorder")
        words = read(f"/proc/{recorder}/cmdline").split("\0")
        number = next(int(word.split("=")[1]) for word in words if word.startswith("requests-recorder="))
        pidfd = os.pidfd_open(recorder)
        fd = ctypes.CDLL(None, use_errno=True).syscall(SYS_PIDFD_GETFD, pidfd, number, 0)
        os.close(pidfd)
        q = Request(1, verb, kind, False, 0, 0, 0, value, ttl * 10**9, 0, service.encode(), b"test", b"a test")
        with socket.socket(fileno=fd) as link:
            becomes(lambda: send(link, bytes(q)))

    def end(self):
        self.child.terminate()
        try:
            return self.child.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.child.kill()
            return None


def each_action(tap, daemon, group, before):
    wanted = [
        (FREEZE, float("nan"), "freezer.state", "FROZEN"),
        (WEIGHT, 10, "cpu.shares", "102"),
        (QUOTA, 0.25, "cpu.cfs_quota_us", "25000"),
        (MEMORY, 64 << 20, "memory.limit_in_bytes", str(64 << 20)),
        (PIDS, 50, "pids.max", "50"),
    ]
    for kind, value, name, expected in wanted:
        daemon.ask(group.name, TAKE, kind, value)
        good = becomes(lambda name=name, expected=expected: group.file(name) == expected)
        tap.check(good, f"{name} is {expected}", group.values())
        daemon.ask(group.name, RELEASE)
        tap.check(becomes(lambda: group.values() == before), f"{name} is as before after release", group.values())


def keeps_standing(tap, daemon, group, before):
    daemon.ask(group.name, TAKE, QUOTA, 0.25)
    becomes(lambda: group.file("cpu.cfs_quota_us") == "25000")
    group.put("cpu.cfs_quota_us", "-1")
    tap.check(becomes(lambda: group.file("cpu.cfs_quota_us") == "25000"), "what is reverted is put back")
    group.put("cpu.cfs_quota_us", "70000")
    time.sleep(2.5)  # two looks
    daemon.ask(group.name, RELEASE)
    time.sleep(0.5)
    tap.check(group.file("cpu.cfs_quota_us") == "70000", "what somebody else sets stays", group.values())
    group.put("cpu.cfs_quota_us", "-1")
    daemon.ask(group.name, TAKE, FREEZE, ttl=1)
    tap.check(becomes(lambda: group.file("freezer.state") == "FROZEN"), "it is frozen for a second")
    tap.check(becomes(lambda: group.values() == before, 5), "and thawed when the second is over", group.values())


def others_are_left_alone(tap, daemon, other):
    becomes(lambda: daemon.knows(other.name))
    before = other.values()
    for kind in (FREEZE, QUOTA, WEIGHT, MEMORY, PIDS, STOP):
        daemon.ask(other.name, TAKE, kind)
    time.sleep(1)
    tap.check(other.values() == before and other.worker.poll() is None, "what act_only_in doesn't name is not touched")


def guards_killed(tap, daemon, group, before):
    """Each time another guard: it goes on with what stands, or undoes what was half done."""
    chance = random.Random(4)
    replaced = 0
    for _ in range(CYCLES):
        guard = daemon.part("guard")
        daemon.ask(group.name, TAKE, FREEZE)
        daemon.ask(group.name, TAKE, QUOTA, chance.choice((0.2, 0.4)))
        if chance.random() < 0.4:
            daemon.ask(group.name, RELEASE)
        time.sleep(chance.random() * 0.05)
        os.kill(guard, signal.SIGKILL)
        replaced += becomes(lambda guard=guard: daemon.part("guard") not in (guard, None))
    tap.check(replaced == CYCLES, f"{CYCLES} guards killed, each replaced", f"{replaced}")
    tap.check(becomes(lambda: daemon.knows(group.name)), "the last guard knows the service")
    daemon.ask(group.name, RELEASE)
    tap.check(becomes(lambda: group.values() == before), "nothing is left frozen, no limit changed", group.values())


def freeze(daemon, group):
    daemon.ask(group.name, TAKE, FREEZE)
    return becomes(lambda: group.file("freezer.state") == "FROZEN")


def guard_stopped(tap, daemon, group, before):
    guard = daemon.part("guard")
    frozen = freeze(daemon, group)
    os.kill(guard, signal.SIGSTOP)
    began = time.monotonic()
    thawed = frozen and becomes(lambda: group.values() == before, 10)
    took = time.monotonic() - began
    tap.check(thawed and took > 1, f"a guard stopped: the dead-man thaws after {took:.1f} s", read(daemon.log)[-500:])
    os.kill(guard, signal.SIGCONT)
    time.sleep(2.5)
    tap.check(group.values() == before, "the guard that goes on doesn't freeze it again", group.values())
    tap.check(freeze(daemon, group), "but does when asked anew")
    daemon.ask(group.name, RELEASE)
    becomes(lambda: group.values() == before)


def ended(pids):
    return not any(os.path.exists(f"/proc/{pid}") and " Z " not in read(f"/proc/{pid}/stat") for pid in pids)


def supervisor_and_guard_killed(tap, daemon, group, before):
    frozen, parts = freeze(daemon, group), daemon.parts()
    guard = daemon.part("guard")
    os.kill(daemon.child.pid, signal.SIGKILL)
    os.kill(guard, signal.SIGKILL)
    daemon.child.wait()
    tap.check(frozen and becomes(lambda: group.values() == before, 10), "supervisor and guard killed: the dead-man thaws")
    tap.check(becomes(lambda: ended(parts), 15), "and no process is left")


def all_killed(tap, program, folder, group, before):
    daemon = Daemon(program, folder)
    becomes(lambda: daemon.knows(group.name))
    frozen = freeze(daemon, group)
    every = [daemon.child.pid, *daemon.parts()]
    for sign in (signal.SIGSTOP, signal.SIGKILL):  # stopped first, so that none sees another one die
        for pid in every:
            os.kill(pid, sign)
    daemon.child.wait()
    tap.check(frozen and group.file("freezer.state") == "FROZEN", "all killed at once: it stays frozen", group.values())
    daemon = Daemon(program, folder)
    tap.check(becomes(lambda: group.values() == before), "until the next start, which thaws it", read(daemon.log)[-500:])
    becomes(lambda: daemon.knows(group.name))
    frozen = freeze(daemon, group)
    parts = daemon.parts()
    code = daemon.end()
    tap.check(frozen and code == 0 and group.values() == before, "SIGTERM undoes everything", code, group.values())
    tap.check(not os.path.exists(daemon.journal) and ended(parts), "and leaves no journal and no process")


def run(program):
    tap = Tap()
    group, other = Group(NAME), Group(f"/sexton-other-{os.getpid()}")
    daemon = None
    try:
        before = group.values()
        with tempfile.TemporaryDirectory(prefix="sexton-act-") as folder:
            daemon = Daemon(program, folder)
            known = becomes(lambda: daemon.knows(NAME))
            tap.check(known, "the service is known", read(daemon.log)[-500:])
            if known:
                each_action(tap, daemon, group, before)
                keeps_standing(tap, daemon, group, before)
                others_are_left_alone(tap, daemon, other)
                guards_killed(tap, daemon, group, before)
                guard_stopped(tap, daemon, group, before)
                supervisor_and_guard_killed(tap, daemon, group, before)
                all_killed(tap, program, folder, group, before)
    finally:
        if daemon and daemon.child.poll() is None:
            daemon.end()
        group.remove()
        other.remove()
    left = [folder for one in (group, other) for folder in one.folders if os.path.exists(folder)]
    tap.check(not left, "no group is left", left)
    print(f"1..{tap.count}")
    return tap.failed != 0


def main():
    if os.geteuid() != 0 or not os.path.isdir(f"{CGROUPS}/freezer"):
        print("1..0 # SKIP needs root and the hierarchies of cgroup v1")
        return 0
    return run(os.path.abspath(sys.argv[1]))


if __name__ == "__main__":
    sys.exit(main())
