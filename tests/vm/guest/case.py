"""What a case in the virtual machine has at hand: a Sexton of its own, control groups, and checks that wait.

    @case("a frozen service stands still")
    def freeze(t):
        with t.group("busy") as group:
            group.start("zoo", "burn")
            t.verb("freeze", group.service)
            t.becomes(lambda: group.number("cgroup.events", "frozen"), 1, "it is frozen")
"""

import contextlib
import json
import os
import signal
import subprocess
import time

from bench.harness.sexton import Sexton
from tests.e2e.harness.waiting import Timeout, wait_until

ROOT = "/sys/fs/cgroup"
PROGRAMS = "/t/programs"
PROGRAM = "/usr/bin/sexton"
WAIT = 20  # seconds, at most

# As they are by default, but soon.
FAST = {
    "grace": "1s",
    "detect": {
        "zombie_leak": {"for": "1s"},
        "pids": {"for": "1s"},
        "memory": {"for": "1s"},
        "saturation": {"for": "2s", "load_warning": 0.2, "load_critical": 0.4},
    },
}

CASES = []  # (name, what it proves, configuration, function), in the order they are run


def case(proves, **config):
    """Makes a function a case. CONFIG is merged into FAST, a key of the first level at a time."""

    def take(run):
        CASES.append((run.__name__, proves, {**FAST, **config}, run))
        return run

    return take


class Group:
    """A group of the v2 hierarchy, which makes what runs in it a service named like its path."""

    def __init__(self, name):
        self.service = f"/{name}"
        self.folder = f"{ROOT}/{name}"

    def __enter__(self):
        os.makedirs(self.folder)
        return self

    def __exit__(self, *unused):
        with contextlib.suppress(FileNotFoundError):
            self.write("cgroup.freeze", 0)
            self.write("cgroup.kill", 1)
            wait_until(lambda: self.number("cgroup.events", "populated") == 0, WAIT, f"{self.service} being empty")
            wait_until(self._removed, WAIT, f"{self.service} being removed")

    def _removed(self):
        os.rmdir(self.folder)
        return True

    def start(self, program, *arguments, **options):
        """A program of PROGRAMS in the group."""
        command = [f"{PROGRAMS}/{program}", *map(str, arguments)]
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, **options}
        return subprocess.Popen(command, preexec_fn=self._enter, **options)

    def _enter(self):
        with open(f"{self.folder}/cgroup.procs", "w") as file:
            file.write("0")

    def pids(self):
        return [int(line) for line in self.read("cgroup.procs").split()]

    def read(self, file):
        with open(f"{self.folder}/{file}") as one:
            return one.read().strip()

    def write(self, file, value):
        with open(f"{self.folder}/{file}", "w") as one:
            one.write(str(value))

    def number(self, file, key=None):
        """The number in a file, or that behind a key in one of its lines."""
        text = self.read(file)
        return int(text) if key is None else next(int(line.split()[1]) for line in text.splitlines() if line.split()[0] == key)


class Case:
    def __init__(self, name, report, config):
        self.name = name
        self.report = report
        self._config = config
        self._daemon = contextlib.ExitStack()
        self.sexton = None

    def __enter__(self):
        self.sexton = self._daemon.enter_context(Sexton(PROGRAM, self._config))
        return self

    def __exit__(self, *unused):
        self._daemon.close()

    def group(self, name):
        return Group(name)

    # Asking

    def verb(self, *words, timeout=60):
        """(exit code, JSON or None, complaint) of a verb."""
        done = subprocess.run(
            [PROGRAM, *words, "--json", "--socket", f"{self.sexton.folder}/sexton.sock"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout,
        )  # fmt: skip
        try:
            return done.returncode, json.loads(done.stdout), done.stderr
        except ValueError:
            return done.returncode, None, done.stderr

    def service(self, group):
        return self.sexton.service(group.service) or {}

    def finding(self, detector, service):
        """An open finding of this detector about this service, or None."""
        for incident in self.sexton.ask("incidents")["incidents"]:
            for one in incident["findings"]:
                if incident["state"] == "open" and (one["detector"], one["service"]) == (detector, service):
                    return {**one, "culprit": incident["culprit"]}
        return None

    def kill_guard(self):
        """SIGKILL for the guard; true when another one is at work."""
        pid = self.sexton.ask("status")["self"]["guard_pid"]
        os.kill(pid, signal.SIGKILL)

        def another():
            return self.sexton.ask("status")["self"]["guard_pid"] not in (None, pid)

        return wait_until(another, WAIT, "another guard", every=0.05)

    # Checks

    def check(self, passed, what, got=None):
        return self.report.ok(passed, f"{self.name}: {what}", f"got: {got!r}"[:4000])

    def equal(self, got, wanted, what):
        return self.check(got == wanted, what, f"{got!r}, wanted {wanted!r}")

    def near(self, got, wanted, share, what):
        """Within so large a share of what is wanted."""
        good = got is not None and abs(got - wanted) <= share * abs(wanted)
        return self.check(good, f"{what}", f"{got!r}, wanted {wanted!r} ± {share:.0%}")

    def eventually(self, predicate, what, timeout=WAIT):
        """The first true value of the predicate; None, and a failed check, when it doesn't come."""
        try:
            value = wait_until(predicate, timeout, what, every=0.1)
        except Timeout as late:
            self.check(False, what, str(late))
            return None
        self.check(True, what)
        return value

    def becomes(self, get, wanted, what, timeout=WAIT):
        seen = []

        def so():
            seen[:] = [get()]
            return seen[0] == wanted

        try:
            wait_until(so, timeout, what, every=0.1)
        except Timeout as late:
            return self.check(False, what, f"{seen[0]!r}, wanted {wanted!r}" if seen else str(late))
        return self.check(True, what)

    def note(self, text):
        self.report.note(f"{self.name}: {text}")

    def lasts(self, predicate, seconds, what):
        """True all the time, for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not predicate():
                return self.check(False, what, f"no longer so {end - time.monotonic():.1f} s before the end")
            time.sleep(0.05)
        return self.check(True, what)
