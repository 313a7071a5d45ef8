"""The tools that Sexton is measured beside, as they come from Debian, on loopback, at their default intervals."""

import os
import threading
import urllib.request

from .programs import Programs, free_port

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


class Peers(Programs):
    """All that are installed, running and, where they work only when asked, asked at the usual interval."""

    def __init__(self):
        super().__init__()
        self.missing = []
        self._urls = []
        self._end = threading.Event()

    def start_all(self):
        self._start_exporters()
        self._start_netdata()
        for name, url in self._urls:
            self.wait_for(name, url)
        threading.Thread(target=self._scrape, daemon=True).start()

    def _start_exporters(self):
        config = f"{self.folder}/process-exporter.yaml"
        with open(config, "w") as file:
            file.write(PROCESS_EXPORTER)
        for name, program, options in (
            ("node_exporter", "prometheus-node-exporter", ["--collector.processes", "--web.listen-address={at}"]),
            ("process-exporter", "prometheus-process-exporter", ["-config.path", config, "-web.listen-address={at}"]),
        ):
            at = f"127.0.0.1:{free_port()}"
            if self._start(name, program, [one.format(at=at) for one in options]):
                self._urls.append((name, f"http://{at}/metrics"))

    def _start_netdata(self):
        port = free_port()
        for part in ("cache", "lib", "log"):
            os.mkdir(f"{self.folder}/{part}")
        config = f"{self.folder}/netdata.conf"
        with open(config, "w") as file:
            file.write(NETDATA.format(user="root", folder=self.folder, port=port))
        self._start("netdata", "netdata", ["-D", "-c", config, "-P", f"{self.folder}/pid"])

    def _start(self, name, program, options):
        started = self.start(name, program, *options)
        if not started:
            self.missing.append(name)
        return started

    def _scrape(self):
        while not self._end.wait(SCRAPE_INTERVAL):
            for _, url in self._urls:
                try:
                    urllib.request.urlopen(url, timeout=10).read()
                except OSError as error:
                    print(f"{url}: {error}", flush=True)

    def __exit__(self, *unused):
        self._end.set()
        super().__exit__()
