"""A Sexton of our own: started with a configuration, asked over its Unix socket, ended."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from . import procfs


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Sexton:
    def __init__(self, program, config=None, before=None):
        """before: called with the path of the data folder, to put into it what is remembered already."""
        self._before = before
        self._program = os.path.abspath(program)
        self._config = {"mode": "observe", **(config or {})}
        self._connection = None
        self._child = None

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="sexton-bench-", dir="/var/tmp")  # /tmp may be in memory
        os.chmod(self.folder, 0o755)
        self._socket = f"{self.folder}/sexton.sock"
        if self._before:
            os.mkdir(f"{self.folder}/data")
            self._before(f"{self.folder}/data")
        path = f"{self.folder}/sexton.yaml"
        with open(path, "w") as file:
            json.dump(self._config, file)  # JSON is YAML
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with open(f"{self.folder}/log", "wb") as log:
            self._child = subprocess.Popen(
                [self._program, "run", "--config", path, "--data-dir", f"{self.folder}/data",
                 "--listen", f"127.0.0.1:{port}", "--socket", self._socket],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            self._wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait_until_ready(self):
        end = time.monotonic() + 30
        while True:
            if self._child.poll() is not None:
                raise RuntimeError(f"sexton run ended with {self._child.returncode}: {self.log()}")
            try:
                if self.ask("status")["sources"]["lifecycle"] is not None:
                    return
            except (OSError, http.client.HTTPException, ValueError, RuntimeError, KeyError):
                if time.monotonic() > end:
                    raise RuntimeError(f"sexton run doesn't answer: {self.log()}") from None
            time.sleep(0.02)

    def __exit__(self, *unused):
        self._drop_connection()
        if self._child and self._child.poll() is None:
            family = procfs.tree(self._child.pid)
            self._child.send_signal(signal.SIGTERM)
            try:
                self._child.wait(20)
            except subprocess.TimeoutExpired:
                print(f"sexton run didn't end by SIGTERM: {self.log()}", flush=True)
                for pid in family:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                self._child.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self):
        return self._child.pid

    def log(self):
        return (procfs.read(f"{self.folder}/log") or "")[-3000:]

    def _drop_connection(self):
        if self._connection:
            self._connection.close()
            self._connection = None

    def get(self, path):
        """Body of an answer; one connection is kept."""
        for attempt in (1, 2):
            if not self._connection:
                self._connection = _UnixConnection(self._socket)
            try:
                self._connection.request("GET", path)
                answer = self._connection.getresponse()
                body = answer.read()
                break
            except (OSError, http.client.HTTPException):
                # The server may have closed an idle connection.
                self._drop_connection()
                if attempt == 2:
                    raise
        if answer.status != 200:
            raise RuntimeError(f"GET {path}: {answer.status} {body[:200]!r}")
        return body

    def ask(self, verb):
        return json.loads(self.get(f"/sexton/v1/{verb}"))

    def service(self, name):
        for one in self.ask("services")["services"]:
            if one["service"] == name:
                return one
        return None

    def metric(self, name):
        """Sum of a metric over its labels; None when there is none."""
        values = []
        for line in self.get("/metrics").decode().splitlines():
            if line.startswith((name + " ", name + "{")):
                rest = line.rsplit("}", 1)[-1] if "}" in line else line[len(name) :]
                values.append(float(rest.split()[0]))
        return sum(values) if values else None
