"""What is left changed after the guard was killed a thousand times while it froze and limited a service. The test of
actions does it, with more cycles than it has time for otherwise."""

import os
import re
import subprocess
import sys

from harness.report import Row

TEST = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "tests/integration/act.py")
KILLED = re.compile(r"^ok \d+ - (\d+) guards killed, each replaced$", re.MULTILINE)
CLEAN = re.compile(r"^ok \d+ - nothing is left frozen, no limit changed$", re.MULTILINE)


def run(bench):
    cycles = 20 if bench.quick else 1000
    done = subprocess.run(
        [sys.executable, TEST, bench.program], env={**os.environ, "SEXTON_CYCLES": str(cycles)},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=120 + 10 * cycles,
    )  # fmt: skip
    killed, clean = KILLED.search(done.stdout), bool(CLEAN.search(done.stdout))
    if not killed:
        raise RuntimeError(f"{TEST} did not do its cycles:\n{done.stdout[-3000:]}")
    bench.report.rows(
        "undo",
        [
            Row(f"{killed[1]} times frozen and limited, the guard killed at a random moment: what is left frozen or changed", "nothing",
                "nothing" if clean else "something", clean and int(killed[1]) == cycles),
        ],
        "Every file of the group, compared with what it held before the first cycle. The rest of the test (a guard that is"
        f" stopped, the supervisor killed, all killed at once) {'passed' if done.returncode == 0 else '**failed**'} in the same run.",
    )  # fmt: skip
