"""What /proc says of processes: trees, memory, CPU, and who is dead."""

import os
import time


def read(path):
    """The text of a file, or None when it (or its process) is gone."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None


def pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def stat(pid):
    """Fields of /proc/PID/stat from the state on, so that [0] is the state; None when the process is gone."""
    text = read(f"/proc/{pid}/stat")
    return text[text.rindex(")") + 2 :].split() if text else None


def tree(root):
    """root and all that descend from it, living or dead."""
    parents = {}
    for pid in pids():
        fields = stat(pid)
        if fields:
            parents.setdefault(int(fields[1]), []).append(pid)
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += parents.get(pid, [])
    return found


def pss_bytes(pid):
    text = read(f"/proc/{pid}/smaps_rollup") or ""
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def memory_of(root):
    return sum(pss_bytes(pid) for pid in tree(root))


def cpu_of(pid):
    """Seconds of CPU of one process: its threads to the nanosecond, its waited-for children to the tick."""
    total = 0.0
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    for thread in threads:
        text = read(f"/proc/{pid}/task/{thread}/schedstat")
        if text:
            total += int(text.split()[0]) / 1e9
    fields = stat(pid)
    if fields:
        total += (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
    return total


class CpuMeter:
    """CPU of process trees over a span. A process that is born and dies within it counts through its parent."""

    def __init__(self, roots):
        self._roots = roots
        self._start = time.monotonic()
        self._before = self._now()

    def _now(self):
        return {name: {pid: cpu_of(pid) for pid in tree(root)} for name, root in self._roots.items()}

    def seconds(self):
        """CPU used since the start, by name."""
        used = {}
        for name, now in self._now().items():
            before = self._before[name]
            used[name] = sum(max(0.0, cpu - before.get(pid, 0.0)) for pid, cpu in now.items())
        return used

    def ratios(self):
        """Cores used on average since the start, by name."""
        used = self.seconds()
        span = time.monotonic() - self._start
        return {name: seconds / span for name, seconds in used.items()}


def births():
    """Processes and threads ever started on this host: how busy others are."""
    for line in read("/proc/stat").splitlines():
        if line.startswith("processes "):
            return int(line.split()[1])
    return 0


def dead():
    """{pid: (start time, threads)} of all whose main thread is dead and not waited for."""
    found = {}
    for pid in pids():
        fields = stat(pid)
        if fields and fields[0] == "Z":
            found[pid] = (int(fields[19]), int(fields[17]))
    return found
