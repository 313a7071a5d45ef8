import json
import time

from harness.waiting import wait_until
from scenarios.healthy_compose import PROJECT, HealthyCompose
from webhook import Webhook

# An hour of life goes by in three minutes, and the detectors' durations go by as fast: all but that of the load, because the
# kernel's average of it can't be made faster.
FASTER = 20
HOUR = 3600 / FASTER
CHORES = 14  # an hour

# What a host does besides serving. Each in a container of its own, or (cron) within the API's.
BACKUP = ["sh", "-c", "tar -cf - /usr/lib /usr/bin | cat >/dev/null"]
UPGRADE = ["sh", "-c", "cp -a /usr/lib/python3 /tmp/new && ldconfig && sync -f /tmp && rm -r /tmp/new"]
BUILD = ["timeout", "8", "python3", "-m", "compileall", "-q", "-f", "-j", "2", "-d", "/x", "/usr/lib/python3.11"]
CI_JOB = ["sh", "-c", "i=0; while [ $i -lt 4000 ]; do /bin/true; i=$((i+1)); done"]
CRON = ["sh", "-c", "ls -R /etc | sort | uniq | wc -l"]


class NormalLife(HealthyCompose):
    proves = "an hour of normal life, in three minutes: deploys, upgrades, cron, backups, builds, a CI job; no incident, not one"
    alone = True

    def __init__(self, lab):
        super().__init__(lab)
        self.hook = Webhook()
        self.config = {
            "notify": [{"name": "hook", "type": "webhook", "url": self.hook.url}],
            "detect": {
                "zombie_leak": {"for": "1s"},
                "zombie_leader": {"for": "1s"},
                "health_check": {"window": "30s", "for": "1s"},
                "restart_loop": {"window": "180s", "min_period": "30s", "max_period": "4500s", "deploy_grace": "3s"},
                "respawn_loop": {"window": "30s", "for": "1s"},
                "exec_loop": {"window": "30s"},
                "memory": {"for": "3s", "growth_for": "30s", "exhausted_in": "180s"},
                "pids": {"for": "1s"},
                "hung_tasks": {"for": "6s"},
                "disk": {"for": "2s", "growth_for": "30s", "full_in": "720s"},
                "unattributed": {"for": "15s"},
            },
        }

    def down(self):
        super().down()
        self.hook.close()

    def arise(self):
        before = self._findings()
        start = time.monotonic()
        self.jobs, self.broken = 0, []
        self._deploy(1)
        chores = [BACKUP, UPGRADE, BUILD, CI_JOB]
        deploys, restarts = 1, 0
        while time.monotonic() - start < HOUR:
            at = time.monotonic() - start
            if at > deploys * HOUR / 4:
                deploys += 1
                self._deploy(deploys)
            elif at > (restarts + 1) * HOUR / 3:
                restarts += 1
                self.engine.api("POST", f"/containers/{self._api().id}/restart?t=5")
            elif at > self.jobs * HOUR / CHORES:
                self._cron()
                self._chore(chores[self.jobs % len(chores)])
            else:
                self._look()
                time.sleep(0.5)
        self._compose("down", "-t", "10")
        self.new = self.seen - before
        self.note(f"{deploys} deploys, {restarts} restarts by hand, {self.jobs} jobs in {time.monotonic() - start:.0f} s")
        self.equal(self.broken, [], "every job did its work")
        self.check(deploys >= 4 and restarts >= 2 and self.jobs >= 8, "that was a full hour", (deploys, restarts, self.jobs))

    def expect(self, sexton):
        self.equal(self.new, set(), "no finding at all")
        incidents = sexton.ask("incidents", fresh=True)["incidents"]
        ours = [one for one in incidents if not all(self.foreign_finding(each) for each in one["findings"])]
        self.equal(ours, [], "no incident, not one")
        told = [one for one in self.hook.told if not all(self.foreign_finding(each) for each in one["findings"])]
        self.equal(told, [], "nobody was told anything")

    def _deploy(self, number):
        """A new configuration of the API and the worker, as a person's `up -d` after an edit."""
        with open(self.file) as file:
            stack = json.load(file)
        for name in ("api", "worker"):
            stack["services"][name]["environment"] = {"RELEASE": str(number)}
        with open(self.file, "w") as file:
            json.dump(stack, file)
        self._compose("up", "-d")
        self._adopt()

    def _api(self):
        return next(one for one in self.containers if f"{PROJECT}_api" in one.name)

    def _cron(self):
        body = {"Cmd": CRON, "AttachStdout": True}
        made = self.engine.api("POST", f"/containers/{self._api().id}/exec", body)
        self.engine.api("POST", f"/exec/{made['Id']}/start", {"Detach": False}, raw=True)

    def _chore(self, command):
        self.jobs += 1
        job = self.engine.run(f"{self.name}-job{self.jobs}", command, mount=self.lab.workloads)
        wait_until(lambda: self._look() and job.inspect()["State"]["Status"] == "exited", 60, f"the end of {command}")
        code = job.inspect()["State"]["ExitCode"]
        if code not in (0, 124):  # 124: a build that is still going after its share of the hour
            self.broken.append((command, code, job.logs()[-300:]))
        job.remove()
