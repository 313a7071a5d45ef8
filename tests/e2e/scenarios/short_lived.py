import re

from harness import procfs
from harness.scenario import Scenario

RATE, SECONDS, EACH = 333.4, 30, 0.0008  # 20,000 a minute
SETTLED = 7  # seconds without change, longer than a service's sampling takes


class ShortLived(Scenario):
    proves = "CPU of 20,000 short-lived processes a minute is charged to their service, though none lives when looked at"

    def up(self):
        self.storm = self.zoo("storm", "storm", RATE, SECONDS, EACH)
        self.decoy = self.zoo("quiet", "idle")

    def arise(self):
        said = r"storm over: (\d+) processes, ([\d.]+) seconds of CPU, ([\d.]+) without"
        over = self.eventually(lambda: re.search(said, self.storm.logs()), 120, "the storm is over")
        self.count, self.cpu, self.theirs = int(over.group(1)), float(over.group(2)), float(over.group(3))
        self.note(f"{self.count} processes, {self.cpu:.3f} s of CPU by wait4")
        self.check(self.count >= 0.9 * RATE * SECONDS, "it had 20,000 processes a minute", self.count)
        cgroup = procfs.cgroup_cpu_seconds(self.storm.id)
        self.check(0.95 < cgroup / self.cpu < 1.05, "its cgroup was charged what wait4 tells", (cgroup, self.cpu))
        self.equal(procfs.descendants(self.storm.pid()), [], "none of them lives")

    def expect(self, sexton):
        def charged():
            return sexton.services()[self.storm.name]["cpu_seconds"] / self.cpu

        # Counters are read every few seconds: the last word is the one that stays.
        ratio = self.settles(charged, 7, 40, "the account of the storm is closed")
        self.check(0.90 <= ratio <= 1.05, "90–105 % of their CPU is charged to the service", ratio)
        self.note(f"{100 * ratio:.1f} % of {self.cpu:.3f} s charged")
        service = sexton.services()[self.storm.name]
        exited = service["cpu_seconds_exited"]
        if exited is not None:  # null without BPF: nothing else tells of each of them
            self.note(f"{100 * exited / self.theirs:.1f} % of {self.theirs:.3f} s by the sum of the exited")
            self.check(0.90 <= exited / self.theirs <= 1.05, "and as much of their own as that of exited processes", service)
        self.equal(service["processes"], 1, "only their parent is counted as living")
        quiet = sexton.services()[self.decoy.name]["cpu_seconds"]
        self.check(quiet < 0.5, "nothing of it is charged to the quiet one", quiet)
        self.equal(sexton.why(self.decoy.name)["culprit"], None, "why: nothing is wrong with the quiet one")
