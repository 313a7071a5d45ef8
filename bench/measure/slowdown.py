"""How much slower a storm of short-lived processes gets when Sexton watches: storms with and without, in turn."""

import statistics
import time

from harness.report import Row
from harness.sexton import Sexton


def _compare(bench, kind, cycles, times):
    """Per storm beside Sexton: (ratio to the mean of those before and after it without, µs more a cycle, µs without)."""

    def storm():
        return bench.workloads.run("storm", kind, cycles, cpu=1)["wall"]

    def watched_storm():
        with Sexton(bench.program):
            time.sleep(0.5)
            return storm()

    found = []
    storm()  # warms caches
    before = storm()
    for _ in range(times):
        watched, after = watched_storm(), storm()
        without = (before + after) / 2
        found.append((watched / without, (watched - without) / cycles * 1e6, without / cycles * 1e6))
        before = after
    return found


def _spread(values, form):
    """Median, and the quartiles in brackets."""
    ordered = sorted(values)
    quarter = len(ordered) // 4
    return f"{form(statistics.median(ordered))} [{form(ordered[quarter])} … {form(ordered[-1 - quarter])}]"


def run(bench):
    # Many short ones: a machine's speed changes within seconds by more than is looked for here.
    execs = _compare(bench, "exec", 800, 5 if bench.quick else 120)
    forks = _compare(bench, "vfork", 50000, 5 if bench.quick else 50)
    ratio = statistics.median(one[0] for one in execs)
    more = statistics.median(one[1] for one in forks)
    bench.report.rows(
        "slowdown",
        [
            Row("slowdown of fork+exec+exit", "≤ 2 %",
                _spread([one[0] for one in execs], lambda value: f"{(value - 1) * 100:+.1f} %"), ratio <= 1.02),
            Row("slowdown of bare vfork+exit", "≤ 2.5 µs a cycle",
                _spread([one[1] for one in forks], lambda value: f"{value:+.2f} µs"), more <= 2.5),
        ],
        f"Median and quartiles of {len(execs)} and {len(forks)} storms of about a second, pinned to one core, each compared with the"
        " mean of the one before and the one after it without Sexton."
        f" Without Sexton a cycle takes {statistics.median(one[2] for one in execs):.0f} µs with exec and"
        f" {statistics.median(one[2] for one in forks):.1f} µs bare.",
    )  # fmt: skip
