"""A Sexton of our own, watching our engine, and its verbs."""

import contextlib
import http.client
import json
import os
import pty
import signal
import socket
import sqlite3
import subprocess
import threading
import time

from . import procfs
from .disk import SmallDisk
from .waiting import wait_until

VERBS = ("status", "services", "zombies", "events", "incidents", "why")


class SextonError(Exception):
    pass


class Sexton:
    def __init__(self, program, folder, engine, config, disk_size=None):
        self._program = program
        self.folder = folder
        self.socket = f"{folder}/sexton.sock"
        self._config = {
            "mode": "observe",
            "grace": "2s",
            "act_only_in": ["e2e-nothing"],
            "engine": {"socket": engine.socket},
            **config,
        }
        self.data = f"{folder}/data"
        self.disk = None  # what its data is on, where that is a small disk of its own
        self._disk_size = disk_size
        self._child = None
        self._lock = threading.Lock()
        self._answers = {}
        self.pids = set()  # every process it was seen to consist of

    def start(self):
        os.mkdir(self.folder)
        # Its parts run as users of their own, which have to get through here.
        os.chmod(self.folder, 0o755)
        if self._disk_size:
            self.disk = SmallDisk(self.data, self._disk_size)
        self.config_path = f"{self.folder}/sexton.yaml"
        with open(self.config_path, "w") as file:
            json.dump(self._config, file, indent=2)  # JSON is YAML
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._port = port
        self._launch()

    def _launch(self):
        with open(f"{self.folder}/sexton.log", "ab") as log:
            self._child = subprocess.Popen(
                [self._program, "run", "--config", self.config_path, "--data-dir", self.data,
                 "--listen", f"127.0.0.1:{self._port}", "--socket", self.socket],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        wait_until(self._ready, 60, "sexton run answering and having found the engine")

    def start_again(self):
        """After a kill -9 of the supervisor, with the data of before."""
        before = self._own_pids()
        self.pids.update(before)
        self._child.kill()
        self._child.wait()
        wait_until(lambda: not [pid for pid in before if os.path.exists(f"/proc/{pid}")], 30, "its parts' ends")
        self._launch()

    def part(self, role):
        """The pid of one of its processes: guard, engine, recorder, courier. None while there is none."""
        for one in procfs.descendants(self._child.pid):
            words = procfs.cmdline(one.pid).split(b"\0")
            if words[1:3] == [b"child", role.encode()]:
                return one.pid
        return None

    def _ready(self):
        if self._child.poll() is not None:
            raise SextonError(f"it ended with {self._child.returncode}: {self.log_tail()}")
        self.pids.update(self._own_pids())
        return self.status()["sources"]["engine"] == "docker"

    def close(self):
        """After its end."""
        if self.disk:
            self.disk.close()

    def _own_pids(self):
        return {self._child.pid} | {one.pid for one in procfs.descendants(self._child.pid)}

    def stop(self):
        """Ends it as a service manager would. Returns what was wrong with that, or None."""
        if not self._child:
            return None
        self.pids.update(self._own_pids())
        if self._child.poll() is not None:
            return f"it had already ended with {self._child.returncode}"
        self._child.send_signal(signal.SIGTERM)
        try:
            code = self._child.wait(30)
        except subprocess.TimeoutExpired:
            for pid in sorted(self.pids | self._own_pids(), reverse=True):
                _kill(pid)
            self._child.wait()
            return "it didn't end within 30 s of SIGTERM"
        if code != 0:
            return f"it ended with {code}: {self.log_tail(5)}"
        left = [pid for pid in self.pids if os.path.exists(f"/proc/{pid}")]
        if left:
            for pid in left:
                _kill(pid)
            return f"its processes {left} outlived it"
        if os.path.exists(self.socket):
            return "it left its socket"
        return None

    def log_tail(self, lines=40):
        with open(f"{self.folder}/sexton.log", errors="replace") as file:
            return "".join(file.readlines()[-lines:])

    # Asking

    def run(self, *arguments, terminal=False):
        """(exit code, standard output, standard error) of a verb, as bytes."""
        command = [self._program, *arguments, "--socket", self.socket]
        if terminal:
            return _on_a_terminal(command)
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def ask(self, *verb, fresh=False):
        """A verb's JSON. Concurrent scenarios share answers younger than 0.3 s."""
        with self._lock:
            when, answer = self._answers.get(verb, (0, None))
            if fresh or time.monotonic() - when > 0.3:
                code, out, err = self.run(*verb, "--json")
                # 1 is an answer too: something is firing.
                if code not in (0, 1):
                    raise SextonError(f"sexton {' '.join(verb)} --json: exit code {code}, {err.decode(errors='replace')}")
                answer = json.loads(out.decode("utf-8"))  # strictly UTF-8
                self._answers[verb] = (time.monotonic(), answer)
            return answer

    def http(self, path, accept="*/*"):
        """(content type, body) of what it answers on its port."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            connection.request("GET", path, headers={"Accept": accept})
            answer = connection.getresponse()
            return answer.headers["Content-Type"], answer.read()
        finally:
            connection.close()

    def status(self):
        return self.ask("status")

    def findings(self, service=None, detector=None):
        return [
            one
            for one in self.status()["findings"]
            if service in (None, one["service"]) and detector in (None, one["detector"])
        ]

    def services(self):
        return {one["service"]: one for one in self.ask("services")["services"]}

    def zombies(self, service=None):
        return [one for one in self.ask("zombies")["zombies"] if service in (None, one["service"])]

    def committed(self):
        """The rows of events on its disk, read without it: id → (time, kind, count). Raises where the file is damaged."""
        with contextlib.closing(sqlite3.connect(f"file:{self.data}/history.db?mode=ro", uri=True, timeout=10)) as store:
            sound = store.execute("PRAGMA quick_check").fetchall()
            if sound != [("ok",)]:
                raise SextonError(f"{self.data}/history.db is damaged: {sound[:5]}")
            rows = store.execute(
                "SELECT id, time, kind, count FROM recent UNION ALL SELECT id, time, kind, count FROM event"
            )
            return {row[0]: row[1:] for row in rows}

    def by_holder(self):
        return self.ask("zombies")["by_holder"]

    def events(self, service=None):
        return [one for one in self.ask("events")["events"] if service in (None, one["service"])]

    def why(self, *subject):
        return self.ask("why", *subject, fresh=True)

    def dump(self, words):
        """What it says of anything that has one of these words in it, for the report of a failure."""
        parts = []
        for verb in VERBS:
            try:
                code, out, err = self.run(verb, "--json")
                parts.append(f"sexton {verb} → {code} {err.decode(errors='replace').strip()}")
                parts += _lines(json.loads(out), words)
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                parts.append(f"sexton {verb}: {error}")
        return "\n".join(parts)


def _lines(answer, words):
    """An answer line by line; of its lists only what has one of the words in it."""
    for key, value in answer.items():
        items = value if isinstance(value, list) else [value]
        for item in items:
            text = json.dumps(item)
            if not isinstance(value, list) or not isinstance(item, dict) or any(word in text for word in words):
                yield f"  {key}: {text[:6000 if key == 'incidents' else 1200]}"


def _on_a_terminal(command):
    master, slave = pty.openpty()
    child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    out = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # EIO: the last writer is gone
            break
        if not piece:
            break
        out += piece
    os.close(master)
    return child.wait(60), out, b""


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
