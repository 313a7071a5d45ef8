#!/usr/bin/env python3
"""The real daemon as a user without any right: what it still sees, of its own and of others, and what it says it can't.

Prints TAP.

    unprivileged.py PROGRAM
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile

from tap import Tap
from waiting import WAIT, becomes

NOBODY = 65534
CONFIG = {"grace": "1s", "act_only_in": ["nothing"], "detect": {"zombie_leak": {"for": "1s"}}}
# A parent that never waits for three children; the last one is killed.
PARENT = "import os, time\nfor i in range(3):\n if not os.fork(): os._exit(7) if i < 2 else os.kill(os.getpid(), 9)\ntime.sleep(1000)"


def user():
    """Gives up everything, unless there is nothing to give up."""
    if os.geteuid() == 0:
        return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
    return []


class Daemon:
    def __init__(self, program, folder):
        self._program = program
        self._socket = f"{folder}/sock"
        self._log = f"{folder}/log"
        with open(f"{folder}/sexton.yaml", "w") as file:
            json.dump(CONFIG, file)
        with open(self._log, "wb") as log:
            self.child = subprocess.Popen(
                [*user(), program, "run", "--config", f"{folder}/sexton.yaml", "--data-dir", f"{folder}/data",
                 "--socket", self._socket, "--listen", "127.0.0.1:0"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def log(self):
        return open(self._log, errors="replace").read()

    def verb(self, *words):
        """(exit code, what it printed), asked by the same user."""
        done = subprocess.run(
            [*user(), self._program, *words, "--socket", self._socket], stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        return done.returncode, done.stdout + done.stderr

    def ask(self, verb):
        code, text = self.verb(verb, "--json")
        return json.loads(text) if code in (0, 1) else {}

    def parts(self):
        own = self.ask("status").get("self", {})
        return [own[key] for key in own if key.endswith("_pid") and own[key]]

    def code(self):
        try:
            return self.child.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.child.kill()
            return self.child.wait()

    def gone(self):
        return not os.path.exists(self._socket)


@contextlib.contextmanager
def parent(command):
    child = subprocess.Popen([*command, "/usr/bin/python3", "-c", PARENT])
    try:
        becomes(lambda: states(child.pid) == ["Z", "Z", "Z"])
        yield child.pid
    finally:
        child.kill()
        child.wait()


def states(pid):
    """Of its children."""
    children = open(f"/proc/{pid}/task/{pid}/children").read().split()
    return [open(f"/proc/{one}/stat").read().rpartition(") ")[2][0] for one in children]


def dead_of(daemon, pid):
    return [one for one in daemon.ask("zombies").get("zombies", []) if one["holder"]["pid"] == pid and one["kind"] == "unreaped"]


def codes(found):
    return sorted(str(one["signal"] or one["exit_code"]) for one in found)


def lists(check, daemon, pid, whose):
    check(becomes(lambda: len(dead_of(daemon, pid)) == 3), f"the dead of {whose} are listed", dead_of(daemon, pid))


def findings(daemon):
    return [one["text"] for one in daemon.ask("status").get("findings", []) if one["detector"] == "zombie_leak"]


def look(check, program, folder):
    as_root = os.geteuid() == 0
    with parent([]) as others:
        daemon = Daemon(program, folder)
        try:
            check(becomes(lambda: daemon.ask("status")), "it answers", daemon.log())
            sources = daemon.ask("status")["sources"]
            check(sources["root"] is False and sources["bpf"] is False, "it knows what it lacks", sources)
            said = daemon.verb("status")[1]
            check("without root's rights" in said and "no BPF" in said, "and says so", said)
            code, said = daemon.verb("doctor")
            check(code == 1 and "CAP_SYS_PTRACE" in said and "run it as root" in said, "doctor says what to do", (code, said))
            lists(check, daemon, others, "a process that was there before")
            check(becomes(lambda: any(f"pid {others}" in text for text in findings(daemon))), "and found", findings(daemon))
            with parent(user()) as own:
                lists(check, daemon, own, "a process of its own user")
                told = codes(dead_of(daemon, own))
                check(told == ["7", "7", "SIGKILL"], "how they died is known", told)
            # The kernel shows an exit code of 0 to whoever may not know it: of those that it found dead.
            told = codes(dead_of(daemon, others))
            check(told == (["None"] * 3 if as_root else ["7", "7", "SIGKILL"]), "how those before died isn't made up", told)
            parts = daemon.parts()
            daemon.child.send_signal(signal.SIGTERM)
            check(daemon.code() == 0, "SIGTERM ends it with 0", daemon.log())
            check(daemon.gone(), "no socket is left")
            check(not [pid for pid in parts if os.path.exists(f"/proc/{pid}")], "no process is left", parts)
        finally:
            if daemon.child.poll() is None:
                daemon.child.kill()
    if as_root:
        code = subprocess.run(
            [*user(), program, "run"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        check(code.returncode == 2 and "choose another with --data-dir" in code.stdout, "with no folder to write in it says which", code)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="sexton-unprivileged-") as folder:
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        look(tap.check, sys.argv[1], folder)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
