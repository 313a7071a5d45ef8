from harness.scenario import Scenario

API = "shop/api"


class ApiCrashLoop(Scenario):
    proves = "an API that raises at import is a restart loop; a service deployed again and again isn't"

    def up(self):
        self.api = self.start(
            "api", ["uvicorn", "bad_api:app"], project="shop", service="api", restart="unless-stopped"
        )

    def arise(self):
        self.eventually(lambda: self.api.restarts() >= 3, 90, "three restarts")
        self.eventually(lambda: self.api.inspect()["State"]["ExitCode"] == 1, 30, "each with exit code 1")
        self.check('No "request"' in self.api.logs(), "because of the import", self.api.logs()[-500:])
        for _ in range(4):
            self.zoo("deployed", "idle", project="shop", service="web")
            self.containers.pop().remove()
        self.decoy = self.zoo("deployed", "idle", project="shop", service="web")

    def expect(self, sexton):
        found = self.eventually(
            lambda: sexton.findings(API, "restart_loop"), 90, "a restart loop is found in the API"
        )
        if found:
            said = found[0]["text"] + str(found[0]["evidence"])
            self.check("exit code 1" in said or "code 1" in said or "status 1" in said, "it tells the exit code", found[0])
        self.eventually(lambda: sexton.services()[API]["restarts"] >= 3, 30, "the API's restarts are counted")
        self.eventually(
            lambda: [one for one in sexton.events(API) if one["kind"] == "die"], 10, "the events tell its deaths"
        )
        self.equal(sexton.findings("shop/web", "restart_loop"), [], "five deploys are no restart loop")
        self.equal(sexton.services()["shop/web"]["restarts"], 0, "nor counted as restarts")
        self.blames(sexton, API, "shop/web")
