"""A root file system of Debian packages, in which holders run as PID 1 of pid namespaces of their own."""

import contextlib
import glob
import os
import shutil
import socket
import subprocess
import time

from .burier import children, stat

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
PACKAGES = ["nginx-light", "nodejs", "default-jre-headless"]
WAIT = 60  # seconds, at most


def sleep_until(condition, wait=WAIT):
    end = time.monotonic() + wait
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("it did not come true in time")
        time.sleep(0.005)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Holder:
    """A program as PID 1 of a pid namespace; killed at the end of the with block."""

    def __init__(self, room, command):
        inside = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"'
        self._child = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount", "sh", "-c", inside, room.root, *command],
            stdin=subprocess.DEVNULL, stdout=room.log, stderr=room.log, env=room.environment,
        )  # fmt: skip

    def __enter__(self):
        program = os.readlink("/proc/self/root")
        sleep_until(lambda: children(self._child.pid))
        self.pid = children(self._child.pid)[0]
        sleep_until(lambda: os.readlink(f"/proc/{self.pid}/root") != program)
        self._start = stat(self.pid)[2]
        return self

    def alive(self):
        try:
            state, _, start = stat(self.pid)
        except OSError:
            return False
        return state not in "ZX" and start == self._start

    def __exit__(self, *unused):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, 9)
        self._child.wait(30)


class Room:
    @staticmethod
    def folder():
        """/tmp may be too small, or mounted nodev."""
        folder = os.environ.get("SEXTON_E2E_CACHE", "/var/cache/sexton-e2e")
        os.makedirs(folder, exist_ok=True)
        return folder

    def __init__(self, folder, programs):
        self.root = f"{folder}/root"
        self.server = "server"
        self.log = subprocess.DEVNULL
        self._programs = programs
        self._folder = folder
        self._redis = None
        self.redis_port = free_port()
        self.environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/tmp", "C_FORCE_ROOT": "1",
            "REDIS": f"redis://127.0.0.1:{self.redis_port}/0",
        }  # fmt: skip

    def __enter__(self):
        self.log = open(f"{self._folder}/log", "ab")
        image = subprocess.run([f"{ROOT}/tests/e2e/image.sh", "--with", *PACKAGES], stdout=subprocess.PIPE, text=True, check=True)
        os.mkdir(self.root)
        subprocess.run(["tar", "-x", "-C", self.root, "-f", image.stdout.strip()], check=True)
        for name in ("proc", "dev", "tmp", "holders", "usr/local/bin"):
            os.makedirs(f"{self.root}/{name}", exist_ok=True)
        os.chmod(f"{self.root}/tmp", 0o1777)
        for path in glob.glob(f"{self._programs}/*"):
            if os.path.isfile(path):
                shutil.copy(path, f"{self.root}/holders")
        # what packages leave to their maintainer scripts
        for java in glob.glob(f"{self.root}/usr/lib/jvm/java-*/bin/java")[:1]:
            os.symlink(java.removeprefix(self.root), f"{self.root}/usr/bin/java")
        for folder in ("var/lib/nginx/body", "var/log/nginx"):
            os.makedirs(f"{self.root}/{folder}", exist_ok=True)
        source = f"{self._programs}/server.c"
        subprocess.run(["cc", "-O2", "-static", "-o", f"{self.root}/holders/{self.server}", source], check=True)
        return self

    def __exit__(self, *unused):
        if self._redis:
            self._redis.terminate()
            self._redis.wait(30)
        self.log.close()

    def has(self, path):
        return os.path.exists(f"{self.root}/{path}")

    def write(self, path, text):
        with open(f"{self.root}/{path}", "w") as file:
            file.write(text)

    def build_small(self):
        """A 32-bit program, or None."""
        command = ["cc", "-m32", "-static", "-nostdlib", "-ffreestanding", "-fno-pie", "-no-pie", "-fno-stack-protector"]
        done = subprocess.run([*command, "-o", f"{self.root}/holders/small", f"{self._programs}/small.c"], capture_output=True)
        return None if done.returncode else "/holders/small"

    def run_beside(self, command, stdout):
        """In the room, but in the pid namespace of the test."""
        return subprocess.Popen(
            ["chroot", self.root, *command], stdin=subprocess.DEVNULL, stdout=stdout, stderr=self.log, env=self.environment
        )

    def start(self, command):
        if command[0] == "celery" and not self._redis:
            options = ["--port", str(self.redis_port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
            self._redis = self.run_beside(["redis-server", *options], self.log)
        return Holder(self, command)

    def wait_until_answers(self, load):
        end = time.monotonic() + WAIT
        while True:
            try:
                load.once()
                return
            except (OSError, ValueError) as error:
                if time.monotonic() > end:
                    raise TimeoutError(f"the holder never answered: {error}") from error
                time.sleep(0.05)

    def leave_orphans(self, holder, count):
        """Dead children of a dead process of the holder's pid namespace, which it has to adopt."""
        program = f"{self.root}/holders/{self.server}"
        subprocess.run(["nsenter", "--target", str(holder), "--pid", program, "orphans", str(count)], check=True)

    def freezers(self):
        """(which cgroup version, a context that freezes a process) of each that this machine has."""
        for kind, folder, state, frozen, thawed, done in (
            ("v1", "/sys/fs/cgroup/freezer", "freezer.state", "FROZEN", "THAWED", ("freezer.state", "FROZEN")),
            ("v2", "/sys/fs/cgroup", "cgroup.freeze", "1", "0", ("cgroup.events", "frozen 1")),
            ("v2", "/sys/fs/cgroup/unified", "cgroup.freeze", "1", "0", ("cgroup.events", "frozen 1")),
        ):
            control = "cgroup.controllers" if kind == "v2" else "cgroup.clone_children"
            if os.path.exists(f"{folder}/{control}"):
                yield kind, lambda pid, f=folder, s=state, on=frozen, off=thawed, d=done: _frozen(f, s, on, off, d, pid)


@contextlib.contextmanager
def _frozen(folder, state, on, off, done, pid):
    group = f"{folder}/sexton-bury-{os.getpid()}"

    def write(path, text):
        with open(path, "w") as file:
            file.write(text)

    def shows():
        with open(f"{group}/{done[0]}") as file:
            return done[1] in file.read()

    with open(f"/proc/{pid}/cgroup") as file:
        lines = [line.rstrip("\n").split(":", 2) for line in file]
    key = "freezer" if state.startswith("freezer") else ""
    before = next(path for _, controllers, path in lines if controllers == key)
    os.mkdir(group)
    try:
        write(f"{group}/cgroup.procs", str(pid))
        write(f"{group}/{state}", on)
        sleep_until(shows)
        yield
    finally:
        write(f"{group}/{state}", off)
        write(f"{folder}{before}/cgroup.procs", str(pid))
        os.rmdir(group)
