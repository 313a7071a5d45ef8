import json
import os

from harness import procfs
from harness.scenario import Scenario, holds_dead
from harness.sexton import Sexton

COUNT = 3
CONFIG = {
    "mode": "observe",
    "grace": "2s",
    "act_only_in": ["e2e-nothing"],
    "detect": {"zombie_leak": {"for": "2s"}},
    "sources": {"scan_interval": "1s"},
}


class InContainer(Scenario):
    proves = "in a container with the host's pids and no other right Sexton names what it sees, and says what it can't see"

    def up(self):
        self.leak = self.zoo("leak", "leak", COUNT, 0.3)
        self.burner = self.zoo("burner", "burn")

    def arise(self):
        self.eventually(lambda: len(procfs.zombies(self.leak.pid())) == COUNT, 60, f"{COUNT} zombies, none reaped")
        self.pids = {one.pid for one in procfs.zombies(self.leak.pid())}

    def expect(self, _):
        folder = f"{self.lab.folder}/in-container"
        os.mkdir(folder)
        with open(f"{folder}/sexton.yaml", "w") as file:
            json.dump(CONFIG, file)
        program = os.path.dirname(self.lab.program)
        room = self.start(
            "room", ["/s/sexton", "run", "--config", "/d/sexton.yaml", "--data-dir", "/d/data", "--socket", "/d/sock"],
            pids="host", binds=["/usr:/usr:ro", "/lib:/lib:ro", "/lib64:/lib64:ro", f"{program}:/s:ro", f"{folder}:/d"],
        )  # fmt: skip
        sexton = Sexton(self.lab.program, folder, self.engine, {})
        sexton.socket = f"{folder}/sock"
        self.eventually(lambda: sexton.run("status", "--json")[0] in (0, 1), 30, "it answers from its container")
        self._sees(sexton)
        self._says_what_it_cant(sexton, room)
        self.equal(room.stop(), 0, "docker stop ends it with 0")
        self.check(not os.path.exists(sexton.socket), "and no socket is left")

    def _sees(self, sexton):
        leak, burner = self.leak.id[:12], self.burner.id[:12]  # nobody told it their names
        found = self.eventually(lambda: _all(holds_dead(sexton.zombies(leak), kind="unreaped"), self.pids), 60, "it lists the dead")
        for one in found or []:
            self.equal(one["holder"]["service"], leak, "held in their container")
            # the kernel shows 0 to whoever may not know; it was 3
            self.check(one["exit_code"] in (3, None), "their exit code isn't made up", one["exit_code"])
        self.eventually(lambda: sexton.findings(leak, "zombie_leak"), 60, "it finds the leak")
        self.becomes(lambda: sexton.services()[burner]["cpu_seconds"], lambda used: used > 1, 60, "it charges a burner's CPU to it")
        self.equal(sexton.services()[burner]["memory_bytes"], None, "memory that it can't know is unknown")
        self.equal(sexton.services()[leak]["cpu_seconds_exited"], None, "as is the CPU of the dead")
        self.equal(sexton.services()[leak]["restarts"], None, "and how often it restarted")

    def _says_what_it_cant(self, sexton, room):
        sources = sexton.status()["sources"]
        self.equal(sources["host_pids"], True, "it knows that it sees the host's processes")
        self.equal((sources["root"], sources["host_cgroups"], sources["cgroup"]), (False, False, "none"), "and what it has not")
        self.equal((sources["lifecycle"], sources["engine"]), ("scan", "none"), "it scans, without an engine")
        said = sexton.run("status")[1].decode()
        for text in ("without root's rights", "control groups aren't visible", "no proc connector", "no BPF", "no Docker or Podman"):
            self.check(text in said, f"status says: {text}", said)
        code, doctor = room.execute("/s/sexton", "doctor", "--socket", "/d/sock")
        self.equal(code, 1, "doctor there says that something essential is missing")
        for text in ("--cap-add", "--cgroupns host", "it runs and answers"):
            self.check(text in doctor, f"doctor says: {text}", doctor)


def _all(found, pids):
    return found if {one["pid"] for one in found} == pids else None
