import re

from harness import procfs
from harness.scenario import Scenario

RATE, SECONDS, EACH = 333.4, 30, 0.0008  # 20,000 a minute


class ShortLived(Scenario):
    proves = "CPU of 20,000 short-lived processes a minute is charged to their service, though none lives when looked at"

    def up(self):
        self.storm = self.zoo("storm", "storm", RATE, SECONDS, EACH)
        self.decoy = self.zoo("quiet", "idle")

    def arise(self):
        over = self.eventually(
            lambda: re.search(r"storm over: (\d+) processes, ([\d.]+) seconds", self.storm.logs()), 120, "the storm is over"
        )
        self.count, self.cpu = int(over.group(1)), float(over.group(2))
        self.note(f"{self.count} processes, {self.cpu:.3f} s of CPU by wait4")
        self.check(self.count >= 0.9 * RATE * SECONDS, "it had 20,000 processes a minute", self.count)
        cgroup = procfs.cgroup_cpu_seconds(self.storm.id)
        self.check(0.95 < cgroup / self.cpu < 1.05, "its cgroup was charged what wait4 tells", (cgroup, self.cpu))
        self.equal(procfs.descendants(self.storm.pid()), [], "none of them lives")

    def expect(self, sexton):
        def ratio():
            return sexton.services()[self.storm.name]["cpu_seconds"] / self.cpu

        self.eventually(lambda: 0.90 <= ratio() <= 1.05, 15, "90–105 % of their CPU is charged to the service")
        self.note(f"{100 * ratio():.1f} % of {self.cpu:.3f} s charged")
        service = sexton.services()[self.storm.name]
        self.check(
            service["cpu_seconds_exited"] > 0.5 * self.cpu, "most of it as that of exited processes", service
        )
        self.equal(service["processes"], 1, "only their parent is counted as living")
        quiet = sexton.services()[self.decoy.name]["cpu_seconds"]
        self.check(quiet < 0.5, "nothing of it is charged to the quiet one", quiet)
