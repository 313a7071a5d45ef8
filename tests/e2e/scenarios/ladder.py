import glob
import os

from harness import procfs
from harness.scenario import Scenario

ENFORCED = {"sexton.mode": "enforce"}


class Ladder(Scenario):
    proves = "who saturates the host is slowed and frozen, the neighbour isn't; a restart loop is held; people's word counts"
    alone = True
    config = {
        "act_only_in": ["den/*"],
        "detect": {"saturation": {"for": "2s", "load_warning": 0.5}},
        "breaker": {"enabled": False},
        "ladder": {"saturation": ["quota", "freeze"], "restart_loop": ["hold", "quarantine"]},
        "steps": {"quota": {"share": "90%", "hold": "2s", "ttl": "20s"}, "freeze": {"hold": "5s", "ttl": "12s"}},
        "acting": {"calm": "60s"},
        "restart_budget": {"restarts": 2, "window": "10m"},
    }

    def up(self):
        self.decoy = self.zoo("decoy", "burn", project="den", service="decoy")
        self.talk = self.zoo("talk", "crowd", 40, project="den", service="talk")

    def arise(self):
        self.eventually(lambda: len(self.tasks(self.talk)) >= 40, 30, "a crowd of burners")

    def expect(self, sexton):
        self.observed()
        self.enforced()
        self.enforced_without_dockerd()
        self.restarts_held()
        self.crash_at_once_held()
        self.leak_ended()
        self.by_hand()
        self.equal(self.said("den/decoy"), [], "nothing was done to the decoy, or said of it")

    # What is there

    def tasks(self, container):
        return procfs.descendants(container.pid())

    def frozen(self, container):
        """Are all of its tasks frozen, by the kernel's word?"""
        for pattern in ("freezer/docker/%s/freezer.state", "docker/%s/cgroup.freeze", "unified/docker/%s/cgroup.freeze"):
            for path in glob.glob("/sys/fs/cgroup/" + pattern % container.id):
                return procfs.read(path).split() in ([b"FROZEN"], [b"1"])
        raise FileNotFoundError(f"no freezer of {container.name}")

    def said(self, service):
        return [one["text"] for one in self.sexton.events(service) if one["kind"] == "action"]

    def says(self, service, *words):
        return [text for text in self.said(service) if all(word in text for word in words)]

    def drop(self, container):
        container.remove()
        self.containers.remove(container)

    # What has to happen

    def observed(self):
        """The mode of the host: it says what it would do, once for each step."""
        self.eventually(lambda: self.says("den/talk", "freeze would be done"), 60, "observe says that it would freeze")
        self.check(not self.frozen(self.talk), "and doesn't")
        self.equal(len(self.says("den/talk", "freeze would be done")), 1, "it says so once")
        self.equal(self.says("den/talk", "taken"), [], "nothing was done")
        self.drop(self.talk)

    def enforced(self):
        hog = self.zoo("hog", "crowd", 40, project="den", service="hog", labels=ENFORCED)
        self.eventually(lambda: self.frozen(hog), 60, "the label's container is frozen")
        self.check(not self.frozen(self.decoy), "its neighbour isn't")
        self.check(self.says("den/hog", "quota taken"), "after it was slowed", self.said("den/hog"))
        before = self.decoy_ticks()
        self.eventually(lambda: self.says("den/hog", "freeze helped"), 30, "it is written down that it helped")
        self.check(self.decoy_ticks() > before, "the neighbour works")
        self.eventually(lambda: not self.frozen(hog), 30, "it is thawed when its time is over")
        self.eventually(lambda: self.says("den/hog", "freeze undone"), 10, "which is told")
        self.drop(hog)

    def decoy_ticks(self):
        fields = [procfs.read(f"/proc/{one.pid}/stat").rsplit(b")", 1)[1].split() for one in self.tasks(self.decoy)]
        return sum(int(one[11]) for one in fields)

    def enforced_without_dockerd(self):
        hog = self.zoo("late-hog", "crowd", 40, 8, project="den", service="late-hog", labels=ENFORCED)
        self.eventually(lambda: "den/late-hog" in self.sexton.services(), 20, "another one is known by name")
        self.engine.suspend()
        try:
            self.eventually(lambda: self.frozen(hog), 60, "it is frozen while dockerd is stopped")
        finally:
            self.engine.resume()
        self.drop(hog)

    def restarts_held(self):
        loop = self.zoo(
            "loop", "cycle", 0.5, 1, project="den", service="loop", restart="unless-stopped",
            labels={**ENFORCED, "com.docker.compose.config-hash": "a"},
        )  # fmt: skip
        self.eventually(lambda: self.frozen_or_none(loop), 60, "a container that has spent its restarts is held")
        restarts = loop.restarts()
        self.check(restarts >= 3, "not before", restarts)
        new = self.zoo("loop-2", "idle", project="den", service="loop", labels={"com.docker.compose.config-hash": "b"})
        self.eventually(lambda: not self.frozen_or_none(loop), 30, "a new configuration releases it")
        self.drop(loop)
        self.drop(new)

    def crash_at_once_held(self):
        """If it is over before it can be frozen, three times, it is stopped."""
        spin = self.zoo("spin", "cycle", 0, 1, project="den", service="spin", restart="unless-stopped", labels=ENFORCED)

        def ended():
            """Between two restarts it is neither."""
            status = spin.inspect()["State"]["Status"]
            return status == "exited" or (status == "running" and self.frozen_or_none(spin))

        self.eventually(ended, 60, "what crashes at once is held, too, or kept stopped")
        taken = lambda: self.says("den/spin", "hold taken") or self.says("den/spin", "quarantine taken")  # noqa: E731
        self.eventually(taken, 10, "by Sexton")
        self.drop(spin)

    def leak_ended(self):
        """A leak that has used up most of its pids."""
        leak = self.zoo("leak", "leak", 55, 0.05, project="den", service="leak", pids_limit=64, labels=ENFORCED)
        before = leak.pid()
        self.eventually(lambda: self.says("den/leak", "restart taken"), 60, "the leak's container is to be restarted")
        self.eventually(lambda: leak.pid() not in (0, before), 30, "it is")
        self.check(not os.path.exists(f"/proc/{before}"), "and its dead have gone with it", before)
        self.drop(leak)

    def frozen_or_none(self, container):
        try:
            return self.frozen(container)
        except OSError:  # between two restarts
            return False

    def by_hand(self):
        """Through the engine, which brings back by its policy what it hasn't stopped itself."""
        api = self.zoo("api", "idle", project="den", service="api", restart="unless-stopped", init=True)
        before = api.pid()
        self.eventually(lambda: "den/api" in self.sexton.services(), 20, "another service is known by name")
        self.acts("restart", "den/api")
        self.check(api.pid() not in (0, before), "its container is restarted", before)
        self.eventually(lambda: self.sexton.services()["den/api"]["processes"], 20, "and seen again")
        self.acts("quarantine", "den/api")
        self.equal((api.pid(), api.inspect()["State"]["Status"]), (0, "exited"), "in quarantine it is stopped")
        self.acts("release", "den/api")
        self.eventually(api.pid, 20, "and started again at its release")
        self.eventually(lambda: self.sexton.services()["den/api"]["processes"], 20, "which is seen")
        api.pause()
        self.eventually(lambda: self.sexton.services()["den/api"]["state"] == "paused", 20, "a person's pause is seen")
        codes = [self.sexton.run(verb, "den/api")[0] for verb in ("freeze", "thaw", "release")]
        self.equal(codes[:2], [1, 1], "there is nothing to freeze, and nothing of Sexton's to thaw")
        self.check(self.frozen(api) and api.inspect()["State"]["Paused"], "it stays paused")
        api.unpause()
        self.acts("stop", "den/api")
        self.equal(api.pid(), 0, "it is stopped, and its policy doesn't bring it back")
        self.drop(api)

    def acts(self, verb, service):
        code, out, err = self.sexton.run(verb, service)
        self.check(code == 0, f"{verb} {service} is done", out + err)
