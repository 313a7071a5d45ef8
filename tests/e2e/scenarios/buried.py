import subprocess
import sys

from harness import procfs
from harness.engine import seconds
from harness.scenario import Scenario

sys.path.insert(0, __file__.rpartition("/e2e/")[0] + "/integration")

from holders.burier import Burier, dead_of  # noqa: E402

PROBE = "celery -A app inspect ping"
ANSWERS = "import app; print([app.add.delay(n, n).get(timeout=30) for n in range(20)] == [2 * n for n in range(20)])"


class Buried(Scenario):
    proves = "a Celery worker's dead probes are buried under the engine's own seccomp filter, and the worker goes on"

    def up(self):
        network = self.engine.network(self.name)
        self.start("redis", ["redis-server", "--save", "", "--protected-mode", "no"], network=network, alias="redis")
        self.worker = self.start(
            "worker", ["celery", "-A", "app", "worker", "--concurrency", "2", "--loglevel", "warning"], network=network,
            health={"Test": ["CMD-SHELL", PROBE], "Interval": seconds(1), "Timeout": seconds(1), "Retries": 3},
        )  # fmt: skip

    def arise(self):
        self.holder = self.worker.pid()
        status = procfs.read(f"/proc/{self.holder}/status").decode()
        self.check("Seccomp:\t2" in status, "the engine has put a seccomp filter on the worker", status)
        self.eventually(lambda: len(dead_of(self.holder)) >= 3, 90, "three dead probes below the worker's PID 1")

    def expect(self, sexton):
        dead = dead_of(self.holder)
        with Burier(self.lab.program) as burier:
            answer = burier.bury(self.holder, dead)
        self.note(answer.text)
        self.equal(answer.buried, len(dead), "all of them are buried")
        self.check(answer.held_max <= 0.005, "no stop was longer than 5 ms", answer)
        left = {pid for pid, _ in dead_of(self.holder)} & {pid for pid, _ in dead}
        self.check(not left, "the process table is clean", left)
        self.equal(self.worker.pid(), self.holder, "the worker wasn't restarted")
        command = ["nsenter", "--target", str(self.holder), "--all", "env", "PYTHONPATH=/w", "python3", "-c", ANSWERS]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        self.equal(done.stdout.strip(), "True", "and its tasks are right")
