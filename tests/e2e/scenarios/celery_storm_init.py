from harness import procfs
from harness.scenario import Scenario
from scenarios.celery_storm import start_worker, timed_out

WORKER = "loki/celery-worker"


class CeleryStormInit(Scenario):
    proves = "the same storm under --init: the probes still time out, but nothing stays unburied and no zombie finding is made"

    def up(self):
        self.worker = start_worker(self, "loki", every=2, init=True)

    def arise(self):
        self.init = self.worker.pid()
        self.eventually(lambda: procfs.process(self.init).comm == b"docker-init", 10, "PID 1 is docker-init")
        self.eventually(lambda: len(timed_out(self.worker)) >= 3, 90, "three probes timed out")
        self.eventually(lambda: not procfs.zombies(self.init), 10, "no zombie below the worker's init")

    def expect(self, sexton):
        self.eventually(
            lambda: sexton.services()[WORKER]["health_checks"]["timeouts"] >= 3, 60, "the time-outs are counted"
        )
        lasting = [one for one in sexton.zombies(WORKER) if one["kind"] != "transient"]
        self.check(not lasting, "no lasting zombie is listed", lasting)
        wrong = [one for one in sexton.findings(WORKER) if "zombie" in one["detector"]]
        self.check(not wrong, "no zombie finding", wrong)
        self.eventually(lambda: sexton.findings(WORKER, "health_check"), 60, "but its health check is found to time out")
        self.blames(sexton, WORKER, None)
