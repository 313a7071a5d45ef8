"""The workloads of bench/workloads, compiled once, and control groups of our own to run them in."""

import contextlib
import json
import os
import subprocess
import tempfile
import time

HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "workloads")


class Workloads:
    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="sexton-workloads-")
        self.folder = self._folder.name
        for name in sorted(os.listdir(HERE)):
            if name.endswith(".c"):
                subprocess.run(
                    [os.environ.get("CC", "cc"), "-O2", "-static", "-pthread", "-D_GNU_SOURCE", "-o",
                     f"{self.folder}/{name[:-2]}", f"{HERE}/{name}"],
                    check=True,
                )  # fmt: skip
        return self

    def __exit__(self, *unused):
        self._folder.cleanup()

    def run(self, *command, cpu=None):
        """What a workload that ends by itself says."""
        pinned = ["taskset", "-c", str(cpu)] if cpu is not None else []
        done = subprocess.run(
            [*pinned, f"{self.folder}/{command[0]}", *map(str, command[1:])],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
        return json.loads(done.stdout)

    @contextlib.contextmanager
    def running(self, *command, group=None):
        """A workload that runs until the end of the with block."""
        child = subprocess.Popen(
            [f"{self.folder}/{command[0]}", *map(str, command[1:])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=group.enter if group else None,
        )  # fmt: skip
        try:
            yield Running(child)
        finally:
            child.stdin.close()
            child.wait(120)
            child.stdout.close()


class Running:
    def __init__(self, child):
        self.child = child
        self.pid = child.pid

    def says(self):
        line = self.child.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.child.args[0]} ended")
        return json.loads(line)

    def tell(self, text="\n"):
        self.child.stdin.write(text)
        self.child.stdin.flush()


class Group:
    """A control group in every hierarchy there is, which makes what runs in it a service named like its path."""

    def __init__(self, name):
        self.service = f"/{name}"
        self._name = name
        self._folders = []

    def __enter__(self):
        roots = ["/sys/fs/cgroup"]
        if not os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
            roots = [
                f"/sys/fs/cgroup/{one}"
                for one in ("cpu", "cpuacct", "memory", "pids", "freezer", "systemd", "unified")
                if os.path.isdir(f"/sys/fs/cgroup/{one}")
            ]
        for root in roots:
            folder = f"{root}/{self._name}"
            os.makedirs(folder, exist_ok=True)
            self._folders.append(folder)
        return self

    def enter(self):
        for folder in self._folders:
            with open(f"{folder}/cgroup.procs", "w") as file:
                file.write("0")

    def __exit__(self, *unused):
        for folder in self._folders:
            for _ in range(50):
                try:
                    os.rmdir(folder)
                    break
                except OSError:  # the dead leave it a moment later
                    time.sleep(0.1)
