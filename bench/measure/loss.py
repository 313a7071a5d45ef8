"""What is lost when lives and deaths come as fast as this machine can make them, and whether the ledger is right soon
after."""

import concurrent.futures
import time

from harness.ledger import Check
from harness.report import Row
from harness.sexton import Sexton


def _storm(bench, sexton, parallel, cycles):
    """(cycles a second, events lost, gaps, Check one second after)"""
    leave = max(1, 1000 // parallel)
    lost = sexton.metric("sexton_events_lost_total") or 0
    gaps = len(sexton.ask("status")["gaps"])
    storms = [bench.workloads.running("storm", "vfork", cycles, leave) for _ in range(parallel)]
    running = [one.__enter__() for one in storms]
    try:
        with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
            walls = [said["wall"] for said in pool.map(lambda one: one.says(), running)]
        time.sleep(1)
        check = Check()
        check.round(sexton)
    finally:
        for one in storms:
            one.__exit__(None, None, None)
    lost = (sexton.metric("sexton_events_lost_total") or 0) - lost
    gaps = len(sexton.ask("status")["gaps"]) - gaps
    return parallel * cycles / max(walls), lost, gaps, check


def run(bench):
    rows = []
    for parallel in (4, 100):
        cycles = (20000 if bench.quick else 300000) // parallel
        with Sexton(bench.program) as sexton:
            time.sleep(1)
            rate, lost, gaps, check = _storm(bench, sexton, parallel, cycles)
        counted = lost == 0 or gaps > 0
        rows.append(
            Row(
                f"events lost in {parallel} storms at once ({rate:,.0f} processes a second), and the ledger 1 s later",
                "0, or each counted, and the ledger right",
                f"{lost:.0f} lost, {gaps} gaps told; {check.observations:,} zombies compared, {check.wrong} wrong",
                counted and check.wrong == 0 and check.observations > 0,
            )
        )
    bench.report.rows(
        "loss", rows, f"{cycles * parallel:,} cycles of vfork, exit and wait each time, of which 1,000 are not waited for."
    )
