from scenarios.dockerd_stopped import DockerdStopped


class DockerdKilled(DockerdStopped):
    proves = "the same while dockerd is dead; the one that comes after it is found, and what it starts is known by name"

    def interrupt(self):
        self.engine.kill_dockerd()

    def repair(self):
        self.engine.start_dockerd()

    def expect(self, sexton):
        super().expect(sexton)
        self.zoo("late", "idle", project="odin", service="newcomer")
        self.eventually(lambda: "odin/newcomer" in sexton.services(), 30, "what the new engine starts is known by name")
