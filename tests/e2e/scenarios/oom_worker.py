import re

from harness import procfs
from harness.scenario import Scenario

KILLS = 3


class OomWorker(Scenario):
    proves = "workers killed for memory inside their container's limit are counted while PID 1 lives; a kill by hand is none"

    def up(self):
        self.worker = self.zoo("limited", "oom", 96, KILLS, 1, memory=48 << 20)
        self.decoy = self.zoo("killed", "killed", KILLS, 1, memory=48 << 20)

    def arise(self):
        self.pid1 = self.worker.pid()
        self.eventually(lambda: procfs.cgroup_oom_kills(self.worker.id) == KILLS, 60, f"the kernel killed {KILLS} times")
        self.eventually(
            lambda: len(re.findall(r"ended by signal 9", self.worker.logs())) == KILLS, 30, "and PID 1 saw each of them"
        )
        self.equal(self.worker.pid(), self.pid1, "PID 1 lives on")
        self.equal(procfs.cgroup_oom_kills(self.decoy.id), 0, "none was in the decoy")

    def expect(self, sexton):
        found = self.eventually(lambda: sexton.findings(self.worker.name, "oom"), 30, "OOM kills are found")
        if found:
            self.eventually(
                lambda: str(KILLS) in str([sexton.findings(self.worker.name, "oom")[0][key] for key in ("text", "evidence")]),
                30, f"and counted: {KILLS}",
            )  # fmt: skip
        kills = [one for one in sexton.events(self.worker.name) if one["kind"] == "oom"]
        self.check(kills, "the events tell them", sexton.events(self.worker.name)[-20:])
        self.equal(sexton.findings(self.decoy.name, "oom"), [], "a kill by hand isn't taken for one")
        self.equal(sexton.services()[self.worker.name]["restarts"], 0, "no restart is invented")
        self.blames(sexton, self.worker.name, None)  # what is killed again and again by hand may well be called a loop
