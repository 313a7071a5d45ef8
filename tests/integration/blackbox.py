#!/usr/bin/env python3
"""The black box of the real daemon: a finding becomes critical in a control group of this test's own, and its incident
shows who ran and who was blocked there, and where; also while the recorder is away, and after it and the guard were
killed. What never was critical says so.

Prints TAP.

    blackbox.py PROGRAM
"""

import contextlib
import ctypes
import os
import signal
import sqlite3
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from groups.yard import Daemon, Group, possible, read  # noqa: E402
from tap import Tap  # noqa: E402
from waiting import becomes  # noqa: E402

NAME = f"/sexton-blackbox-{os.getpid()}"
CULPRIT = f"{os.path.dirname(os.path.abspath(__file__))}/groups/culprit.py"
STORE_CAPTURE = 5
MORE = "grace: 1s\ndetect: {zombie_leak: {for: 0s, critical_count: 3}}\n"


def culprit(folder, name, dead):
    return Group(name, (sys.executable, CULPRIT, str(dead), f"{folder}/fifo-{dead}-{os.path.basename(name)}"))


def incident_of(daemon, service):
    """The number of the incident of a service, None while it has none."""
    for one in daemon.json("incidents").get("incidents", []):
        if any(finding["service"] == service for finding in one["findings"]):
            return one["id"]
    return None


def captures(daemon, number):
    return daemon.json("incidents", str(number), "--blackbox").get("captures", [])


def reasons(daemon, number):
    return [(reason["cause"], reason["what"], reason["service"]) for one in captures(daemon, number) for reason in one["reasons"]]


def opened(tap, daemon, group):
    number = None

    def there():
        nonlocal number
        number = incident_of(daemon, group.name)
        return number and ("finding", "zombie_leak", group.name) in reasons(daemon, number)

    tap.check(becomes(there), f"{group.name} becomes critical and is captured", number, daemon.said())
    return number


def tells_the_culprit(tap, daemon, group, number):
    found = captures(daemon, number)
    one = next((c for c in found if any(r["service"] == group.name for r in c["reasons"])), None)
    if not one:
        return
    service = next(s for s in one["services"] if s["service"] == group.name)
    own = {p["pid"]: p for p in one["processes"] if p["service"] == group.name}
    worker = own.get(group.worker.pid, {})
    tap.check(service["is_about"] and service["zombies_held"] >= 3, "its service is what it is about", service)
    tap.check(worker.get("zombies") == 3, "the holder is shown, with what it holds", worker)
    below = [p for p in own.values() if p["ppid"] == group.worker.pid]
    states = sorted(p["state"] for p in below if p["state"])
    tap.check(states.count("Z") == 3 and {"R", "D"} <= set(states), "below it the dead, who runs, and who is blocked", states)
    tap.check(any(p["pid"] == worker.get("ppid") for p in one["processes"]), "and above it whose child it is")
    tasks = [t for t in one["tasks"] if t["service"] == group.name]
    tap.check({t["state"] for t in tasks} == {"R", "D"}, "both are among the tasks", tasks)
    blocked = next((t for t in tasks if t["state"] == "D"), {"stack": []})
    if one["stacks"] == "read":
        where = " ".join(blocked["stack"])
        tap.check("clone" in where or "fork" in where, "the blocked one's kernel stack says in what", blocked)
    else:
        print(f"# no kernel stacks here: {one['stacks']} {one['stacks_error']}")
    tap.check(one["host"]["cpus"] and one["host"]["load"][0] is not None, "with the host's figures", one["host"])
    tap.check(0 < one["took"] < 5 and one["held_up"] < 1, f"taken in {one['took'] * 1000:.1f} ms", one["took"], one["held_up"])
    code, out, err = daemon.verb("incidents", str(number), "--blackbox")
    shown = all(word in out for word in (group.name, str(group.worker.pid), "holds 3 dead", "zombie_leak"))
    tap.check(code == 0 and shown and "└─" in out, "and people read it", code, out[:2000], err)


def before_an_action(tap, daemon, group, number):
    code, _, err = daemon.verb("freeze", group.name, "--for", "1m")
    seen = becomes(lambda: ("action", "freeze", group.name) in reasons(daemon, number))
    tap.check(code == 0 and seen, "what a person does is a reason", code, err)
    one = next(c for c in captures(daemon, number) if any(r["cause"] == "action" for r in c["reasons"]))
    running = [t for t in one["tasks"] if t["service"] == group.name and t["state"] == "R"]
    tap.check(running, "captured before it was frozen", one["tasks"])
    daemon.verb("thaw", group.name)


def is_on_disk(daemon, number):
    """All of its captures, in the database itself."""
    wanted = {str(one["id"]) for one in captures(daemon, number)}

    def written():
        with contextlib.closing(sqlite3.connect(f"file:{daemon.database}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT id FROM document WHERE kind = ?", (STORE_CAPTURE,))
            return wanted <= {row[0] for row in rows}

    return wanted and becomes(written)


class Box:
    """How many captures the guard has begun: it may be asked while nobody answers."""

    def __init__(self, daemon):
        words = read(f"/proc/{daemon.part('guard')}/cmdline").split("\0")
        number = next(word.split("=")[1] for word in words if word.startswith("blackbox="))
        self._path = f"/proc/{daemon.part('guard')}/fd/{number}"

    def begun(self):
        with open(self._path, "rb") as file:
            file.seek(8)
            return ctypes.c_uint64.from_buffer_copy(file.read(8)).value


def recorder_away(tap, daemon, folder):
    box = Box(daemon)
    before = box.begun()
    recorder = daemon.part("recorder")
    os.kill(recorder, signal.SIGSTOP)
    group = culprit(folder, f"{NAME}-away", 3)
    try:
        captured = becomes(lambda: box.begun() > before)
        tap.check(captured and daemon.part("recorder") == recorder, "with the recorder stopped, it is captured", before)
        # The memory is the supervisor's: neither of the two is needed for it to stay.
        for role in ("guard", "recorder"):
            pid = daemon.part(role)
            os.kill(pid, signal.SIGKILL)
            becomes(lambda role=role, pid=pid: daemon.part(role) not in (None, pid))
        number = opened(tap, daemon, group)
        tap.check(number and is_on_disk(daemon, number), "and comes to disk though guard and recorder were killed", number)
    finally:
        group.remove()


def never_critical(tap, daemon, folder):
    group = culprit(folder, f"{NAME}-mild", 1)
    try:
        tap.check(becomes(lambda: incident_of(daemon, group.name)), "one dead is no more than a warning")
        number = incident_of(daemon, group.name)
        code, out, err = daemon.verb("incidents", str(number), "--blackbox")
        tap.check(code == 1 and "never was critical" in out, "an incident without a capture says why", code, out, err)
        code, _, err = daemon.verb("incidents", "9", "--blackbox")
        tap.check(code == 2 and "no incident 9" in err, "one that isn't there is a mistake", code, err)
    finally:
        group.remove()


def run(program):
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="sexton-blackbox-") as folder:
        os.chmod(folder, 0o755)  # its parts run as users of their own
        daemon = Daemon(program, folder, f"{NAME}*", MORE)
        daemon.database = f"{folder}/data/history.db"
        group = None
        try:
            becomes(lambda: daemon.json("status"))
            group = culprit(folder, NAME, 3)
            number = opened(tap, daemon, group)
            if number:
                tells_the_culprit(tap, daemon, group, number)
                before_an_action(tap, daemon, group, number)
                tap.check(is_on_disk(daemon, number), "it comes to disk", daemon.said())
                never_critical(tap, daemon, folder)
                recorder_away(tap, daemon, folder)
        finally:
            code = daemon.end()
            if group:
                group.remove()
        tap.check(code == 0, "SIGTERM ends it", daemon.said())
    return tap.end()


def main():
    if not possible():
        print("1..0 # SKIP needs root and the hierarchies of cgroup v1; tests/vm has the same on v2")
        return 0
    return run(os.path.abspath(sys.argv[1]))


if __name__ == "__main__":
    sys.exit(main())
