#!/usr/bin/env python3
"""Starting and ending the real daemon: beside another one, on a bad path, with its parts killed, and what it leaves.

Prints TAP.

    running.py PROGRAM
"""

import json
import os
import signal
import subprocess
import sys
import tempfile

from tap import Tap
from waiting import WAIT, becomes


class Daemon:
    """One `sexton run` and what it says."""

    def __init__(self, program, folder, socket):
        self.program = program
        self.socket = socket
        self.log = f"{folder}/log"
        command = [program, "run", "--data-dir", f"{folder}/data", "--socket", socket, "--listen", "127.0.0.1:0"]
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def status(self):
        """Its answer, or None."""
        done = subprocess.run(
            [self.program, "status", "--json", "--socket", self.socket], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        return json.loads(done.stdout) if done.returncode in (0, 1) else None

    def parts(self):
        own = (self.status() or {}).get("self", {})
        return {role: own.get(f"{role}_pid") for role in ("guard", "engine", "recorder")}

    def code(self):
        """How it ended, or None when it had to be killed."""
        try:
            return self.child.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            return None


def look(check, program, folder):
    socket = f"{folder}/sock"
    first = Daemon(program, folder, socket)
    try:
        check(becomes(lambda: first.status() and None not in first.parts().values()), "it answers")
        second = Daemon(program, folder, socket)
        check(second.code() == 2, "a second one on the same socket is refused")
        check("is Sexton running already?" in open(first.log).read(), "and told why")
        check(first.status() is not None, "the first one still answers")
        for role, pid in first.parts().items():
            os.kill(pid, signal.SIGKILL)

            def replaced(role=role, pid=pid):
                return first.parts()[role] not in (pid, None)

            check(becomes(replaced), f"a killed {role} is replaced, and questions are answered")
        parts = first.parts().values()
        first.child.terminate()
        check(first.code() == 0, "SIGTERM ends it with 0")
        check(not os.path.exists(socket), "no socket is left")
        check(not any(os.path.exists(f"/proc/{pid}") for pid in parts), "no process is left")
    finally:
        if first.child.poll() is None:
            first.child.kill()
    with open(f"{folder}/file", "w") as file:
        file.write("kept")
    check(Daemon(program, folder, f"{folder}/file").code() == 2, "a file in the socket's place is refused")
    check(open(f"{folder}/file").read() == "kept", "and kept")
    os.rename(f"{folder}/data", f"{folder}/data.old")
    os.rename(f"{folder}/file", f"{folder}/data")
    check(Daemon(program, folder, socket).code() == 2, "a file in the data folder's place is refused")


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="sexton-running-") as folder:
        os.chmod(folder, 0o755)  # its parts run as users of their own
        look(tap.check, sys.argv[1], folder)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
