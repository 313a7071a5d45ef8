"""What it costs to be there: memory and CPU of all of Sexton's processes and of the peers', with few and with many
processes on the host, in the same run."""

import time

from harness import procfs
from harness.peers import Peers
from harness.quiet import WINDOW, measure
from harness.report import Row, mb, percent
from harness.sexton import Sexton
from webhook import Webhook

SLEEPERS, ZOMBIES = 5000, 2000


def told(hook):
    """Everything is switched on: somebody is told of what happens here."""
    return {"notify": [{"name": "hook", "type": "webhook", "url": f"{hook.url}/sexton"}]}


def run(bench):
    windows = 1 if bench.quick else 4
    seconds = windows * WINDOW
    with Webhook() as hook, Sexton(bench.program, told(hook)) as sexton, Peers() as peers:
        roots = {"sexton": sexton.pid, **peers.roots()}
        time.sleep(10 if bench.quick else 30)  # what happens once, at the start, is over
        processes = len(procfs.pids())
        idle, idle_births, idle_quiet, idle_line = measure(roots, windows)
        with bench.workloads.running("crowd", SLEEPERS, ZOMBIES) as crowd:
            crowd.says()
            time.sleep(5 if bench.quick else 20)
            loaded, loaded_births, loaded_quiet, loaded_line = measure(roots, windows)
    own_idle, own_loaded = idle["sexton"], loaded["sexton"]
    crowd_text = f"{SLEEPERS:,} sleepers and {ZOMBIES:,} zombies"
    bench.report.rows(
        "footprint",
        [
            Row(f"memory of all its processes (PSS), with {processes} processes", "≤ 10 MB", mb(own_idle[0]),
                own_idle[0] <= 10e6),
            Row(f"memory of all its processes (PSS), with {crowd_text}", "≤ 16 MB", mb(own_loaded[0]),
                own_loaded[0] <= 16e6),
            Row(f"CPU of all its processes, idle, over {seconds} s", "≤ 0.1 %", percent(own_idle[1]),
                own_idle[1] <= 0.001),
            Row(f"CPU of all its processes, with {crowd_text}, over {seconds} s", "≤ 0.15 %", percent(own_loaded[1]),
                own_loaded[1] <= 0.0015),
        ],
        f"Others started {idle_births:.1f} processes and threads a second while idle was measured, and"
        f" {loaded_births:.1f} with the crowd; each costs Sexton a little. CPU is in percent of one core."
        + ("" if idle_quiet and loaded_quiet else " **The machine was never quiet for long enough; this measures that too.**")
        + (f" By a straight line through all windows, idle is {idle_line}." if idle_line else "")
        + (f" With the crowd it is {loaded_line}." if loaded_line else ""),
    )  # fmt: skip
    table = []
    for name in roots:
        (idle_pss, idle_cpu), (loaded_pss, loaded_cpu) = idle[name], loaded[name]
        table.append(
            [name, mb(idle_pss), mb(loaded_pss), percent(idle_cpu), percent(loaded_cpu),
             f"{loaded_pss / own_loaded[0]:.1f} ×", f"{loaded_cpu / own_loaded[1]:.1f} ×" if own_loaded[1] else "–"]
        )  # fmt: skip
    bench.report.table(
        "footprint",
        ["", "PSS idle", "PSS crowd", "CPU idle", "CPU crowd", "PSS crowd ÷ Sexton's", "CPU crowd ÷ Sexton's"],
        table,
        "Measured at the same time. Sexton has its history on disk and a webhook to tell. node_exporter has its"
        " `processes` collector on and, like process-exporter, is"
        " scraped every 15 s; netdata runs at its default of 1 s."
        + (f" Not installed here: {', '.join(peers.missing)}." if peers.missing else ""),
    )
