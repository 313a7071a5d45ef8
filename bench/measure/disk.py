"""How much is written to the disk in a day, with 20 services: by a real Sexton for some minutes, and by its store for a
day on a clock that runs faster."""

import contextlib
import json
import os
import sqlite3
import subprocess
import tempfile
import time

from harness import procfs
from harness.natives import natives, on_disk
from harness.report import Row, mb
from harness.sexton import Sexton
from harness.workloads import Group

GOAL = 50e6  # bytes a day
SERVICES = 20
PREFIX = "sexton-bench-life-"
# As in programs/day.c, but for probes: two deaths in 4 s that end well, one a minute that doesn't.
LIFE = """
sleep $(($1 % 4))
i=$1
while :; do
    sleep 4
    i=$((i + 1))
    head -c $((i * 7919000 % 50000000)) /dev/zero >/dev/null
    [ $((i % 15)) = 0 ] && false_of_a_kind
done
"""


@contextlib.contextmanager
def _services(count, folder):
    """Services that live as services do."""
    with contextlib.ExitStack() as stack:
        bad = f"{folder}/false_of_a_kind"
        with open(bad, "w") as file:
            file.write("#!/bin/sh\nexit 1\n")
        os.chmod(bad, 0o755)
        for i in range(count):
            group = stack.enter_context(Group(f"{PREFIX}{i}"))
            child = subprocess.Popen(["sh", "-c", LIFE, "sh", str(i)], preexec_fn=group.enter, start_new_session=True,
                                     env={**os.environ, "PATH": f"{os.environ['PATH']}:{folder}"})  # fmt: skip
            stack.callback(_end, child)
        yield


def _end(child):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, 15)
    child.wait()


def _written(sexton):
    """By its recorder, that is the only one of its processes to write to a disk."""
    for pid in procfs.tree(sexton.pid):
        if "\0recorder\0" in (procfs.read(f"/proc/{pid}/cmdline") or ""):
            lines = procfs.read(f"/proc/{pid}/io").splitlines()
            return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))
    raise RuntimeError("there is no recorder")


def _rows(path):
    """(of the services, of everything else) in a history.db"""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        ours = db.execute("SELECT count(*) FROM recent JOIN name ON name.id = service WHERE CAST(name.text AS TEXT) LIKE ?",
                          (f"/{PREFIX}%",)).fetchone()[0]  # fmt: skip
        return ours, db.execute("SELECT count(*) FROM recent").fetchone()[0] - ours


def _real(bench, minutes):
    """(bytes in so many minutes, rows)"""
    with tempfile.TemporaryDirectory(prefix="sexton-life-") as folder, _services(SERVICES, folder):
        os.chmod(folder, 0o755)
        with Sexton(bench.program) as sexton:
            time.sleep(60 * minutes)
            return _written(sexton), _rows(f"{sexton.folder}/data/history.db")


def _day(bench, hours, minutes):
    with on_disk() as folder:
        command = [f"{natives(bench, 'day')}/day", folder, str(SERVICES), str(hours), str(minutes)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def run(bench):
    minutes, hours = (1, 2) if bench.quick else (5, 24)
    day = _day(bench, hours, minutes)
    real, (ours, others) = _real(bench, minutes)
    each_day = day["bytes"] * 24 / hours
    bench.report.rows(
        "disk",
        [Row(f"written to the disk in a day, with {SERVICES} services", f"≤ {GOAL / 1e6:.0f} MB", mb(each_day), each_day <= GOAL)],
        f"What the kernel counts as written (`write_bytes`) by the store in {hours} hours of a clock that runs as fast as the disk"
        f" takes it, with all checkpoints and hourly work: {day['commits']:,} commits, and a file of"
        f" {mb(day['file_bytes'])} at the end. Life is made up and the same for a real Sexton: each service has deaths twice in 4 s,"
        " one that ends badly each minute, in the store's day a probe each 30 s, too, every figure another in each sample,"
        f" and three incidents of 20 minutes. The check: in its first {minutes} minutes, when early commits are at their most"
        f" frequent, the store's clock writes {mb(day['first_bytes'])} with {day['first_rows']:,} rows, and the recorder of a real"
        f" Sexton {mb(real)} with {ours:,} rows of the {SERVICES} services and {others:,} of whatever else ran on this machine.",
    )  # fmt: skip
