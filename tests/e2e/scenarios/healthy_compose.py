import json
import os
import shutil
import subprocess
import time
import urllib.parse

from harness import procfs
from harness.engine import IMAGE
from harness.scenario import Scenario

PROJECT = "healthy"
PING_API = "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health')"


class HealthyCompose(Scenario):
    proves = "docker-compose up and down of a healthy stack: no finding at all, not one"
    alone = True

    @staticmethod
    def missing():
        return None if shutil.which("docker-compose") else "docker-compose isn't installed"

    def up(self):
        mount = f"{self.lab.workloads}:/w:ro"
        common = {"image": IMAGE, "volumes": [mount], "working_dir": "/w", "restart": "unless-stopped"}

        def probe(every, *command):
            return {"test": ["CMD", *command], "interval": f"{every}s", "timeout": "20s", "retries": 3}

        stack = {
            "version": "2.4",
            "services": {
                "redis": {
                    **common,
                    "command": ["redis-server", "--save", "", "--protected-mode", "no"],
                    "healthcheck": probe(5, "redis-cli", "ping"),
                },
                "api": {
                    **common,
                    "command": ["uvicorn", "good_api:app"],
                    "healthcheck": probe(5, "python3", "-c", PING_API),
                },
                "worker": {
                    **common,
                    "command": ["celery", "-A", "app", "worker", "--concurrency", "2", "--loglevel", "warning"],
                    "init": True,
                    "depends_on": ["redis"],
                    "healthcheck": probe(15, "celery", "-A", "app", "inspect", "ping"),
                },
            },
        }
        self.file = f"{self.lab.folder}/compose.json"
        with open(self.file, "w") as file:
            json.dump(stack, file)
        self.seen = set()

    def arise(self):
        before = self._findings()
        self._compose("up", "-d")
        self._adopt()
        self.equal(len(self.containers), 3, "compose started three containers")
        self.eventually(
            lambda: self._look() and all(one.health().get("Status") == "healthy" for one in self.containers),
            120, "all of them healthy",
        )  # fmt: skip
        if self.sexton:
            self._known()
        (redis,) = [one for one in self.containers if "redis" in one.name]
        last = redis.health()["Log"][-1]["Start"]
        self.eventually(lambda: self._look() and redis.health()["Log"][-1]["Start"] > last, 60, "and they stay so")
        pids = [one.pid() for one in self.containers]
        self.check(not [one for pid in pids for one in procfs.zombies(pid)], "no zombie in /proc")
        self._compose("down", "-t", "10")
        end = time.monotonic() + 8  # a leak or a loop made up from the end would show by then
        while time.monotonic() < end:
            self._look()
            time.sleep(0.5)
        self.new = self.seen - before

    def expect(self, sexton):
        self.check(not self.new, "no finding at all, from up to down", self.new)

    def _adopt(self):
        """The containers that compose made are ours to remove."""
        query = urllib.parse.urlencode({"all": 1, "filters": json.dumps({"label": [f"com.docker.compose.project={PROJECT}"]})})
        self.containers = []
        for one in self.engine.api("GET", f"/containers/json?{query}"):
            self.adopt(one["Names"][0].lstrip("/"), one["Id"])

    def _known(self):
        wanted = {f"{PROJECT}/{name}" for name in ("redis", "api", "worker")}
        self.eventually(lambda: wanted <= set(self.sexton.services()), 10, "Sexton knows them by their compose names")
        self.eventually(
            lambda: all(self.sexton.services()[name]["health"] == "healthy" for name in wanted), 10, "and as healthy"
        )

    def _compose(self, *command):
        environment = {**os.environ, "DOCKER_HOST": f"unix://{self.engine.socket}"}
        with open(f"{self.lab.folder}/compose.log", "ab+") as log:
            child = subprocess.Popen(
                ["docker-compose", "-f", self.file, "-p", PROJECT, *command],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
            while child.poll() is None:
                self._look()
                time.sleep(0.3)
            self.equal(child.returncode, 0, f"docker-compose {command[0]}")
            if child.returncode:
                log.seek(0)
                self.note(log.read().decode(errors="replace")[-2000:])

    def _look(self):
        self.seen |= self._findings()
        return True

    def _findings(self):
        if not self.sexton:
            return set()
        return {(one["detector"], one["service"], one["text"]) for one in self.sexton.findings() if not self.foreign_finding(one)}
