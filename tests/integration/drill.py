#!/usr/bin/env python3
"""Fire drills on the real daemon: each kind, link by link; broken chains, which must be noticed; and drills that are
interrupted or killed, of which nothing may be left. Prints TAP.

    drill.py PROGRAM
"""

import contextlib
import glob
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import notify
from far.liars import Liars
from tap import Tap
from waiting import becomes

CHAIN = ["staged", "seen", "listed", "found", "incident", "told hook", "cleaned up", "resolved", "told hook"]
FOUND = {
    "zombies": "zombie_leak: Drill: ", "restart-loop": "unit_restart_loop: Drill: ", "saturation": "saturation: Drill: ",
    "memory": "memory: Drill: ", "disk": "disk: Drill: /run/sexton-drill-",
}  # fmt: skip
ACTED = {"zombies", "restart-loop"}  # those that are asked to be acted on, too
HUNG = ["staged", "follows", "named", "noticed", "goes on", "noted", "back", "cleaned up"]


def read(path):
    with contextlib.suppress(OSError), open(path) as file:
        return file.read()
    return ""


def children(pid):
    return [int(one) for one in read(f"/proc/{pid}/task/{pid}/children").split()]


class Daemon(notify.Daemon):
    def write(self, notifiers, more=None):
        super().write(notifiers, {"watchdog": {"hang": "60s"}, **(more or {})})

    def reload(self, *args):
        self.write(*args)
        before = self.reloads()
        self.child.send_signal(signal.SIGHUP)
        becomes(lambda: self.reloads() > before)

    def reloads(self):
        return sum("configuration reloaded" in e["text"] for e in self.ask("events", "--kind", "config").get("events", []))

    def drill(self, kind, *words):
        return Drill([self.program, "drill", kind, "--socket", self.socket, *words])


class Drill:
    """One that runs; its pid names what it makes."""

    def __init__(self, command):
        self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.pid = self.child.pid
        self.made = [f"/run/sexton-drill-{self.pid}", f"/sys/fs/cgroup/sexton-drill-{self.pid}",
                     f"/sys/fs/cgroup/*/sexton-drill-{self.pid}"]  # fmt: skip
        self.steps = []

    def until(self, step):
        """Reads what it says until that step is told."""
        for line in self.child.stdout:
            self.steps.append(line)
            if line.strip().startswith(step):
                return True
        return False

    def end(self):
        """Its exit code, and what it said."""
        out, err = self.child.communicate(timeout=180)
        return self.child.returncode, "".join(self.steps) + out + err

    def left(self):
        paths = [path for pattern in self.made for path in glob.glob(pattern)]
        paths += [line for line in read("/proc/mounts").splitlines() if f"sexton-drill-{self.pid} " in line]
        return paths + [path for path in glob.glob("/proc/[0-9]*") if self.is_of(path)]

    def is_of(self, path):
        """A process of it that lives, by its group or its command."""
        lives = f"/sexton-drill-{self.pid}" in read(f"{path}/cgroup") or f"sexton-drill-{self.pid}/" in read(f"{path}/cmdline")
        return lives and ") Z " not in read(f"{path}/stat")


def steps_of(answer, *states):
    return [s for s in answer["steps"] if s["state"] in (states or ("done",))]


def count(daemon, drills):
    """What metrics and status count while drills go on: how many were listed at once, and what was wrong."""
    most, wrong, before = 0, [], False
    while any(drill.child.poll() is None for drill in drills):
        open_ones = [n for n in daemon.ask("incidents").get("incidents", []) if n["state"] == "open"]
        staged = [n for n in open_ones if n["drill"]]
        counted, code = daemon.ask("status").get("incidents_open"), daemon.verb("incidents").returncode
        most = max(most, len(staged))
        bad = staged and (counted > len(open_ones) - len(staged) or (len(open_ones) == len(staged) and code != 0))
        if bad and before:  # once may be something that has just happened
            wrong.append((counted, len(open_ones), len(staged), code))
        before = bad
        time.sleep(0.3)
    return most, wrong


def all_kinds(tap, daemon, liars):
    asked = {kind: ["--act"] if kind in ACTED else [] for kind in (*FOUND, "engine-hung", "page")}
    drills = {kind: daemon.drill(kind, "--json", *words) for kind, words in asked.items()}
    most, wrong = count(daemon, drills.values())
    ended = {kind: drill.end() for kind, drill in drills.items()}
    for kind, (code, said) in ended.items():
        tap.check(code == 0, f"{kind}: exit code 0", said)
    answers = {kind: json.loads(said) for kind, (code, said) in ended.items() if said.startswith("{")}
    for kind, text in FOUND.items():
        answer = answers.get(kind, {"steps": []})
        done = steps_of(answer)
        chain = [*CHAIN[:6], *(["acted", "undone"] if kind in ACTED else []), *CHAIN[6:]]
        tap.check([s["step"] for s in done] == chain, f"{kind}: every link of the chain", ended[kind][1])
        found = next((s["text"] for s in done if s["step"] == "found"), "")
        tap.check(found.startswith(text), f"{kind}: what is found is called a drill", found)
        times = [s["seconds"] for s in done]
        tap.check(times == sorted(times), f"{kind}: each step has its delay", times)
        bodies = [json.loads(got[3]) for got in liars.got if got[1] == "/hook" and answer.get("service")]
        told = [(n["state"], n["drill"], n["title"][:7]) for n in bodies if n["culprit"] == answer.get("service")]
        tap.check(told == [("open", True, "Drill: "), ("resolved", True, "Drill: ")], f"{kind}: told twice, as a drill", told)
    hung = answers.get("engine-hung", {"steps": []})
    tap.check([s["step"] for s in steps_of(hung)] == HUNG, "engine-hung: every step", ended["engine-hung"][1])
    paged = {s["step"] for s in steps_of(answers.get("page", {"steps": []}))}
    tap.check(paged == {"told hook", "told pager"}, "page: both are told", ended["page"][1])
    untested = [s["step"] for s in steps_of(answers.get("zombies", {"steps": []}), "untested")]
    tap.check("told pager" in untested, "who hears of worse only is not told, and that is said", untested)
    tap.check(most > 0 and not wrong, "drills are listed, and not counted", wrong)
    left = [path for drill in drills.values() for path in drill.left()]
    tap.check(not left, "nothing is left", left)


def words(tap, daemon):
    done = daemon.verb("drill", "memory", "--dry-run")
    tap.check(done.returncode == 0 and "32 MB" in done.stdout and "staged" not in done.stdout, "--dry-run only tells", done.stdout)
    command = [daemon.program, "drill", "memory", "--socket", daemon.socket]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, user=65534, group=65534)
    tap.check(done.returncode == 2 and "takes root" in done.stdout, "it takes root", done.stdout)
    done = daemon.verb("drill", "fire")
    tap.check(done.returncode == 2 and "saturation" in done.stdout, "an unknown kind is told, with those there are", done.stdout)
    code, said = daemon.drill("page").end()
    tap.check(code == 0 and "told hook" in said and "Not tested" in said, "page, for people", said)


def broken(tap, daemon, hook, pager, refuses):
    daemon.reload([hook, refuses])
    code, said = daemon.drill("zombies", "--json").end()
    answer = json.loads(said)
    failed = steps_of(answer, "failed")
    good = code == 1 and answer["broken"] == "told refuses" and "HTTP 400" in failed[0]["text"]
    tap.check(good and "notify test refuses" in failed[0]["advice"], "a notifier that refuses is noticed", said)
    tap.check(answer["steps"] and "told hook" in [s["step"] for s in steps_of(answer)], "and the other one is told", said)
    code, said = daemon.drill("page").end()
    tap.check(code == 1 and 'broken at "told refuses"' in said, "page, too", said)
    daemon.reload([], {"detect": {"zombie_leak": {"for": "1s", "count": 1000}}})
    code, said = daemon.drill("zombies", "--wait", "4s").end()
    tap.check(code == 1 and 'broken at "found"' in said and "zombie_leak: count:" in said, "a detector that is off is noticed", said)
    code, said = daemon.drill("page").end()
    tap.check(code == 1 and "no notifier is configured" in said, "having nobody to tell is noticed", said)
    daemon.reload([hook, pager], {"act_only_in": ["nobody"]})
    daemon.verb("silence", "/sexton-drill-*", "1h")
    code, said = daemon.drill("zombies", "--act").end()
    tap.check(code == 0 and "a silence for /sexton-drill-*" in said, "a silence is told", said)
    tap.check("act_only_in in the configuration doesn't name it" in said and "undone" not in said, "act_only_in is heeded", said)
    tap.check(daemon.drill("page", "--act").end()[0] == 2, "page has nothing to act on")


def stopped(tap, daemon):
    pid = daemon.ask("status")["self"]["guard_pid"]
    os.kill(pid, signal.SIGSTOP)
    code, said = daemon.drill("zombies", "--wait", "8s").end()
    os.kill(pid, signal.SIGCONT)
    tap.check(code == 1 and "the guard has not reported" in said and 'broken at "seen"' in said, "a guard that is stopped is noticed", said)
    becomes(lambda: daemon.verb("status").returncode in (0, 1))
    pid = daemon.ask("status")["self"]["recorder_pid"]
    os.kill(pid, signal.SIGSTOP)
    code, said = daemon.drill("zombies", "--timeout", "1s").end()
    os.kill(pid, signal.SIGCONT)
    tap.check(code == 3 and "answer" in said, "a recorder that is stopped is no daemon", said)


def ended(tap, daemon):
    signals = [("disk", signal.SIGKILL, "staged"), ("engine-hung", signal.SIGKILL, "named"), ("memory", signal.SIGINT, "seen"),
               ("zombies", signal.SIGTERM, "seen"), ("restart-loop", signal.SIGHUP, "listed")]  # fmt: skip
    drills = [(kind, sig, step, daemon.drill(kind)) for kind, sig, step in signals]
    for kind, sig, step, drill in drills:
        there = drill.until(step) and drill.left()
        drill.child.send_signal(sig)
        code, said = drill.end()
        tap.check(there and code == -sig, f"{kind} is ended by {sig.name} after {step}", f"{code} {said}")
        tap.check(becomes(lambda drill=drill: not drill.left()), "and nothing is left", drill.left())


def leftovers(tap, daemon):
    killed = daemon.drill("disk")
    killed.until("staged")
    os.kill(children(killed.pid)[0], signal.SIGSTOP)  # so that it can't clean up in the moment between
    for pid in (*children(killed.pid), killed.pid):
        os.kill(pid, signal.SIGKILL)
    killed.end()
    there = killed.left()
    tap.check(any("/run/" in path for path in there), "one that was killed with all its helpers leaves something", there)
    drill = daemon.drill("memory")
    code, said = drill.end()
    tap.check(code == 0 and "had left is removed" in said, "the next drill says so, and works", said)
    tap.check(not killed.left() and not drill.left(), "and removes it", killed.left())
    alone = daemon.drill("memory")
    alone.until("staged")
    os.kill(children(alone.pid)[0], signal.SIGKILL)
    code, said = alone.end()
    good = code == 1 and "was ended by somebody" in said and not alone.left()
    tap.check(good, "one whose helper was killed says so, and cleans up itself", said)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="sexton-drills-") as folder, Liars() as liars:
        os.chmod(folder, 0o755)  # its parts run as users of their own
        hook = {"name": "hook", "type": "webhook", "url": f"{liars.url}/hook"}
        pager = {"name": "pager", "type": "webhook", "url": f"{liars.url}/pager", "min_severity": "critical"}
        refuses = {"name": "refuses", "type": "webhook", "url": f"{liars.url}/refuses"}
        with Daemon(sys.argv[1], folder, [hook, pager]) as daemon:
            all_kinds(tap, daemon, liars)
            words(tap, daemon)
            ended(tap, daemon)
            leftovers(tap, daemon)
            broken(tap, daemon, hook, pager, refuses)
            stopped(tap, daemon)
        done = daemon.verb("drill", "zombies")
        tap.check(done.returncode == 3 and "isn't running" in done.stdout, "without a daemon: exit code 3", done.stdout)
        if tap.failed:
            print("".join(f"# {line}\n" for line in read(f"{folder}/log").splitlines()[-60:]))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
