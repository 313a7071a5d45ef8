"""The tools that Sexton is measured beside, as they come from Debian, on loopback, at their default intervals."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request

from . import procfs

SCRAPE_INTERVAL = 15  # s; Prometheus' own default is 60, everybody's is 15

PROCESS_EXPORTER = """process_names:
  - name: "{{.Comm}}"
    cmdline: ['.+']
"""

NETDATA = """[global]
    run as user = {user}
[directories]
    cache = {folder}/cache
    lib = {folder}/lib
    log = {folder}/log
    home = {folder}
[web]
    bind to = 127.0.0.1:{port}
[registry]
    enabled = no
[cloud]
    enabled = no
"""


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _find(program):
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin")


class Peers:
    """All that are installed, running and, where they work only when asked, asked at the usual interval."""

    def __init__(self):
        self.missing = []
        self._children = {}
        self._urls = []
        self._end = threading.Event()

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="sexton-peers-")
        os.chmod(self.folder, 0o755)
        self._start_exporters()
        self._start_netdata()
        for name, url in self._urls:
            self._wait_for(name, url)
        self._scraper = threading.Thread(target=self._scrape, daemon=True)
        self._scraper.start()
        return self

    def _start_exporters(self):
        config = f"{self.folder}/process-exporter.yaml"
        with open(config, "w") as file:
            file.write(PROCESS_EXPORTER)
        for name, program, options in (
            ("node_exporter", "prometheus-node-exporter", ["--collector.processes", "--web.listen-address={at}"]),
            ("process-exporter", "prometheus-process-exporter", ["-config.path", config, "-web.listen-address={at}"]),
        ):
            at = f"127.0.0.1:{_free_port()}"
            if self._start(name, program, [one.format(at=at) for one in options]):
                self._urls.append((name, f"http://{at}/metrics"))

    def _start_netdata(self):
        port = _free_port()
        for part in ("cache", "lib", "log"):
            os.mkdir(f"{self.folder}/{part}")
        config = f"{self.folder}/netdata.conf"
        with open(config, "w") as file:
            file.write(NETDATA.format(user="root", folder=self.folder, port=port))
        self._start("netdata", "netdata", ["-D", "-c", config, "-P", f"{self.folder}/pid"])

    def _start(self, name, program, options):
        path = _find(program)
        if not path:
            self.missing.append(name)
            return False
        with open(f"{self.folder}/{name}.out", "wb") as log:
            self._children[name] = subprocess.Popen(
                [path, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        return True

    def _wait_for(self, name, url):
        end = time.monotonic() + 20
        while True:
            try:
                urllib.request.urlopen(url, timeout=10).read()
                return
            except OSError:
                if time.monotonic() > end:
                    raise RuntimeError(f"{name}: {procfs.read(f'{self.folder}/{name}.out')}") from None
            time.sleep(0.1)

    def _scrape(self):
        while not self._end.wait(SCRAPE_INTERVAL):
            for _, url in self._urls:
                try:
                    urllib.request.urlopen(url, timeout=10).read()
                except OSError as error:
                    print(f"{url}: {error}", flush=True)

    def roots(self):
        """{name: pid} of those that run."""
        return {name: child.pid for name, child in self._children.items() if child.poll() is None}

    def __exit__(self, *unused):
        self._end.set()
        for child in self._children.values():
            family = procfs.tree(child.pid)
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            for pid in family:  # plugins that outlive their daemon
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        shutil.rmtree(self.folder, ignore_errors=True)
