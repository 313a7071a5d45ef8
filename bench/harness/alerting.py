"""The usual way to an alarm beside Sexton's: process-exporter, Prometheus and Alertmanager from Debian at their default
intervals, on loopback, with a rule that fires on the first zombie."""

import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request

from . import procfs

PARTS = ("prometheus-process-exporter", "prometheus", "prometheus-alertmanager")


def missing():
    return [name for name in PARTS if not shutil.which(name)]


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Alerting:
    """Alarms about zombies of programs called `commands`, each on its own, POSTed to `receiver`."""

    def __init__(self, commands, receiver):
        self._commands = commands
        self._receiver = receiver
        self._children = []

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="sexton-alerting-")
        exporter, prometheus, alertmanager = (f"127.0.0.1:{_free_port()}" for _ in range(3))
        rule = {"alert": "Zombies", "expr": 'namedprocess_namegroup_states{state="Zombie"} > 0'}
        # intervals are left at what the packages bring: 15 s to scrape and to evaluate, 30 s for a group to gather
        configs = {
            "exporter": {"process_names": [{"name": "{{.Comm}}", "comm": self._commands}]},
            "rules": {"groups": [{"name": "zombies", "rules": [rule]}]},
            "prometheus": {
                "global": {"scrape_interval": "15s", "evaluation_interval": "15s"},
                "rule_files": [f"{self.folder}/rules.yml"],
                "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
                "scrape_configs": [{"job_name": "processes", "static_configs": [{"targets": [exporter]}]}],
            },
            "alertmanager": {
                "route": {"receiver": "hook", "group_by": ["groupname"]},
                "receivers": [{"name": "hook", "webhook_configs": [{"url": self._receiver}]}],
            },
        }
        for name, config in configs.items():
            with open(f"{self.folder}/{name}.yml", "w") as file:
                json.dump(config, file)  # JSON is YAML
        try:
            self._start(PARTS[2], f"--config.file={self.folder}/alertmanager.yml", f"--storage.path={self.folder}/am",
                        f"--web.listen-address={alertmanager}", "--cluster.listen-address=")  # fmt: skip
            self._start(PARTS[0], "-config.path", f"{self.folder}/exporter.yml", "-web.listen-address", exporter)
            self._start(PARTS[1], f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/tsdb",
                        f"--web.listen-address={prometheus}")  # fmt: skip
            for url in (f"http://{alertmanager}/-/ready", f"http://{exporter}/metrics", f"http://{prometheus}/-/ready"):
                self._wait_for(url)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self, program, *options):
        with open(f"{self.folder}/{program}.out", "wb") as log:
            self._children.append(
                subprocess.Popen([program, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
            )

    def _wait_for(self, url):
        end = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(url, timeout=10).read()
                return
            except OSError:
                if time.monotonic() > end:
                    logs = [procfs.read(f"{self.folder}/{name}.out") or "" for name in PARTS]
                    raise RuntimeError(f"{url} doesn't answer: {[log[-500:] for log in logs]}") from None
            time.sleep(0.1)

    def __exit__(self, *unused):
        for child in self._children:
            child.terminate()
        for child in self._children:
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
