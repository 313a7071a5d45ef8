#!/usr/bin/env python3
"""End-to-end tests of Sexton against a real Docker Engine. See README.md beside this file."""

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from types import MappingProxyType

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
sys.dont_write_bytecode = True

from harness.engine import Engine  # noqa: E402
from harness.leftovers import Leftovers  # noqa: E402
from harness.sexton import Sexton  # noqa: E402
from harness.tap import Report  # noqa: E402
from scenarios.api_crash_loop import ApiCrashLoop  # noqa: E402
from scenarios.buried import Buried  # noqa: E402
from scenarios.celery_storm import CeleryStorm  # noqa: E402
from scenarios.celery_storm_init import CeleryStormInit  # noqa: E402
from scenarios.dockerd_killed import DockerdKilled  # noqa: E402
from scenarios.dockerd_stopped import DockerdStopped  # noqa: E402
from scenarios.healthy_compose import HealthyCompose  # noqa: E402
from scenarios.hostile_names import HostileNames  # noqa: E402
from scenarios.hourly_loop import HourlyLoop  # noqa: E402
from scenarios.in_container import InContainer  # noqa: E402
from scenarios.incident_life import IncidentLife  # noqa: E402
from scenarios.ladder import Ladder  # noqa: E402
from scenarios.leader_thread import LeaderThread  # noqa: E402
from scenarios.never_waits import NeverWaits  # noqa: E402
from scenarios.normal_life import NormalLife  # noqa: E402
from scenarios.oom_worker import OomWorker  # noqa: E402
from scenarios.short_lived import ShortLived  # noqa: E402

# Those that are alone run first and one by one, the others at the same time after them.
SCENARIOS = {
    "healthy_compose": HealthyCompose,
    "normal_life": NormalLife,
    "celery_storm": CeleryStorm,
    "incident_life": IncidentLife,
    "buried": Buried,
    "dockerd_stopped": DockerdStopped,
    "dockerd_killed": DockerdKilled,
    "ladder": Ladder,
    "celery_storm_init": CeleryStormInit,
    "never_waits": NeverWaits,
    "leader_thread": LeaderThread,
    "api_crash_loop": ApiCrashLoop,
    "hourly_loop": HourlyLoop,
    "oom_worker": OomWorker,
    "short_lived": ShortLived,
    "hostile_names": HostileNames,
    "in_container": InContainer,
}

# Detectors as they are by default, but faster. An hour is 11 s long for hourly_loop: two of its restarts fall into the
# budget's window, never three.
DETECT = {
    "zombie_leak": {"for": "2s"},
    "zombie_leader": {"for": "3s"},
    "restart_loop": {"window": "20s", "min_period": "8s", "max_period": "60s", "deploy_grace": "1s"},
}


class Lab:
    """What all scenarios share."""

    def __init__(self, folder, report, program):
        self.folder = folder
        self.report = report
        self.program = program
        self.engine = Engine(folder)
        self.workloads = f"{folder}/workloads"
        self.sextons = []

    def set_up(self):
        shutil.copytree(f"{HERE}/workloads", self.workloads)
        os.chmod(self.workloads, 0o755)
        zoo = subprocess.Popen(
            [os.environ.get("CC", "cc"), "-O1", "-static", "-pthread", "-o", f"{self.workloads}/zoo",
             f"{self.workloads}/zoo.c"]
        )  # fmt: skip
        tarball = subprocess.run([f"{HERE}/image.sh"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        self.engine.start()
        self.engine.import_image(tarball)
        if zoo.wait() != 0:
            raise SystemExit("workloads/zoo.c doesn't compile")

    @contextlib.contextmanager
    def watched(self, config=MappingProxyType({}), disk_size=None):
        """A Sexton of its own for a with block, or None where scenarios are only checked themselves."""
        if not self.program:
            yield None
            return
        detect = {**DETECT, **config.get("detect", {})}
        sexton = Sexton(
            self.program, f"{self.folder}/sexton{len(self.sextons)}", self.engine, {**config, "detect": detect}, disk_size
        )
        self.sextons.append(sexton)
        try:
            sexton.start()
            yield sexton
        finally:
            wrong = sexton.stop()
            self.report.ok(not wrong, "sexton run ends cleanly on SIGTERM", wrong)
            sexton.close()


def run_together(lab, classes):
    """Runs scenarios at the same time, under one Sexton."""
    scenarios = [one(lab) for one in classes]
    config, disk_size = {}, None
    for one in scenarios:
        config.update(one.config)
        disk_size = one.disk_size or disk_size
    with lab.watched(config, disk_size) as sexton:
        threads = [threading.Thread(target=run_one, args=(scenario, sexton), daemon=True) for scenario in scenarios]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        failed = [scenario.name for scenario in scenarios if scenario.failed]
        if failed and sexton:
            lab.report.note(f"after the failure of {', '.join(failed)}, sexton's log:\n{sexton.log_tail()}")


def run_one(scenario, sexton):
    start = time.monotonic()
    try:
        scenario.up()
        scenario.run(sexton)
    except Exception as error:
        scenario.check(False, "its containers start", error)
    finally:
        try:
            scenario.down()
        except Exception as error:
            scenario.check(False, "its containers can be removed", error)
    scenario.note(f"took {time.monotonic() - start:.0f} s")


def plan(names, report):
    """The scenarios to run, as groups that run together."""
    groups, together = [], []
    for name, one in SCENARIOS.items():
        if names and name not in names:
            continue
        reason = one.missing()
        if reason:
            report.skip(name, reason)
        elif one.alone:
            groups.append([one])
        else:
            together.append(one)
    return groups + ([together] if together else [])


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="scenarios to run (all of them)")
    parser.add_argument("--list", action="store_true", help="list the scenarios and what each proves")
    parser.add_argument("--program", default="build/sexton", help="the program to test (%(default)s)")
    parser.add_argument("--without-sexton", action="store_true", help="check only that the trouble arises, by /proc")
    parser.add_argument("--keep", action="store_true", help="keep the temporary folder, for its logs")
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.names) - set(SCENARIOS)
    if unknown:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}; --list lists them")
    return chosen


def main():
    chosen = parse(sys.argv[1:])
    if chosen.list:
        for name, one in SCENARIOS.items():
            print(f"{name:18} {one.proves}")
        return 0
    missing = Engine.missing()
    if missing:
        print(f"1..0 # SKIP {missing}")
        return 1 if os.environ.get("CI") else 0
    program = None if chosen.without_sexton else os.path.abspath(chosen.program)
    if program and not os.access(program, os.X_OK):
        print(f"1..0 # SKIP {chosen.program} isn't built")
        return 1
    # An end by signal cleans up too.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))

    report = Report()
    before = Leftovers()
    folder = tempfile.mkdtemp(prefix="sexton-e2e-")
    os.chmod(folder, 0o755)
    lab = Lab(folder, report, program)
    start = time.monotonic()
    try:
        lab.set_up()
        report.note(f"the engine is up and has the image after {time.monotonic() - start:.0f} s")
        for group in plan(chosen.names, report):
            try:
                run_together(lab, group)
            except Exception as error:
                report.ok(False, f"no surprise in {', '.join(one.__name__ for one in group)}", error)
    except Exception as error:
        report.ok(False, "the engine starts", f"{error}\n{lab.engine.log_tail()}")
    finally:
        pids = {pid for sexton in lab.sextons for pid in sexton.pids}
        lab.engine.stop()
        if chosen.keep:
            report.note(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
        before.tidy()
        left = before.found(folder, lab.engine, pids)
        if os.path.exists(folder) and not chosen.keep:
            left.append(f"folder {folder}")
        report.ok(not left, "nothing is left behind", "\n".join(left))
        report.note(f"took {time.monotonic() - start:.0f} s")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
