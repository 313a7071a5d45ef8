"""The usual way to an alarm beside Sexton's: process-exporter, Prometheus and Alertmanager from Debian at their default
intervals, on loopback, with a rule that fires on the first zombie."""

import json

from .programs import Programs, find, free_port

PARTS = ("prometheus-process-exporter", "prometheus", "prometheus-alertmanager")


def missing():
    return [name for name in PARTS if not find(name)]


class Alerting(Programs):
    """Alarms about zombies of programs called `commands`, each on its own, POSTed to `receiver`."""

    def __init__(self, commands, receiver):
        super().__init__()
        self._commands = commands
        self._receiver = receiver

    def start_all(self):
        exporter, prometheus, alertmanager = (f"127.0.0.1:{free_port()}" for _ in range(3))
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
        self.start("alertmanager", PARTS[2], f"--config.file={self.folder}/alertmanager.yml",
                   f"--storage.path={self.folder}/am", f"--web.listen-address={alertmanager}", "--cluster.listen-address=")  # fmt: skip
        self.start("exporter", PARTS[0], "-config.path", f"{self.folder}/exporter.yml", "-web.listen-address", exporter)
        self.start("prometheus", PARTS[1], f"--config.file={self.folder}/prometheus.yml",
                   f"--storage.tsdb.path={self.folder}/tsdb", f"--web.listen-address={prometheus}")  # fmt: skip
        self.wait_for("alertmanager", f"http://{alertmanager}/-/ready")
        self.wait_for("exporter", f"http://{exporter}/metrics")
        self.wait_for("prometheus", f"http://{prometheus}/-/ready")
