"""One real `sexton run` with a folder and a free port of its own, for as long as a block lasts."""

import http.client
import os
import shutil
import socket
import subprocess
import tempfile
import time

WAIT = 30


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Daemon:
    def __init__(self, program, config="", token=""):
        self.program, self.config, self.token = program, config, token

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="sexton-web-")
        os.chmod(self.folder, 0o755)  # its parts run as users of their own
        self.listen = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.listen}/"
        with open(f"{self.folder}/sexton.yaml", "w") as file:
            file.write(self.config)
            if self.token:
                file.write(f"http: {{token_file: {self.folder}/token}}\n")
        if self.token:
            with open(os.open(f"{self.folder}/token", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(self.token)
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        with open(f"{self.folder}/log", "ab") as log:
            self.child = subprocess.Popen(
                [self.program, "run", "--config", f"{self.folder}/sexton.yaml", "--data-dir", f"{self.folder}/data",
                 "--socket", f"{self.folder}/sock", "--listen", self.listen],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        end = time.monotonic() + WAIT
        while self.status("/-/ready") != 200:
            if time.monotonic() > end or self.child.poll() is not None:
                raise RuntimeError(f"sexton run does not answer: {open(f'{self.folder}/log').read()[-2000:]}")
            time.sleep(0.05)

    def stop(self):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(WAIT)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()

    def get(self, path, headers=None):
        """(status, headers, body)"""
        host, port = self.listen.split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=WAIT)
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def status(self, path):
        try:
            return self.get(path)[0]
        except OSError:
            return None
