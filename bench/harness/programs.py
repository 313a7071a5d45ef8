"""Other people's programs, started on loopback in a folder of their own, and ended with all that they started."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

from . import procfs

WAIT = 30  # s, at most, for an answer and for an end


def find(program):
    """Its path, or None where it isn't installed."""
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Programs:
    """Those that run in the with block."""

    def __init__(self):
        self.children = {}  # by name

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="sexton-programs-")
        os.chmod(self.folder, 0o755)
        try:
            self.start_all()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start_all(self):
        raise NotImplementedError

    def start(self, name, program, *options):
        """False where it isn't installed."""
        path = find(program)
        if not path:
            return False
        with open(f"{self.folder}/{name}.out", "wb") as log:
            self.children[name] = subprocess.Popen(
                [path, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        return True

    def wait_for(self, name, url):
        end = time.monotonic() + WAIT
        while True:
            try:
                urllib.request.urlopen(url, timeout=10).read()
                return
            except OSError:
                if time.monotonic() > end:
                    said = procfs.read(f"{self.folder}/{name}.out") or ""
                    raise RuntimeError(f"{name} doesn't answer at {url}: {said[-1000:]}") from None
            time.sleep(0.1)

    def roots(self):
        """{name: pid} of those that run."""
        return {name: child.pid for name, child in self.children.items() if child.poll() is None}

    def __exit__(self, *unused):
        families = {name: procfs.tree(child.pid) for name, child in self.children.items()}
        for child in self.children.values():
            child.send_signal(signal.SIGTERM)
        for name, child in self.children.items():
            try:
                child.wait(WAIT)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            for pid in families[name]:  # plugins that outlive their daemon
                fields = procfs.stat(pid)
                if fields and int(fields[3]) == child.pid:  # still of its session
                    os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)
