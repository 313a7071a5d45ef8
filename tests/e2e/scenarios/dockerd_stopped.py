from harness import procfs
from harness.scenario import Scenario


class DockerdStopped(Scenario):
    proves = "while dockerd is stopped by SIGSTOP names stay, zombies go on being listed, and the engine is told unreachable"
    alone = True

    def up(self):
        self.leak = self.zoo("leak", "leak", 1000, 0.5, project="odin", service="keeper")

    def arise(self):
        self.pid1 = self.leak.pid()
        self.eventually(lambda: len(procfs.zombies(self.pid1)) >= 4, 30, "zombies")

    def expect(self, sexton):
        def listed():
            return [one for one in sexton.zombies("odin/keeper") if one["kind"] == "unreaped"]

        self.eventually(lambda: len(listed()) >= 3, 30, "they are listed under the service's name")
        self.engine.suspend()
        try:
            self.eventually(
                lambda: sexton.status()["sources"]["engine"] == "unreachable", 60, "the stopped engine is told unreachable"
            )
            before = len(listed())
            self.eventually(lambda: len(listed()) >= before + 4, 30, "new zombies are listed under the service's name")
            self.equal(sexton.services()["odin/keeper"]["kind"], "compose", "the service is still known as compose's")
            zombies = {one.pid for one in procfs.zombies(self.pid1)}
            known = {one["pid"]: one["service"] for one in sexton.zombies()}
            self.equal({known.get(pid) for pid in zombies}, {"odin/keeper"}, "none has another name")
        finally:
            self.engine.resume()
        self.eventually(lambda: sexton.status()["sources"]["engine"] == "docker", 60, "the engine is back when it goes on")
        self.equal(sexton.services()["odin/keeper"]["kind"], "compose", "the service is the same")
