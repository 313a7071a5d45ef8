"""What every scenario is: containers that go up, trouble that arises in them, and what Sexton has to say about it."""

import contextlib
import os
import re
import time
import traceback

from . import procfs
from .waiting import Timeout, wait_until


PROJECT = "com.docker.compose.project"


class Scenario:
    """Subclasses say `proves`, and define up(), arise() and expect().

    up() starts the containers, arise() checks by /proc that the trouble is really there, expect() asks Sexton.
    Scenarios share one engine. Those that are `alone` also get a Sexton of their own, with `config` merged into its
    configuration (and data on a disk of `disk_size`, where they say one), and nothing beside them.
    """

    proves = ""
    alone = False
    config = {}
    disk_size = None
    missing = staticmethod(lambda: None)  # why it can't run here, or None

    def __init__(self, lab):
        self.name = type(self).__module__.rsplit(".", 1)[-1]
        self.lab = lab
        self.engine = lab.engine
        self.sexton = None
        self.containers = []
        self.failed = False

    def up(self):
        raise NotImplementedError

    def arise(self):
        raise NotImplementedError

    def expect(self, sexton):
        raise NotImplementedError

    def down(self):
        for container in self.containers:
            container.remove()

    # Containers

    def start(self, name, command, **options):
        container = self.engine.run(f"{self.name}-{name}", command, mount=self.lab.workloads, **options)
        self.containers.append(container)
        return container

    def adopt(self, name, identity):
        """Takes charge of a container that somebody else started."""
        self.containers.append(self.engine.adopt(name, identity))

    def zoo(self, name, *mode, **options):
        """A container of workloads/zoo.c."""
        return self.start(name, ["/w/zoo", *map(str, mode)], **options)

    def foreign_finding(self, finding):
        """As foreign(); what is found in the host as a whole comes from everybody's load, save a disk that fills up."""
        if finding["service"] is None:
            return not os.environ.get("CI") and finding["detector"] != "disk"
        return self.foreign(finding["service"])

    def foreign(self, service):
        """Is this somebody else's work on this machine? Never so where nobody else is: in CI.

        Elsewhere other people's builds, tests and containers run beside us, with troubles of their own: in control groups
        other than ours (where the engine runs too), and in containers that our engine doesn't know.
        """
        if os.environ.get("CI") or service is None:
            return False
        if service.startswith("/"):
            own = {line.split(":", 2)[2] for line in procfs.read("/proc/self/cgroup").decode().splitlines()}
            return service not in own
        unnamed = re.fullmatch("[0-9a-f]{12}", service)
        return bool(unnamed) and not any(one.startswith(service) for one in self.engine.container_ids)

    # Checks

    def check(self, passed, what, got=None):
        if not self.lab.report.ok(passed, f"{self.name}: {what}", f"got: {got!r}"[:4000]):
            self.failed = True
        return passed

    def equal(self, got, wanted, what):
        return self.check(got == wanted, what, f"{got!r}, wanted {wanted!r}")

    def eventually(self, predicate, timeout, what):
        """A check that may take a while. The predicate's value, or None."""
        try:
            value = wait_until(predicate, timeout, what)
        except Timeout as late:
            self.check(False, what, str(late))
            return None
        self.check(True, what)
        return value

    def becomes(self, get, wanted, timeout, what):
        """As equal(), of a value that may take a while to be so. WANTED may also be a function that judges it."""
        seen = []

        def so():
            seen[:] = [get()]
            return [True] if (wanted(seen[0]) if callable(wanted) else seen[0] == wanted) else None

        try:
            wait_until(so, timeout, what)
        except Timeout as late:
            return self.check(False, what, f"{seen[0]!r}; {late}" if seen else str(late))
        return self.check(True, what)

    def settles(self, get, seconds, timeout, what):
        """A number that grows until it hardly changes for so many seconds."""
        last, since = get(), time.monotonic()

        def still():
            nonlocal last, since
            now = get()
            if abs(now - last) > 0.005 * abs(last):
                last, since = now, time.monotonic()
            return time.monotonic() - since > seconds

        self.eventually(still, timeout, what)
        return last

    def blames(self, sexton, guilty, innocent):
        """`why` and the incidents name the one and never the other."""
        self.becomes(lambda: sexton.why(guilty)["culprit"], guilty, 30, f"why: the culprit is {guilty}")
        self.becomes(lambda: self._culprits(sexton), lambda found: guilty in found, 30, f"an incident has {guilty} for its culprit")
        if innocent:
            self.check(innocent not in self._culprits(sexton), f"none has {innocent}", sexton.ask("incidents"))
            self.equal(sexton.why(innocent)["culprit"], None, f"why: nothing is wrong with {innocent}")

    @staticmethod
    def _culprits(sexton):
        return {one["culprit"] for one in sexton.ask("incidents", fresh=True)["incidents"]}

    def note(self, text):
        self.lab.report.note(f"{self.name}: {text}")

    # Running

    def run(self, sexton):
        """Everything but up() and down(). An exception is a failed check."""
        self.sexton = sexton
        try:
            self.arise()
            if sexton and not self.failed:
                self.expect(sexton)
        except Exception as error:
            self.check(False, f"no surprise ({type(error).__name__})", traceback.format_exc())
        if self.failed:
            for container in self.containers:
                self._describe(container)
            if sexton:
                self.note(sexton.dump(self.words()))

    def words(self):
        """What the names of its containers and projects have in them."""
        found = {self.name}
        for one in self.containers:
            with contextlib.suppress(Exception):  # it may be gone already
                found.add(one.inspect()["Config"]["Labels"].get(PROJECT) or self.name)
        return found

    def _describe(self, container):
        try:
            state = container.inspect()["State"]
            self.note(f"{container.name}: {state['Status']}, exit code {state['ExitCode']}, pid {state['Pid']}")
            self.note("\n".join(container.logs().splitlines()[-10:]))
        except Exception as error:
            self.note(f"{container.name}: {error}")


def holds_dead(zombies, **wanted):
    """The zombies that have these values; holder's values are written holder_pid=…"""

    def value(zombie, key):
        return zombie["holder"][key[len("holder_") :]] if key.startswith("holder_") else zombie[key]

    return [one for one in zombies if all(value(one, key) == what for key, what in wanted.items())]
