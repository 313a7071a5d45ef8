"""The ground truth: what /proc says, read without Sexton."""

import glob
import os
import re
from typing import NamedTuple

TICKS = os.sysconf("SC_CLK_TCK")


class Process(NamedTuple):
    pid: int
    comm: bytes
    state: str
    ppid: int
    session: int
    threads: int
    cpu_seconds: float
    start_ticks: int

    @property
    def dead(self):
        return self.state in "ZX"


def process(pid):
    """The process, or None if there is none (any more)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return None
    # The name may contain anything, parentheses and spaces too: it ends at the last parenthesis.
    head, tail = text[: text.rindex(b")")], text[text.rindex(b")") + 2 :].split()
    return Process(
        pid=int(pid),
        comm=head[head.index(b"(") + 1 :],
        state=tail[0].decode(),
        ppid=int(tail[1]),
        session=int(tail[3]),
        threads=int(tail[17]),
        cpu_seconds=(int(tail[11]) + int(tail[12])) / TICKS,
        start_ticks=int(tail[19]),
    )


def processes():
    found = (process(name) for name in os.listdir("/proc") if name.isdigit())
    return {one.pid: one for one in found if one}


def descendants(pid):
    """All processes below pid, the dead too. A container's are those below its PID 1 (execs are below the shim)."""
    children = {}
    for one in processes().values():
        children.setdefault(one.ppid, []).append(one)
    found, todo = [], [pid]
    while todo:
        for child in children.get(todo.pop(), []):
            found.append(child)
            todo.append(child.pid)
    return found


def children(pid):
    """The PIDs of a process's children, from each of its threads."""
    found = set()
    for tasks in glob.glob(f"/proc/{pid}/task/*/children"):
        found.update(map(int, read(tasks).split()))
    return found


def zombies(pid):
    return [one for one in descendants(pid) if one.state == "Z" and one.threads <= 1]


def dead_leaders(pid):
    return [one for one in descendants(pid) if one.state == "Z" and one.threads > 1]


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def cmdline(pid):
    return read(f"/proc/{pid}/cmdline")


def mounts():
    """(path, type, the whole line) of each, in the order they were made."""
    lines = read("/proc/self/mountinfo").decode(errors="replace").splitlines()
    return [(line.split()[4], line.split(" - ")[1].split()[0], line) for line in lines]


def cgroup_mounts():
    return [path for path, kind, _ in mounts() if kind in ("cgroup", "cgroup2")]


def cgroup_file(container_id, name):
    """The contents of the first control file NAME of a container's cgroups, on v1 or v2; None if there is none."""
    for mount in cgroup_mounts():
        for middle in (f"docker/{container_id}", f"system.slice/docker-{container_id}.scope"):
            text = read(f"{mount}/{middle}/{name}")
            if text:
                return text.decode()
    return None


def cgroup_cpu_seconds(container_id):
    usage = cgroup_file(container_id, "cpuacct.usage")
    if usage:
        return int(usage) / 1e9
    stat = cgroup_file(container_id, "cpu.stat")
    return int(re.search(r"usage_usec (\d+)", stat).group(1)) / 1e6 if stat else None


def cgroup_oom_kills(container_id):
    text = cgroup_file(container_id, "memory.oom_control") or cgroup_file(container_id, "memory.events") or ""
    found = re.search(r"oom_kill (\d+)", text)
    return int(found.group(1)) if found else None
