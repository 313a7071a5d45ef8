#!/usr/bin/env python3
"""The real daemon's HTTP while history is read from its disk: a thousand connections, clients that send or read slowly,
bodies without end, wrong methods, and pages of other sites. All is bounded, and others are answered.

Prints TAP.

    clients.py PROGRAM
"""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading

from tap import Tap
from waiting import WAIT, becomes

CROWD = 1000
DEATHS = 60
COMMAND = "dies-on-purpose"
ASKED = (
    f"/sexton/v1/events?kind=exit&command={COMMAND}&since=1h",
    "/sexton/v1/history?points=100",
    "/sexton/v1/events?since=30d&limit=20000",
)


class _Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=WAIT)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Daemon:
    def __init__(self, program, folder):
        self.folder = folder
        self.log = f"{folder}/log"
        self._command = [program, "run", "--data-dir", f"{folder}/data", "--socket", f"{folder}/sock", "--listen", "127.0.0.1:0"]

    def __enter__(self):
        with open(self.log, "wb") as log:
            self._child = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        becomes(lambda: self.port() and (self.status() or {}).get("self", {}).get("recorder_pid"))
        return self

    def __exit__(self, *unused):
        self._child.send_signal(signal.SIGTERM)
        try:
            self.code = self._child.wait(WAIT)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self.code = self._child.wait()

    def port(self):
        found = re.search(r"listening on http://127.0.0.1:(\d+)", open(self.log).read())
        return int(found[1]) if found else None

    def ask(self, path, tcp=False, method="GET", body=None, headers=None):
        """(status, headers, body)"""
        to = http.client.HTTPConnection("127.0.0.1", self.port(), timeout=WAIT) if tcp else _Unix(f"{self.folder}/sock")
        with contextlib.closing(to) as connection:
            connection.request(method, path, body, {"Connection": "close", **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def status(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            return json.loads(self.ask("/sexton/v1/status")[2])
        return None

    def recorder(self):
        return self.status()["self"]["recorder_pid"]

    def tcp(self):
        connection = socket.socket()
        connection.setblocking(False)
        connection.connect_ex(("127.0.0.1", self.port()))
        return connection


class Asking:
    """Asks for what is on disk all the time, as the dashboard and the verbs do."""

    def __init__(self, daemon):
        self._daemon = daemon
        self._over = threading.Event()
        self.wrong, self.answers = [], 0

    def __enter__(self):
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *unused):
        self._over.set()
        self._thread.join()

    def _run(self):
        while not self._over.is_set():
            for path in ASKED:
                try:
                    status, _, body = self._daemon.ask(path)
                    answer = json.loads(body)
                    if status != 200 or answer.get("cut") or (COMMAND in path and count_of(answer) < DEATHS):
                        self.wrong.append((path, status, body[:300]))
                except (OSError, ValueError, http.client.HTTPException) as error:
                    self.wrong.append((path, repr(error)))
                self.answers += 1

    def more(self, number):
        """So many answers later."""
        wanted = self.answers + number
        return becomes(lambda: self.answers >= wanted)


def count_of(answer):
    return sum(one["data"]["count"] for one in answer["events"])


def remember(daemon):
    """Deaths that are on disk, and in no memory once the daemon has been started again."""
    with daemon:
        program = f"{daemon.folder}/{COMMAND}"
        with open(program, "w") as file:
            file.write("#!/bin/sh\nexit 3\n")
        os.chmod(program, 0o755)
        for _ in range(DEATHS):
            subprocess.run([program], check=False)
        return becomes(lambda: count_of(json.loads(daemon.ask(ASKED[0])[2])) >= DEATHS)


def crowd(check, daemon, asking, pid):
    with contextlib.ExitStack() as stack:
        for number in range(CROWD):
            one = stack.enter_context(contextlib.closing(daemon.tcp()))
            with contextlib.suppress(OSError):
                one.send((b"", b"GET /sexton/v1/his", b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n")[number % 3])
        check(asking.more(6), f"history is answered beside {CROWD} connections")
        check(becomes(lambda: answers(daemon, "/-/healthy")), "and on TCP, too, while they go on")
        check(len(os.listdir(f"/proc/{pid}/fd")) < CROWD + 200, "which it has a bound for", os.listdir(f"/proc/{pid}/fd"))
    check(becomes(lambda: answers(daemon, "/-/healthy")), "TCP answers when they are gone")


def answers(daemon, path):
    try:
        return daemon.ask(path, tcp=True)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def slow(check, daemon, asking, pid):
    before = memory(pid)
    with contextlib.ExitStack() as stack:
        readers = [stack.enter_context(contextlib.closing(daemon.tcp())) for _ in range(60)]
        for one in readers:  # they ask for all there is, again and again, and read nothing
            with contextlib.suppress(OSError):
                one.send(b"GET /sexton/v1/events?since=30d&limit=20000 HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
        writers = [stack.enter_context(contextlib.closing(daemon.tcp())) for _ in range(60)]
        for letter in b"GET /sexton/v1/events":  # a letter at a time
            for one in writers:
                with contextlib.suppress(OSError):
                    one.send(bytes([letter]))
            if not asking.more(1):
                break
        check(asking.more(6), "history is answered beside clients that neither read nor end their request")
        check(memory(pid) - before < 48 << 20, "and its memory stays within bounds", (before, memory(pid)))
    check(becomes(lambda: answers(daemon, ASKED[0])), "TCP answers history when they are gone")


def memory(pid):
    text = open(f"/proc/{pid}/status").read()
    return int(re.search(r"VmRSS:\s*(\d+)", text)[1]) * 1024


def huge(check, daemon, asking):
    announced = daemon.ask("/sexton/v1/silences", method="POST", body=b"", headers={"Content-Length": str(1 << 40)})[0]
    check(announced == 413, "a body of a terabyte is refused before it comes", announced)
    for tcp in (False, True):
        sent = endless(daemon, tcp)
        check(sent < 64 << 20, f"a body without end is cut off ({'TCP' if tcp else 'Unix socket'})", sent)
    check(asking.more(3), "history is answered afterwards")


def endless(daemon, tcp):
    """How many bytes of a body were taken before the end."""
    to = socket.create_connection(("127.0.0.1", daemon.port()), WAIT) if tcp else socket.socket(socket.AF_UNIX)
    with contextlib.closing(to):
        to.settimeout(WAIT)
        sent = 0
        if not tcp:
            to.connect(f"{daemon.folder}/sock")
        with contextlib.suppress(OSError):
            to.send(b"POST /sexton/v1/silences HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
            while sent < 64 << 20:
                sent += to.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
    return sent


def wrong(check, daemon):
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "POST", "PROPFIND"):
        for path in ("/sexton/v1/history", "/sexton/v1/events"):
            status, headers, _ = daemon.ask(path, tcp=True, method=method)
            check(status == 405 and headers["Allow"] == "GET, HEAD", f"{method} {path} is refused", (status, headers["Allow"]))
    for query in ("points=99999999999", "from=x", "to=9e99", "bogus=1"):
        status = daemon.ask(f"/sexton/v1/history?{query}", tcp=True)[0]
        check(status == 400, f"history?{query} is refused", status)


def other_sites(check, daemon):
    evil = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Referer": "https://evil.example/"}
    body = json.dumps({"service": "*", "seconds": 3600}).encode()
    silences = daemon.ask("/sexton/v1/silences")[2]
    for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
        status, headers, _ = daemon.ask("/sexton/v1/silences", True, "POST", body, {**evil, "Content-Type": kind})
        check(status == 403 and "Access-Control-Allow-Origin" not in headers, f"another site's POST of {kind} is refused", status)
    status, headers, _ = daemon.ask("/sexton/v1/silences?id=1", True, "DELETE", None, evil)
    check(status in (403, 405), "another site's DELETE is refused", status)
    check(daemon.ask("/sexton/v1/silences")[2] == silences, "and nothing is silenced")
    for path in ASKED[:2]:
        status, headers, _ = daemon.ask(path, True, headers=evil)
        check("Access-Control-Allow-Origin" not in headers and headers["Cross-Origin-Resource-Policy"] == "same-origin",
              f"another site can't read {path}", headers.items())  # fmt: skip
        status = daemon.ask(path, True, headers={"Host": "evil.example"})[0]
        check(status == 403, f"nor by a name of its own: {path}", status)


def look(check, program, folder):
    daemon = Daemon(program, folder)
    check(remember(daemon), "deaths are remembered")
    with daemon:
        pid = daemon.recorder()
        with Asking(daemon) as asking:
            check(asking.more(3), "history is answered from the disk")
            for part in (crowd, slow):
                part(check, daemon, asking, pid)
            huge(check, daemon, asking)
            wrong(check, daemon)
            other_sites(check, daemon)
            check(asking.more(3), "history is answered to the end")
        check(not asking.wrong, f"each of {asking.answers} answers was whole and right", asking.wrong[:5])
        check(daemon.recorder() == pid, "by the same process")
    check(daemon.code == 0, "SIGTERM ends it with 0", daemon.code)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="sexton-clients-") as folder:
        os.chmod(folder, 0o755)  # its parts run as users of their own
        look(tap.check, sys.argv[1], folder)
        if tap.failed:
            print("".join(f"# {line}" for line in open(f"{folder}/log")), end="")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
