from harness import procfs
from harness.scenario import Scenario, holds_dead

COUNT = 12


class NeverWaits(Scenario):
    proves = "a parent that never waits holds its own dead; one that waits late is innocent"

    def up(self):
        self.leak = self.zoo("leak", "leak", COUNT, 0.3)
        self.decoy = self.zoo("late", "late", 0.6)

    def arise(self):
        pid1 = self.leak.pid()
        self.eventually(lambda: len(procfs.zombies(pid1)) == COUNT, 60, f"{COUNT} zombies, none reaped")
        (self.keeper,) = {one.ppid for one in procfs.zombies(pid1)}
        self.equal(procfs.process(self.keeper).comm, b"keeper", "their parent is the keeper")
        self.equal(procfs.process(self.keeper).ppid, pid1, "and it isn't PID 1")
        sloth = self.decoy.pid()
        self.eventually(lambda: procfs.zombies(sloth), 10, "the late parent has a zombie now and then")

    def expect(self, sexton):
        found = self.eventually(
            lambda: same_size(holds_dead(sexton.zombies(self.leak.name), kind="unreaped", holder_pid=self.keeper), COUNT),
            60, f"{COUNT} zombies of kind unreaped, held by the keeper",
        )  # fmt: skip
        if found:
            one = found[0]
            self.equal(one["origin"], "task", "their origin is a task")
            # They were forked, never executed anything, and gave themselves a name.
            self.check("zoo leak" in one["command"], "their command line is their parent's", one["command"])
            self.equal(one["comm"], "forgotten", "and their name is what they were called")
            self.equal(one["exit_code"], 3, "their exit code is known")
            self.equal(one["holder"]["is_pid1"], False, "the holder isn't PID 1")
            self.equal(one["holder"]["service"], self.leak.name, "the holder's service is the container")
            self.check(self.keeper in [above["pid"] for above in one["lineage"]], "the lineage goes by the keeper", one)
        self.eventually(lambda: sexton.findings(self.leak.name, "zombie_leak"), 60, "a zombie leak is found")
        self.equal(sexton.findings(self.decoy.name), [], "nothing is found in the late parent")
        lasting = [one for one in sexton.zombies(self.decoy.name) if one["kind"] != "transient"]
        self.check(not lasting, "its zombies are transient", lasting)
        self.blames(sexton, self.leak.name, self.decoy.name)


def same_size(found, count):
    return found if len(found) == count else None
