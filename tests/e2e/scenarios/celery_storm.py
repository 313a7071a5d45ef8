import os
import signal

from harness import procfs
from harness.engine import seconds
from harness.scenario import Scenario, holds_dead
from harness.sexton import SextonError

WORKER = "odin/celery-worker"
DECOY = "odin/api"
PROBE = "celery -A app inspect ping"


def start_worker(scenario, project, every, init=False):
    """The worker of the incident beside the broker it needs: no init unless asked for, a shell-form probe that
    can't be done in its time (the command waits a second for answers, after half a second of imports)."""
    network = scenario.engine.network(f"{scenario.name}-{project}")
    scenario.start("redis", ["redis-server", "--save", "", "--protected-mode", "no"], project=project,
                   service="redis", network=network, alias="redis")  # fmt: skip
    return scenario.start(
        "worker", ["celery", "-A", "app", "worker", "--concurrency", "2", "--loglevel", "warning"],
        project=project, service="celery-worker", network=network, restart="unless-stopped", init=init,
        health={"Test": ["CMD-SHELL", PROBE], "Interval": seconds(every), "Timeout": seconds(1), "Retries": 3},
    )  # fmt: skip


def timed_out(container):
    return [one for one in container.health().get("Log") or [] if "exceeded timeout" in one["Output"]]


class CeleryStorm(Scenario):
    proves = "timed-out shell-form probes of a Celery worker without init leave orphans; the crash loop beside it is innocent"
    alone = True
    config = {"incident": {"calm": "8s"}, "detect": {"zombie_leak": {"for": "2s", "critical_count": 3}}}

    def up(self):
        self.worker = start_worker(self, "odin", every=0.5)
        self.decoy = self.start(
            "api", ["uvicorn", "bad_api:app"], project="odin", service="api", restart="unless-stopped"
        )

    def arise(self):
        self.holder = self.worker.pid()
        self.eventually(
            lambda: len(self.orphans()) >= 3, 60, "three dead probes below the worker's PID 1, each of a dead session"
        )
        self.check(timed_out(self.worker), "the engine says that probes time out", self.worker.health())
        self.check(b"celery" in procfs.cmdline(self.holder), "the worker's PID 1 is celery", procfs.cmdline(self.holder))
        self.eventually(lambda: self.decoy.restarts() >= 3, 60, "the API beside it crash-loops")

    def orphans(self):
        alive = procfs.processes()
        return [
            one
            for one in procfs.zombies(self.holder)
            if one.ppid == self.holder and one.session != alive[self.holder].session and one.session not in alive
        ]

    def expect(self, sexton):
        found = self.eventually(
            lambda: holds_dead(sexton.zombies(WORKER), kind="orphan", origin="healthcheck", holder_pid=self.holder),
            60, "zombies of kind orphan and origin healthcheck, held by the worker's PID 1",
        )  # fmt: skip
        if found:
            holder = found[0]["holder"]
            self.check("celery" in holder["command"], "the holder's command is celery", holder)
            self.equal(holder["service"], WORKER, "the holder's service is the worker")
            self.equal(holder["is_pid1"], True, "the holder is a PID 1")
            self.check(found[0]["why"] and found[0]["remedy"], "it says why they aren't buried, and the remedy", found[0])
        pids = {one.pid for one in self.orphans()}
        self.eventually(
            lambda: pids <= {one["pid"] for one in sexton.zombies(WORKER)}, 10, "every orphan in /proc is listed"
        )
        self.check(
            all(one["kind"] in ("orphan", "transient") for one in sexton.zombies(WORKER)),
            "no zombie of the worker is of another kind", sexton.zombies(WORKER),
        )  # fmt: skip
        self.eventually(lambda: sexton.findings(WORKER, "zombie_leak"), 60, "a zombie leak is found in the worker")
        self.eventually(lambda: sexton.findings(WORKER, "health_check"), 60, "its health check is found at fault")
        self.eventually(
            lambda: sexton.services()[WORKER]["health_checks"]["timeouts"] >= 3, 30, "its probes' time-outs are counted"
        )
        self.eventually(
            lambda: any(one["service"] == WORKER and one["holder"]["pid"] == self.holder and one["count"] >= 3
                        for one in sexton.by_holder()),
            10, "by_holder counts those that outlived the grace period",
        )  # fmt: skip
        self.eventually(lambda: sexton.findings(DECOY, "restart_loop"), 60, "the API's restart loop is found too")
        self.becomes(lambda: self.culprit(sexton), WORKER, 60, "why: the worker is the culprit")
        why = sexton.why()
        told = sexton.why(WORKER) if self.foreign(why["culprit"]) else why
        remedy = " ".join(map(str, told["remedy"])).lower()
        self.check("init" in remedy, "why: the remedy names the missing init", told["remedy"])
        self.check(DECOY in str(why["refuted"]), "why: the API is refuted", why["refuted"])
        self.check(not holds_dead(sexton.zombies(), service=DECOY, kind="orphan"), "no orphan is laid to the API")
        cpu = {name: one["cpu_seconds"] for name, one in sexton.services().items()}
        self.check(cpu[WORKER] > cpu[DECOY], "the worker cost more than the API", cpu)
        deadly, small = self.two_incidents(sexton)
        self.too_late()
        if deadly and small:
            self.told(sexton, deadly)
            self.survives(sexton, deadly, small)
            self.cured(sexton, deadly, small)
            self.told(sexton, deadly)

    def ours(self, sexton):
        """The incidents about our services, by culprit. What others' load does to the host is not ours."""
        found = {}
        for one in sexton.ask("incidents", fresh=True)["incidents"]:
            if (one["culprit"] or "").startswith("odin/") and one["merged_into"] is None:
                found.setdefault(one["culprit"], []).append(one)
        return found

    def two_incidents(self, sexton):
        """One that is deadly and one that is small. Their numbers, or None for what isn't there."""

        def of(service, *detectors):
            found = self.ours(sexton).get(service, [])
            names = {one["detector"] for one in found[0]["findings"]} if found else set()
            return found if names.issuperset(detectors) else None

        self.eventually(lambda: of(WORKER, "zombie_leak", "health_check"), 60, "the leak and its probes are one incident")
        self.becomes(lambda: of(WORKER)[0]["severity"], "critical", 60, "which is critical")
        self.eventually(lambda: of(DECOY, "restart_loop"), 10, "the loop is an incident of its own")
        found = self.ours(sexton)
        self.equal({name: len(them) for name, them in found.items()}, {WORKER: 1, DECOY: 1}, "there are no others")
        if not {WORKER, DECOY} <= set(found):
            return None, None
        deadly, small = found[WORKER][0], found[DECOY][0]
        self.check(small["severity_peak"] == "warning", "the loop never was more than a warning", small["severity_peak"])
        self.check(
            {one["service"] for one in small["findings"]} == {DECOY}, "it has swallowed nothing", small["findings"]
        )
        suspects = {one["service"]: one for one in deadly["suspects"]}
        self.check(WORKER in suspects and not suspects[WORKER]["refuted"], "the worker is suspected", suspects)
        kinds = {one["kind"] for one in deadly["timeline"]}
        self.check({"opened", "health_timeout"} <= kinds, "the timeline has the probes that timed out", kinds)
        peak = {one["name"]: one["peak"] for one in deadly["resource"] if one["service"] == WORKER}
        self.check(peak["zombies"] >= 3, "the most zombies it had are on record", peak)
        why = sexton.why(str(deadly["id"]))
        self.equal(why["culprit"], WORKER, "why: the incident's number is answered too")
        return deadly["id"], small["id"]

    def survives(self, sexton, deadly, small):
        """Recorder and guard are killed: the same two incidents go on."""
        for part in ("recorder", "guard"):
            before = sexton.status()["self"][f"{part}_pid"]
            os.kill(before, signal.SIGKILL)
            self.eventually(
                lambda: self.answers(sexton, lambda: sexton.ask("status", fresh=True)["self"][f"{part}_pid"]) not in (None, before),
                30, f"another {part} is there",
            )  # fmt: skip
            self.becomes(
                lambda: self.answers(
                    sexton,
                    lambda: {
                        name: [(one["id"], one["state"]) for one in them] for name, them in self.ours(sexton).items()
                    },
                ),
                {WORKER: [(deadly, "open")], DECOY: [(small, "open")]},
                30, f"after the end of the {part} both incidents go on",
            )  # fmt: skip
            self.becomes(
                lambda: self.answers(
                    sexton,
                    lambda: any(one["open"] for one in self.ours(sexton)[WORKER][0]["findings"]),
                ),
                True, 60, "and what is wrong is found again",
            )  # fmt: skip

    @staticmethod
    def answers(sexton, ask):
        """The answer, or None while a part is being started again."""
        try:
            return ask()
        except SextonError:
            return None

    def cured(self, sexton, *numbers):
        """The project is taken down: both incidents are over, each once."""
        self.down()
        for number in numbers:
            one = self.eventually(
                lambda: [
                    one for them in self.ours(sexton).values() for one in them
                    if one["id"] == number and one["state"] == "resolved"
                ],
                150, f"incident {number} is resolved when its service is gone",
            )  # fmt: skip
            if one:
                kinds = [line["kind"] for line in one[0]["timeline"]]
                self.equal(kinds.count("resolved"), 1, "it was resolved once")
                self.check("calm" in kinds, "after it had calmed down", kinds)
                self.check(one[0]["verdict"] and one[0]["remedy"], "verdict and remedy are still known", one[0]["verdict"])
        self.equal(
            {name: len(them) for name, them in self.ours(sexton).items()}, {WORKER: 1, DECOY: 1},
            "no other incident came of it",
        )  # fmt: skip

    def told(self, sexton, number):
        """The post-mortem of the deadly incident names the worker, not the loop beside it."""
        code, out, err = sexton.run("report", str(number))
        report = out.decode()
        self.check(code == 0, "its report is written", err)
        self.check(f"**Likely culprit** | `{WORKER}`" in report, "the report names the worker", report[:600])
        self.check(f"cause is `{DECOY}`" not in report, "and doesn't blame the loop")
        records = sexton.ask("report", str(number), fresh=True)
        self.equal(records["incidents"][0]["id"], number, "its records are of this incident")
        timeouts = sum(
            one["data"].get("count") or 1
            for answer in records["events"] for one in answer["events"]
            if one["kind"] == "health_timeout" and one["service"] == WORKER
        )  # fmt: skip
        self.check(timeouts >= 3, "with the stored events of probes that timed out", timeouts)
        code, page, err = sexton.run("report", str(number), "--html")
        self.check(
            code == 0 and page.startswith(b"<!DOCTYPE html>") and b"<script" not in page, "it is written as a page too", err
        )

    def culprit(self, sexton):
        """Who is to blame; where somebody else's work beside us is worse, who comes next."""
        culprit = sexton.why()["culprit"]
        if self.foreign(culprit):
            ranks = [one["suspects"] for one in sexton.ask("incidents")["incidents"] if one["state"] == "open"]
            suspects = [one for ranked in ranks for one in ranked if not self.foreign(one["service"]) and not one["refuted"]]
            culprit = max(suspects, key=lambda one: one["score"])["service"]
        return culprit

    def too_late(self):
        """Another Sexton that comes when the dead are already there, their probes long gone and their cgroups forgotten."""
        with self.lab.watched() as late:
            pids = {one.pid for one in self.orphans()}
            self.eventually(
                lambda: pids <= {one["pid"] for one in late.zombies(WORKER) if one["kind"] in ("orphan", "transient")},
                30, "a Sexton that comes too late lists them all the same, under the worker's name",
            )  # fmt: skip
            found = [one for one in late.zombies(WORKER) if one["pid"] in pids]
            self.becomes(
                lambda: {one["pid"]: one["origin"] for one in late.zombies(WORKER) if one["pid"] in pids},
                {pid: "healthcheck" for pid in pids},
                10, "and knows their origin from what they were born in",
            )  # fmt: skip
            self.equal({one["holder"]["pid"] for one in found}, {self.holder}, "and their holder")
