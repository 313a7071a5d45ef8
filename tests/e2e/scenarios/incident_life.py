import json
import os
import signal

from harness import procfs
from scenarios.celery_storm import DECOY, WORKER, CeleryStorm
from webhook import Webhook


LEAK = "incident_life-leak"


class IncidentLife(CeleryStorm):
    proves = (
        "the storm is one incident and the crash loop a small one, each told once, through the end of every part of Sexton, "
        "dockerd's absence and a full disk, on which a third begins; all are resolved after the fix"
    )
    disk_size = "24m"

    def __init__(self, lab):
        super().__init__(lab)
        self.hook = Webhook()
        self.config = {
            "incident": {"calm": "8s", "reopen": "60s"},
            # The engine lets the API wait longer and longer.
            "detect": {"restart_loop": {"window": "15m", "min_period": "10m", "deploy_grace": "1s"}},
            "notify": [{"name": "hook", "type": "webhook", "url": self.hook.url}],
        }

    def down(self):
        super().down()
        self.hook.close()

    def incidents(self, service=None, state=None):
        return [
            one
            for one in self.sexton.ask("incidents", fresh=True)["incidents"]
            if not self.foreign(one["culprit"]) and self.ours(one)
            and service in (None, one["culprit"]) and state in (None, one["state"])
        ]  # fmt: skip

    def ours(self, incident):
        """The host's own troubles are everybody's who works on this machine."""
        return incident["culprit"] is not None or not all(self.foreign_finding(one) for one in incident["findings"])

    def expect(self, sexton):
        self.eventually(lambda: self.incidents(WORKER, "open"), 60, "the storm is an incident of the worker")
        self.eventually(lambda: self.incidents(DECOY, "open"), 60, "the crash loop is one of the API")
        self.ids = {WORKER: self.incidents(WORKER)[0]["id"], DECOY: self.incidents(DECOY)[0]["id"]}
        self.eventually(lambda: all(self.hook.of(one) for one in self.ids.values()), 30, "both have been told")
        self.eventually(
            lambda: {"zombie_leak", "health_check"} <= {one["detector"] for one in self.incidents(WORKER)[0]["findings"]},
            60, "leak and health check belong to the same incident",
        )  # fmt: skip
        for role in ("recorder", "guard", "engine", "courier"):
            self.survives(role)
        self.without_dockerd()
        missed = self.without_room()
        sexton.start_again()
        self.goes_on("a kill -9 of the whole and a new start")
        self.remembers(missed, "and what happened while the disk was full is known after that")
        self.fix()
        self.told_once()

    def survives(self, role):
        pid = self.sexton.part(role)
        if not self.check(pid, f"there is a process {role}"):
            return
        os.kill(pid, signal.SIGKILL)
        self.eventually(lambda: self.sexton.part(role) not in (None, pid), 30, f"{role}: another one is started")
        self.goes_on(f"a kill -9 of the {role}")

    def goes_on(self, what):
        """The same ones are open, under their numbers, and nothing else is."""
        wanted = sorted((one, name) for name, one in self.ids.items())
        if not self.becomes(
            lambda: sorted((one["id"], one["culprit"]) for one in self.incidents(state="open")), wanted, 60,
            f"the same incidents are open after {what}",
        ):  # fmt: skip
            self.tell_incidents()

    def tell_incidents(self):
        for one in self.incidents():
            self.note(json.dumps(one)[:20000])

    def without_dockerd(self):
        """It hangs until it is told unreachable. What an hour of that does is shown on a made clock: test_engine_away."""
        before = {one["pid"] for one in self.sexton.zombies(WORKER) if one["kind"] == "orphan"}
        self.engine.suspend()
        try:
            self.eventually(
                lambda: self.sexton.status()["sources"]["engine"] == "unreachable", 60, "the engine is told unreachable"
            )
            self.eventually(
                lambda: before <= {one["pid"] for one in self.sexton.zombies(WORKER)}, 10, "the dead stay listed"
            )
            self.goes_on("dockerd hangs")
        finally:
            self.engine.resume()
        self.eventually(lambda: self.sexton.status()["sources"]["engine"] == "docker", 60, "the engine is back")
        self.goes_on("dockerd came back")

    def store(self):
        return self.sexton.ask("status", fresh=True)["store"]

    def happened(self, after):
        """What cannot be told in one row with others: ids of these events behind that one."""
        found = set()
        for kind in ("health_timeout", "restart", "finding"):
            answer = self.sexton.ask("events", "--kind", kind, "--since", "1h", "--limit", "1000", fresh=True)
            found.update(one["id"] for one in answer["events"] if one["id"] > after)
        return found

    def remembers(self, ids, what):
        found = self.happened(0)
        self.check(ids and ids <= found, what, sorted(ids - found))

    def without_room(self):
        """The disk is full while the incidents go on, and a new one begins. What happened then: ids of events."""
        disk = self.sexton.disk
        before = self.sexton.committed()
        self.eventually(
            lambda: disk.fill() or self.store()["state"] == "memory", 60, "on a full disk history is kept in memory"
        )
        last = max(self.sexton.committed())
        self.check("full" in (self.store()["text"] or ""), "and it says why", self.store())
        self.check(b"in memory only" in self.sexton.run("status")[1], "also to a person")
        self.goes_on("the disk has become full")
        self.zoo("leak", "leak", 5, 0.1)
        self.eventually(lambda: self.incidents(LEAK, "open"), 60, "what begins on a full disk is an incident")
        self.ids[LEAK] = self.incidents(LEAK)[0]["id"]
        self.eventually(lambda: self.hook.of(self.ids[LEAK]), 30, "and is told")
        missed = self.happened(last)
        self.check(missed, "events that the disk can't take are answered from memory")
        self.equal(self.store()["state"], "memory", "all of that in memory")
        kept = self.sexton.committed()
        self.check(before.items() <= kept.items(), "what was on disk is there while it is full", set(before) - set(kept))
        disk.free()
        self.eventually(lambda: self.store()["state"] == "disk", 60, "when there is room again history goes to the disk")
        self.eventually(lambda: missed <= set(self.sexton.committed()), 60, "which is told what it has missed")
        kept = self.sexton.committed()
        self.check(before.items() <= kept.items(), "and has lost nothing of before", set(before) - set(kept))
        store = self.store()
        self.equal((store["lost_events"], store["lost_documents"]), (0, 0), "nothing was forgotten")
        told = [one["text"] for one in self.sexton.ask("events", "--kind", "store", fresh=True)["events"]]
        self.check(
            any("memory only" in one for one in told) and any("to disk again" in one for one in told),
            "that history was in memory and isn't any more is an event", told,
        )  # fmt: skip
        self.goes_on("the disk had room again")
        return missed

    def fix(self):
        for container in self.containers:
            container.remove()
        self.eventually(lambda: not procfs.zombies(self.holder), 30, "the dead are gone with their container")
        if not self.becomes(
            lambda: {one["id"]: one["state"] for one in self.incidents() if one["id"] in self.ids.values()},
            {one: "resolved" for one in self.ids.values()}, 180, "all incidents are resolved after the fix",
        ):  # fmt: skip
            self.tell_incidents()
        self.equal(sorted(one["id"] for one in self.incidents()), sorted(self.ids.values()), "there never was another")

    def told_once(self):
        for name, one in self.ids.items():
            self.eventually(lambda one=one: ("resolved" in dict(self.hook.of(one))), 30, f"{name}: the end is told")
            told = self.hook.of(one)
            self.equal(len(told), len(set(told)), f"{name}: nothing was told twice ({told})")
            self.equal([state for state, _ in told].count("resolved"), 1, f"{name}: resolved is told once")
            self.equal(told[-1][0], "resolved", f"{name}: and last")
        if self.failed:
            self.tell_incidents()
        self.equal(
            {one["id"] for one in self.hook.told if not self.foreign(one["culprit"]) and self.ours(one)},
            set(self.ids.values()), "nothing else was told",
        )  # fmt: skip
