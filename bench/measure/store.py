"""How many deaths a second get into the store on one core, beside a row for each in plain SQLite; and how soon one
record of a month ago is found in a store that is as large as it may get."""

import contextlib
import datetime
import glob
import json
import os
import random
import sqlite3
import statistics
import subprocess
import time

from harness.natives import natives, on_disk
from harness.report import Row, mb
from harness.sexton import Sexton

GOAL = 100_000  # deaths a second
FIND_GOAL = 0.1  # s
SERVICES, COMMANDS = 20, 25
STALL = 3  # s
CPU = "0"
MAX_BYTES = 512 << 20  # the default
# Commands that one record has, the oldest of them.
OLDEST_RARE = """SELECT CAST(text AS TEXT), (SELECT min(id) FROM event WHERE comm = name.id) AS first FROM name
    WHERE CAST(text AS TEXT) LIKE 'once-%' AND first IS NOT NULL ORDER BY first LIMIT 10"""


def _flood(command, *arguments):
    done = subprocess.run(["taskset", "-c", CPU, *map(str, (*command, *arguments))], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def _size(folder):
    return sum(os.path.getsize(path) for path in glob.glob(f"{folder}/**/*.db*", recursive=True))


def _stored(path):
    """(deaths, rows, events said to be lost) in a history.db."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        both = "(SELECT * FROM recent UNION ALL SELECT * FROM event)"
        deaths, rows = db.execute(f"SELECT total(count), count(*) FROM {both} WHERE kind = 1").fetchone()
        lost = db.execute(f"SELECT total(count) FROM {both} WHERE kind = 17").fetchone()[0]
        return int(deaths), rows, int(lost)


def _ours(bench, program, seconds, kinds, stall=0):
    with on_disk() as folder:
        found = _flood((program, "recorder", folder), seconds, *kinds, stall, bench.program)
        found["stored"], found["rows"], found["lost"] = _stored(f"{folder}/data/history.db")
        found["bytes"] = _size(folder)
    return found


def _plain(program, seconds, kinds):
    with on_disk() as folder:
        found = _flood((program, "rows", folder), seconds, *kinds)
        found["bytes"] = _size(folder)
    return found


def _rate(found):
    return statistics.median(one["deaths"] / one["seconds"] for one in found)


def _size_each(found):
    return statistics.median(one["bytes"] / one["seconds"] for one in found)


def _rates(bench):
    program = f"{natives(bench, 'flood')}/flood"
    seconds, pairs = (2, 1) if bench.quick else (8, 3)
    ours, plain = [], []
    for _ in range(pairs):
        ours.append(_ours(bench, program, seconds, (SERVICES, COMMANDS)))
        plain.append(_plain(program, seconds, (SERVICES, COMMANDS)))
    stalled = _ours(bench, program, 2 * STALL + seconds, (SERVICES, COMMANDS), STALL)
    varied = _ours(bench, program, seconds, (200, 100))
    everything = [*ours, stalled, varied]
    missing = sum(one["deaths"] - one["stored"] for one in everything)
    lost = sum(one["lost"] for one in everything)
    waits = sum(one["waits"] for one in everything)
    bench.report.rows(
        "store",
        [
            Row("deaths a second into the store, all on one core", f"≥ {GOAL:,}", f"{_rate(ours):,.0f}",
                _rate(ours) >= GOAL),
            Row(f"of {sum(one['deaths'] for one in everything):,} deaths, missing in the file's counts", "0",
                f"{missing}; {lost} told as lost", missing == 0 and lost == 0),
            Row(f"times the guard's part waited, the recorder stopped for {STALL} s in one run", "0", str(waits), waits == 0),
        ],
        f"{SERVICES * COMMANDS} kinds (service, command, way to die) at random; measured from the guard's world on, which"
        " tells deaths once a second as it does, through the ring and a real recorder to the last commit, as fast as"
        f" one core takes it: {statistics.median(one['guard_cpu'] / one['deaths'] for one in ours) * 1e9:.0f} ns a death"
        " are the world's, and the recorder used"
        f" {statistics.median(one['recorder_cpu'] / one['seconds'] for one in ours):.2%} of the core. How the kernel tells of"
        " deaths is not in it: that is measured under “Events lost in storms”. With 20,000 kinds, more than are told apart in"
        f" a second, it is {_rate([varied]):,.0f} a second.",
    )  # fmt: skip
    bench.report.table(
        "store",
        ["one core, median", "deaths/s", "rows/s", "written to files a second"],
        [
            ["Sexton", f"{_rate(ours):,.0f}", f"{statistics.median(one['rows'] / one['seconds'] for one in ours):,.0f}",
             mb(_size_each(ours))],
            ["a row each in SQLite", f"{_rate(plain):,.0f}", f"{_rate(plain):,.0f}", mb(_size_each(plain))],
        ],
        f"In turn, {len(ours)} times each. The other inserts what SQLite alone would need to find a death by service or command"
        " again: a row each with two indexes, a transaction a second, WAL, synced.",
    )  # fmt: skip


def _forget_cache(folder):
    for path in glob.glob(f"{folder}/data/*"):
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _ask(sexton, cold, words):
    if cold:
        _forget_cache(sexton.folder)
    start = time.monotonic()
    answer = sexton.ask("events?" + words)
    return time.monotonic() - start, answer


def _moment(at):
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _finds(bench):
    program = f"{natives(bench, 'fill')}/fill"
    deaths, limit = (400_000, 32 << 20) if bench.quick else (7_000_000, MAX_BYTES)
    times = {}
    with Sexton(bench.program, {"store": {"max_size": limit}}, before=lambda data: subprocess.run(
            [program, data, str(limit), str(deaths)], check=True, stdout=subprocess.DEVNULL)) as sexton:  # fmt: skip
        store = sexton.ask("status")["store"]
        with contextlib.closing(sqlite3.connect(f"file:{sexton.folder}/data/history.db?mode=ro", uri=True)) as db:
            rows = db.execute("SELECT count(*) FROM event").fetchone()[0]
            rare = [one[0] for one in db.execute(OLDEST_RARE)]
            first = db.execute("SELECT min(from_ms) FROM hour").fetchone()[0] / 1000
        days = (time.time() - first) / 86400
        for cold in (True, False):
            for _ in range(5 if bench.quick else 20):
                name = random.choice(rare)
                at = random.uniform(first + 60, first + 86400)
                about = f"since={_moment(at)}&until={_moment(at + 10)}"
                for what, words in (
                    ("command", f"command={name}"),
                    ("service", f"service=rare/{name}"),
                    ("time", about),
                    ("service and time", f"service=shop/service-{random.randrange(20)}&{about}"),
                    ("command and time", f"command=worker-{random.randrange(50)}&{about}"),
                    ("service, the newest 100 of", f"service=shop/service-{random.randrange(20)}&limit=100"),
                ):
                    took, answer = _ask(sexton, cold, words)
                    assert not answer["cut"], (what, answer["events"][:2])
                    assert answer["events"] or "and time" in what, (what, words)
                    times.setdefault((what, cold), []).append(took)
    worst = max(max(one) for one in times.values())
    bench.report.rows(
        "store",
        [Row("a death record found a month later by service, command or time, the slowest", f"≤ {FIND_GOAL * 1000:.0f} ms",
             f"{worst * 1000:.0f} ms", worst <= FIND_GOAL)],
        f"A store of {store['file_bytes'] / 1e6:.0f} MB, bounded by {limit >> 20} MiB, holds {rows:,} records of the last"
        f" {days:.0f} days; records are looked for in its first day and asked for over the socket.",
    )  # fmt: skip
    kinds = dict.fromkeys(what for what, _ in times)
    bench.report.table(
        "store",
        ["found by", "median", "slowest", "median, file not in memory", "slowest, file not in memory"],
        [
            [what, *(f"{pick(times[what, cold]) * 1000:.1f} ms" for cold in (False, True)
                     for pick in (statistics.median, max))]
            for what in kinds
        ],
        "Before each of the latter the kernel was told to forget the file's pages.",
    )  # fmt: skip


def run(bench):
    _rates(bench)
    _finds(bench)
