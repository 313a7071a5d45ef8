"""How much slower a storm of short-lived processes gets when Sexton watches: pairs, alternating which comes first."""

import statistics
import time

from harness.report import Row
from harness.sexton import Sexton


def _pairs(bench, kind, cycles, pairs):
    """Per pair: (ratio of wall times, µs more a cycle, µs a cycle without)."""
    found = []

    def storm():
        return bench.workloads.run("storm", kind, cycles, cpu=1)["wall"]

    def watched_storm():
        with Sexton(bench.program):
            time.sleep(1)
            return storm()

    storm()  # warms caches
    for number in range(pairs):
        if number % 2:
            without, watched = storm(), watched_storm()
        else:
            watched, without = watched_storm(), storm()
        found.append((watched / without, (watched - without) / cycles * 1e6, without / cycles * 1e6))
    return found


def _spread(values, form):
    """Median, and the quartiles in brackets."""
    ordered = sorted(values)
    quarter = len(ordered) // 4
    return f"{form(statistics.median(ordered))} [{form(ordered[quarter])} … {form(ordered[-1 - quarter])}]"


def run(bench):
    # Many short ones: what disturbs them lasts for seconds, and with a few long pairs the median is chance.
    execs = _pairs(bench, "exec", 1500, 3 if bench.quick else 80)
    forks = _pairs(bench, "vfork", 60000, 3 if bench.quick else 40)
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
        f"Median and quartiles of {len(execs)} and {len(forks)} pairs, with and without Sexton in turn, the storm pinned to one core."
        f" Without Sexton a cycle takes {statistics.median(one[2] for one in execs):.0f} µs with exec and"
        f" {statistics.median(one[2] for one in forks):.1f} µs bare.",
    )  # fmt: skip
