from harness import procfs
from harness.scenario import Scenario, holds_dead

SERVICE = "odin/keeper"


class DockerdStopped(Scenario):
    proves = "while dockerd is stopped by SIGSTOP names stay, zombies go on being listed, and the engine is told unreachable"
    alone = True

    def up(self):
        self.leak = self.zoo("leak", "leak", 1000, 0.5, project="odin", service="keeper")

    def interrupt(self):
        self.engine.suspend()

    def repair(self):
        self.engine.resume()

    def arise(self):
        self.pid1 = self.leak.pid()
        self.eventually(lambda: len(procfs.zombies(self.pid1)) >= 2, 30, "zombies")
        if self.sexton:
            self.eventually(lambda: len(self.listed()) >= 2, 30, "they are listed under the service's name")
        self.interrupt()
        try:
            before = len(procfs.zombies(self.pid1))
            self.eventually(lambda: len(procfs.zombies(self.pid1)) > before, 10, "the leak goes on without dockerd")
            if self.sexton:
                self.without_dockerd()
        finally:
            self.repair()
        self.eventually(lambda: self.leak.pid() == self.pid1, 30, "dockerd is back, and the container was never away")

    def without_dockerd(self):
        self.eventually(lambda: self.source() == "unreachable", 60, "the engine is told unreachable")
        before = len(self.listed())
        self.eventually(lambda: len(self.listed()) >= before + 4, 30, "new zombies are listed under the service's name")
        self.equal(self.sexton.services()[SERVICE]["kind"], "compose", "the service is still known as compose's")

        def names():
            pids = {one.pid for one in procfs.zombies(self.pid1)}
            return {one["service"] for one in self.sexton.zombies() if one["pid"] in pids}

        self.equal(names(), {SERVICE}, "none has another name")

    def expect(self, sexton):
        self.eventually(lambda: self.source() == "docker", 60, "the engine is told to be back")
        before = len(self.listed())
        self.eventually(lambda: len(self.listed()) >= before + 2, 30, "the service keeps its name")
        self.equal(sexton.findings(SERVICE, "restart_loop"), [], "the engine's return isn't taken for restarts")
        leak = self.listed()[0]
        self.equal((leak["holder"]["service"], leak["origin"]), (SERVICE, "task"), "its own processes hold the dead, born of tasks")
        self.blames(sexton, SERVICE, None)

    def source(self):
        return self.sexton.status()["sources"]["engine"]

    def listed(self):
        return holds_dead(self.sexton.zombies(SERVICE), kind="unreaped")
