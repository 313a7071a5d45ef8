from harness import procfs
from harness.scenario import Scenario, holds_dead


class LeaderThread(Scenario):
    proves = "a dead leader with a living thread is no true zombie: it burns CPU; an honest burner is innocent"

    def up(self):
        self.headless = self.zoo("headless", "leader", cpus=0.3)
        self.decoy = self.zoo("honest", "burn", cpus=0.3)

    def arise(self):
        self.pid1 = self.headless.pid()
        (self.leader,) = self.eventually(
            lambda: procfs.dead_leaders(self.pid1), 30, "a process in state Z with a living thread"
        )
        before = self.leader.cpu_seconds
        self.eventually(
            lambda: procfs.process(self.leader.pid).cpu_seconds > before + 0.2, 30, "it goes on using CPU"
        )
        self.check(not procfs.dead_leaders(self.decoy.pid()), "the honest burner is alive")

    def expect(self, sexton):
        found = self.eventually(
            lambda: holds_dead(sexton.zombies(self.headless.name), kind="leader", pid=self.leader.pid),
            60, "the process is listed with kind leader",
        )  # fmt: skip
        if found:
            self.equal(found[0]["holder"]["pid"], self.pid1, "its parent is the holder")
            self.equal(found[0]["threads"], procfs.process(self.leader.pid).threads, "its threads are counted")
            self.equal(found[0]["exit_code"], None, "it has no exit code yet")
            self.equal(found[0]["origin"], "task", "its origin is a task")
        self.eventually(
            lambda: sexton.findings(self.headless.name, "zombie_leader"), 60, "a leader with live threads is found"
        )
        self.equal(sexton.findings(self.headless.name, "zombie_leak"), [], "it isn't taken for a zombie leak")
        self.eventually(
            lambda: sexton.services()[self.headless.name]["cpu_ratio"] > 0.1, 30, "the CPU it burns is its service's"
        )
        self.equal(sexton.zombies(self.decoy.name), [], "the honest burner has no zombie")
        self.equal(sexton.findings(self.decoy.name), [], "and nothing is found in it")
        self.blames(sexton, self.headless.name, self.decoy.name)
