"""Whether the CPU of processes that live 0.3 to 3 ms is charged to their service, against what wait4 says they used."""

import time

from harness.report import Row
from harness.sexton import Sexton
from harness.workloads import Group


def _share(bench, config):
    """Charged CPU over used CPU, and how many processes used how much; or why it can't be said."""
    processes = 2000 if bench.quick else 20000
    with Group("sexton-bench-burn") as group, Sexton(bench.program, config) as sexton:
        lifecycle = sexton.ask("status")["sources"]["lifecycle"]
        with bench.workloads.running("burn", processes, 300, 3000, group=group) as burn:
            time.sleep(2)
            before = sexton.service(group.service)
            burn.tell()
            truth = burn.says()
            time.sleep(2)
            after = sexton.service(group.service)
    if not after:
        return lifecycle, None, truth
    charged = after["cpu_seconds"] - (before["cpu_seconds"] if before else 0)
    return lifecycle, charged / (truth["children"] + truth["own"]), truth


def run(bench):
    rows = []
    for what, low, high, config in (
        ("with BPF", 0.98, 1.02, {}),
        ("without BPF", 0.90, 1.05, {"sources": {"bpf": False}}),
    ):
        lifecycle, share, truth = _share(bench, config)
        rows.append(
            Row(
                f"CPU charged to a service whose processes each live 0.3–3 ms, {what} (`{lifecycle}`)",
                f"{low * 100:.0f}–{high * 100:.0f} %",
                f"{share * 100:.1f} %" if share is not None else "service not seen",
                share is not None and low <= share <= high,
            )
        )
    bench.report.rows(
        "accounting",
        rows,
        f"{truth['processes']:,} processes one after the other in a control group of their own, which used"
        f" {truth['children']:.1f} s of CPU by `wait4`, and their parent {truth['own']:.1f} s.",
    )
