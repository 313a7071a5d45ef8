"""How long after the first zombie the webhook has the alarm, at defaults; beside process-exporter, Prometheus and
Alertmanager at theirs, in the same run, about the same zombies."""

import contextlib
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from harness import alerting
from harness.report import Row
from harness.sexton import Sexton
from harness.workloads import Group
from webhook import Webhook

GOAL = 15  # s
PATIENCE = 150  # s
HOLDER = """
import os, sys, time
sys.stdin.readline()
at = time.monotonic()
if os.fork() == 0: os._exit(0)
print(at, flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def holder(program, name):
    """A program of its own name in a control group of its own, which will hold one zombie."""
    with Group(name) as group:
        child = subprocess.Popen([program, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                 preexec_fn=group.enter)  # fmt: skip
        try:
            yield child
        finally:
            child.stdin.close()
            child.wait(30)
            child.stdout.close()


def begin(child):
    child.stdin.write("\n")
    child.stdin.flush()
    return float(child.stdout.readline())


def measure(bench, names):
    """{name: (of Sexton, of the others)} in seconds from the death; inf when no alarm came."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sexton-alarm-"))
        os.chmod(folder, 0o755)
        receiver = stack.enter_context(Webhook())
        if not alerting.missing():
            stack.enter_context(alerting.Alerting(names, f"{receiver.url}/alertmanager"))
        hook = {"name": "hook", "type": "webhook", "url": f"{receiver.url}/sexton"}
        stack.enter_context(Sexton(bench.program, {"notify": [hook]}))
        begun = {}
        for name in names:
            program = f"{folder}/{name}"
            shutil.copy(os.path.realpath(sys.executable), program)
            child = stack.enter_context(holder(program, name))
            time.sleep(random.uniform(3, 8))  # in no step with anybody's interval
            begun[name] = begin(child)

        def told(name):
            return receiver.first("/sexton", name), receiver.first("/alertmanager", name)

        wanted = 1 if alerting.missing() else 2
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and any(sum(t is not None for t in told(n)) < wanted for n in names):
            time.sleep(0.2)
        return {n: [t - begun[n] if t else float("inf") for t in told(n)] for n in names}


def run(bench):
    names = [f"alarm{i}" for i in range(3 if bench.quick else 10)]
    found = measure(bench, names)
    ours, others = ([found[n][k] for n in names] for k in (0, 1))
    middle = statistics.median(ours)
    bench.report.rows(
        "alarm",
        [Row("from a zombie's death to the webhook, median", f"≤ {GOAL} s", f"{middle:.1f} s", middle <= GOAL)],
        f"{len(names)} services that get one zombie each, everything at defaults.",
    )
    table = [["Sexton", *(f"{f(ours):.1f} s" for f in (min, statistics.median, max))]]
    note = f"Not compared: there is no {', '.join(alerting.missing())}."
    if not alerting.missing():
        table.append(["process-exporter, Prometheus, Alertmanager", *(f"{f(others):.1f} s" for f in (min, statistics.median, max))])
        note = "In the same run and about the same zombies; the others' rule fires on the first zombie it sees, of any age."
    bench.report.table("alarm", ["from death to webhook", "shortest", "median", "longest"], table, note)
