from harness.scenario import Scenario

LIFE = 11  # longer than the 10 s after which the engine restarts at once again


class HourlyLoop(Scenario):
    proves = "a service that dies by the clock is found by its period, though it never exceeds the budget of restarts"

    def up(self):
        self.loop = self.zoo("loop", "cycle", LIFE, 7, restart="always")
        self.decoy = self.zoo("steady", "idle", restart="always")

    def arise(self):
        self.eventually(lambda: self.loop.restarts() >= 2, 5 * LIFE, "it restarts, and again")

    def expect(self, sexton):
        found = self.eventually(
            lambda: sexton.findings(self.loop.name, "restart_loop"), 6 * LIFE, "a restart loop is found"
        )
        if found:
            said = (found[0]["text"] + str(found[0]["evidence"])).lower()
            self.check("every" in said or "period" in said, "it tells the period", found[0])
            self.check("7" in said, "it tells the exit code", found[0])
        self.equal(sexton.findings(self.decoy.name), [], "nothing is found in the steady one")
        self.blames(sexton, self.loop.name, self.decoy.name)
