"""The ledger of zombies against full scans of /proc while processes die in every awkward way."""

import time

from harness.ledger import Check
from harness.report import Row
from harness.sexton import Sexton


def run(bench):
    wanted = 1000 if bench.quick else 50000
    check = Check()
    with Sexton(bench.program) as sexton, bench.workloads.running("nasty", 150) as nasty:
        nasty.says()
        time.sleep(5)
        start = time.monotonic()
        rounds = 0
        while check.observations < wanted and time.monotonic() - start < 600:
            check.round(sexton)
            rounds += 1
        took = time.monotonic() - start
        lifecycle = sexton.ask("status")["sources"]["lifecycle"]
    for name in ("missing", "stale", "wrong_kind"):
        if getattr(check, name):
            print(f"{name}: {getattr(check, name)[:20]}", flush=True)
    bench.report.rows(
        "exactness",
        [
            Row(
                f"zombie ledger against full scans under a nasty workload (`{lifecycle}`)",
                f"0 wrong of {wanted:,}",
                f"{check.wrong} wrong of {check.observations:,}",
                check.wrong == 0 and check.observations >= wanted,
            )
        ],
        f"{rounds} rounds in {took:.0f} s: {len(check.missing)} missing, {len(check.stale)} listed though buried,"
        f" {len(check.wrong_kind)} of the wrong kind. The workload: late waits, orphans, SIGCHLD ignored, zombies held by a"
        " tracer, main thread first, exec from a thread, death by signal with threads, pids used up quickly.",
    )
