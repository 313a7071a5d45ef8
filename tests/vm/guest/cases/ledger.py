"""The ledger under a nasty workload, compared with full scans of /proc, for each source that this kernel offers."""

from bench.harness.workloads import Workloads
from case import PROGRAM, PROGRAMS, case
from tests.integration import sources


sources.WANTED = 100  # observations with each source


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

    def line(self, good, name, skipped=None):
        if skipped:
            self._t.report.skip(f"{self._t.name}: {name}", skipped)
        else:
            self._t.check(good, name)


@case("no dead is missing, none is told of that is buried")
def ledger(t):
    with Compiled() as workloads:
        for what, switched, expected in sources.MODES:
            if what in ("BPF", "the proc connector"):
                sources.compare(Lines(t), PROGRAM, workloads, what, switched, expected)
