"""The ledger under a nasty workload, compared with full scans of /proc, for each source that this kernel offers."""

from bench.harness.workloads import Workloads
from case import PROGRAM, PROGRAMS, case
from tests.integration import sources


# Observations with each source. Without BPF, and on kernels before 6.9, a round takes seconds, and many of them where
# the machine is emulated on a busy host.
WANTED = {"BPF": 60, "the proc connector": 10}
sources.SECONDS = 120


class Compiled(Workloads):
    """The workloads as the host compiled them."""

    def __enter__(self):
        self.folder = PROGRAMS
        return self

    def __exit__(self, *unused):
        pass


class Lines:
    """Takes the result of a comparison."""

    def __init__(self, t):
        self._t = t

    def check(self, good, name):
        self._t.check(good, name)

    def skip(self, name, why):
        self._t.report.skip(f"{self._t.name}: {name}", why)


@case("no dead is missing, none is told of that is buried")
def ledger(t):
    with Compiled() as workloads:
        for what, switched, expected in sources.MODES:
            if what in WANTED:
                sources.WANTED = WANTED[what]
                sources.compare(Lines(t), PROGRAM, workloads, what, switched, expected)
