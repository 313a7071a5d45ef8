"""Control groups of a test's own, with a program in each, and a daemon that may act on them and on nothing else."""

import glob
import json
import os
import signal
import socket
import subprocess

from waiting import WAIT, becomes

CGROUPS = "/sys/fs/cgroup"
HIERARCHIES = ("systemd", "freezer", "cpu", "cpuacct", "memory", "pids")
FILES = ("freezer.state", "cpu.shares", "cpu.cfs_quota_us", "memory.limit_in_bytes", "pids.max")


def possible():
    return os.geteuid() == 0 and os.path.isdir(f"{CGROUPS}/freezer")


def read(path):
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return ""


def ended(pids):
    return not any(os.path.exists(f"/proc/{pid}") and " Z " not in read(f"/proc/{pid}/stat") for pid in pids)


class Group:
    """A control group of this name in every hierarchy, with a program in it: an idle shell if none is given."""

    def __init__(self, name, command=("sh", "-c", "while :; do sleep 0.05; done")):
        self.name = name
        self.folders = [f"{CGROUPS}/{h}{name}" for h in HIERARCHIES if os.path.isdir(f"{CGROUPS}/{h}")]
        for folder in self.folders:
            os.mkdir(folder)
        self.worker = self.run(*command)
        becomes(lambda: str(self.worker.pid) in read(f"{self.folders[-1]}/cgroup.procs").split())

    def run(self, *command, **options):
        """One more program in it."""
        script = "".join(f"echo $$ >{folder}/cgroup.procs; " for folder in self.folders)
        return subprocess.Popen(["sh", "-c", script + 'exec "$@"', "sh", *command], **options)

    def file(self, name):
        return read(next(f for f in (f"{folder}/{name}" for folder in self.folders) if os.path.exists(f)))

    def put(self, name, value):
        with open(next(f for f in (f"{folder}/{name}" for folder in self.folders) if os.path.exists(f)), "w") as file:
            file.write(value)

    def values(self):
        return {name: self.file(name) for name in FILES}

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

    def left(self):
        return [folder for folder in self.folders if os.path.exists(folder)]


def remove_folder(folder):
    try:
        os.rmdir(folder)
    except OSError:
        return False
    return True


class Daemon:
    """`sexton run` that may act only on what `only` names, in a folder of its own."""

    def __init__(self, program, folder, only, more=""):
        self.program = program
        self.socket = f"{folder}/run/sock"
        self.journal = f"{folder}/run/actions"
        config = f"{folder}/sexton.yaml"
        with open(config, "w") as file:
            file.write(f"act_only_in: [{only}]\nactions: {{dead_man: 3s}}\nengine: {{enabled: false}}\n{more}")
        command = [program, "run", "--config", config, "--data-dir", f"{folder}/data", "--socket", self.socket]
        self.log = f"{folder}/log"
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen([*command, "--listen", ""], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def said(self):
        return read(self.log)[-1500:]

    def part(self, role):
        """The pid of one of its children, None while there is none."""
        for path in glob.glob(f"/proc/{self.child.pid}/task/*/children"):
            for pid in read(path).split():
                if read(f"/proc/{pid}/comm") == f"sexton-{role}":
                    return int(pid)
        return None

    def parts(self):
        return [pid for pid in map(self.part, ("guard", "engine", "recorder", "deadman")) if pid]

    def verb(self, *words):
        """(exit code, standard output, standard error) of a verb."""
        done = subprocess.run([self.program, *words, "--socket", self.socket], capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    def json(self, *words):
        code, out, _ = self.verb(*words, "--json")
        return json.loads(out) if code in (0, 1) and out else {}

    def knows(self, service):
        return any(one["service"] == service and one["processes"] for one in self.json("services").get("services", []))

    def order(self, action, service, **more):
        """Asks for it over the socket, and doesn't wait for the answer. False while nobody takes orders."""
        body = json.dumps({"action": action, "service": service, "reason": "a test", **more})
        head = f"POST /sexton/v1/actions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.socket(socket.AF_UNIX) as link:
            try:
                link.connect(self.socket)
                link.sendall((head + body).encode())
            except OSError:
                return False
        return True

    def end(self):
        self.child.terminate()
        try:
            return self.child.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.child.kill()
            return None
