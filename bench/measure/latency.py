"""How long after a death the listing has the zombie, as somebody who keeps asking sees it."""

import random
import statistics
import time

from harness.report import Row
from harness.sexton import Sexton


def run(bench):
    delays = []
    with Sexton(bench.program) as sexton, bench.workloads.running("deaths") as deaths:
        time.sleep(1)
        for _ in range(30 if bench.quick else 300):
            time.sleep(random.uniform(0.05, 0.15))  # in no step with Sexton's own rhythm
            deaths.tell()
            death = deaths.says()
            end = time.monotonic() + 5
            while time.monotonic() < end:
                if any(one["pid"] == death["pid"] for one in sexton.ask("zombies")["zombies"]):
                    delays.append(time.clock_gettime(time.CLOCK_BOOTTIME) - death["at"])
                    break
                time.sleep(0.001)
            else:
                delays.append(float("inf"))
    delays.sort()
    median, p99 = statistics.median(delays), delays[int(len(delays) * 0.99)]
    bench.report.rows(
        "latency",
        [
            Row("from death to `zombies` listing it, median", "≤ 50 ms", f"{median * 1e3:.1f} ms", median <= 0.05),
        ],
        f"{len(delays)} deaths; 99 % within {p99 * 1e3:.0f} ms, all within {delays[-1] * 1e3:.0f} ms. This includes asking"
        " and reading the answer.",
    )
