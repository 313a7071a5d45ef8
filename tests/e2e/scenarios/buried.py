import subprocess

from harness import procfs
from harness.engine import seconds
from harness.scenario import Scenario

PROBE = "celery -A app inspect ping"
ANSWERS = "import app; print([app.add.delay(n, n).get(timeout=30) for n in range(20)] == [2 * n for n in range(20)])"
WORKER = "crypt/worker"


class Buried(Scenario):
    proves = "a Celery worker's dead probes are buried because its label says so, under the engine's seccomp filter"
    alone = True
    config = {"act_only_in": ["crypt/*"], "detect": {"zombie_leak": {"for": "2s"}}}

    def up(self):
        network = self.engine.network(self.name)
        self.start("redis", ["redis-server", "--save", "", "--protected-mode", "no"], network=network, alias="redis")
        self.worker = self.start(
            "worker", ["celery", "-A", "app", "worker", "--concurrency", "2", "--loglevel", "warning"], network=network,
            project="crypt", service="worker", labels={"sexton.mode": "enforce", "sexton.bury": "true"},
            health={"Test": ["CMD-SHELL", PROBE], "Interval": seconds(1), "Timeout": seconds(1), "Retries": 3},
        )  # fmt: skip

    def arise(self):
        self.holder = self.worker.pid()
        status = procfs.read(f"/proc/{self.holder}/status").decode()
        self.check("Seccomp:\t2" in status, "the engine has put a seccomp filter on the worker", status)
        self.eventually(lambda: len(self.dead()) >= 3, 90, "three dead probes below the worker's PID 1")

    def dead(self):
        return {one.pid for one in procfs.zombies(self.holder) if one.ppid == self.holder}

    def said(self):
        return [one["text"] for one in self.sexton.events(WORKER) if one["kind"] == "action"]

    def expect(self, sexton):
        before = self.dead()
        # those that had just died may be left, and then they are too few for a leak
        self.eventually(lambda: len(before - self.dead()) >= len(before) - 1, 60, "they are buried")
        told = self.eventually(lambda: [text for text in self.said() if "bury done" in text], 20, "which is told")
        self.note(told)
        self.equal(self.worker.pid(), self.holder, "the worker wasn't restarted")
        command = ["nsenter", "--target", str(self.holder), "--all", "env", "PYTHONPATH=/w", "python3", "-c", ANSWERS]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        self.equal(done.stdout.strip(), "True", "and its tasks are right")
