"""A daemon that says what a test wants: the real one's page and files, and made-up answers below /sexton/v1/.

    fixture.py PROGRAM [PORT]        serves the trouble of `incident_world` to look at
"""

import http.client
import http.server
import json
import random
import re
import sys
import threading
import time
import urllib.parse
from datetime import datetime, timezone

MINUTE, HOUR = 60, 3600
MB = 1 << 20


def stamp(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(seconds % 1 * 1000):03d}Z"


class World:
    """What the made-up daemon knows; tests change it while it runs."""

    def __init__(self):
        self.start = time.time()
        self.services = []
        self.by_holder = []
        self.holders = None
        self.dead = {}  # holder pid -> zombies
        self.incidents = []
        self.events = []
        self.gaps = []
        self.pending = []
        self.load = [0.3, 0.25, 0.2]
        self.cpu, self.memory = 0.04, 0.38
        self.psi = {"cpu": 0.01, "memory": 0.0, "io": 0.002}
        self.series = None  # function of (service, name, time); None = no history
        self.broken = None  # (status, text) for every answer
        self.zombie_answers = []  # how many zombies each answer listed
        self.may_change, self.token, self.secret = "token", "correct-horse-battery", "0123456789abcdef"
        self.orders = []  # what was to be done, dry runs too
        self.refusal = None  # (status, text) of the guard
        self.actions = []  # the newest first
        self.breaker = {"open": False, "forced": None, "opened": 0, "changed_at": None, "service": None, "text": None}

    def event(self, ago, kind, service, text, pid=None):
        self.events.append({"id": len(self.events) + 1, "time": stamp(self.start - ago), "kind": kind, "service": service,
                            "pid": pid, "text": text, "data": {}})  # fmt: skip

    # ---- answers ----

    def answer(self, verb, query):
        make = getattr(self, f"_{verb}", None)
        return make(query) if make else None

    def _status(self, _):
        zombies = sum(h["count"] for h in self.by_holder)
        return {
            "time": stamp(time.time()), "version": "0.1.0",
            "host": {"name": "odin-vm", "cpus": 2, "memory_bytes": 4128768000, "kernel": "6.1.0-28-amd64",
                     "boot_time": stamp(self.start - 37 * HOUR), "pid_max": 32768, "tasks": 212},
            "load": self.load, "cpu_busy_ratio": self.cpu, "memory_used_ratio": self.memory, "psi": self.psi,
            "cpu": {"services_ratio": self.cpu * 1.9, "kernel_ratio": 0.01, "unattributed_ratio": 0.0},
            "zombies": zombies, "leaders": 0, "services": len(self.services),
            "incidents_open": sum(n["state"] == "open" for n in self.incidents), "grace": 10, "findings": [], "pending": self.pending,
            "mounts": [{"path": "/", "size_bytes": 63 << 30, "free_bytes": 35 << 30, "inodes": 1, "inodes_free": 1}],
            "gaps": self.gaps, "gaps_total": len(self.gaps),
            "sources": {"lifecycle": "netlink+bpf", "engine": "docker", "engine_text": "20.10.24", "cgroup": "v2",
                        "why_not_netlink": None, "why_not_bpf": None},
            "self": {"guard_rss_bytes": 3.1 * MB, "recorder_rss_bytes": 4.4 * MB, "engine_rss_bytes": 1.2 * MB, "cpu_ratio": 0.0006},
        }  # fmt: skip

    def _services(self, query):
        only = query.get("service")
        return {"services": [s for s in self.services if only in (None, s["service"])], "unattributed": {"cpu_ratio": 0.0}}

    def _zombies(self, query):
        limit = int(query.get("limit", 65536))
        holders = [h for h in self.by_holder if query.get("service") in (None, h["service"])]
        if "holder" in query:
            holders = [h for h in holders if h["holder"]["pid"] == int(query["holder"])]
        listed = [] if "summary" in query else [z for h in holders for z in self.dead.get(h["holder"]["pid"], [])][:limit]
        self.zombie_answers.append(len(listed))
        shown = holders[:limit] if "summary" in query else holders
        return {"total": sum(h["count"] for h in self.by_holder), "zombies": listed, "holders": len(holders), "by_holder": shown}

    def _incidents(self, query):
        wanted = [n for n in self.incidents if query.get("state") in (None, n["state"]) and query.get("id") in (None, str(n["id"]))]
        return {"incidents": wanted[: int(query.get("limit", 1000))]}

    def _events(self, query):
        after, limit = int(query.get("after", 0)), int(query.get("limit", 1000))
        matching = [e for e in self.events if e["id"] > after and query.get("service") in (None, e["service"])]
        return {"events": matching[:limit] if after else matching[-limit:], "matching": len(matching), "lost": 0}

    def _actions(self, query):
        for one in self.actions:  # what was asked for is done at the next look
            if one["state"] == "asked":
                one.update(state="done", stands=False, ended_at=stamp(time.time()), result="stopped; docker start brings it back")
        wanted = [a for a in self.actions if query.get("service") in (None, a["service"]) and query.get("id") in (None, str(a["id"]))]
        return {"actions": wanted[: int(query.get("limit", 128))], "breaker": self.breaker}

    def session(self, authorization):
        """(status, answer)"""
        known = authorization == f"Bearer {self.token}"
        if authorization and not known:
            return 401, {"status": 401, "error": "this is not the token"}
        may = "yes" if known else self.may_change
        why = {"no": "over TCP nothing can be changed: it takes a token, and none is configured"}.get(may)
        return 200, {"may_change": may, "who": "token" if known else None, "why": why, "anti_forgery": self.secret}

    def order(self, body, headers):
        """What the real one makes of a POST; (status, answer)"""
        if self.may_change != "yes" and headers.get("Authorization") != f"Bearer {self.token}":
            return 401, {"status": 401, "error": "this is not the token"}
        if headers.get("X-Sexton-Anti-Forgery") != self.secret or not headers.get("Origin"):
            return 403, {"status": 403, "error": "X-Sexton-Anti-Forgery is missing or from before a restart"}
        self.orders.append(body)
        if self.refusal:
            return self.refusal[0], {"status": self.refusal[0], "error": self.refusal[1], "results": [], "actions": []}
        kinds = {"limit": [k for k in ("cpus", "memory", "pids", "weight") if k in body]}.get(body["action"], [body["action"]])
        dry, what = body.get("dry_run", False), body.get("service") or body.get("id") or body.get("state")
        rows = [] if dry else self._do(body, kinds)
        results = [
            {"kind": k, "done": True, "id": None if dry or not rows else rows[0]["id"],
             "text": f"{k} of {what}: {'would be ' if dry else ''}done for 10m00s (freezer.state from THAWED to FROZEN in 1 control group)"}
            for k in kinds
        ]  # fmt: skip
        return 200, {"action": body["action"], "dry_run": dry, "results": results, "actions": rows}

    def _do(self, body, kinds):
        now, action = time.time(), body["action"]
        gone = {"thaw": lambda a: a["service"] == body["service"] and a["kind"] == "freeze", "release": lambda a: a["service"] == body["service"],
                "undo": lambda a: a["id"] == body["id"]}.get(action)  # fmt: skip
        if gone:
            for one in filter(gone, self.actions):
                one.update(state="undone", stands=False, remaining=None, ended_at=stamp(now), result="asked for by token")
            return []
        if action == "breaker":
            self.breaker.update(open=body["state"] == "open", forced=body["state"], text="a person has said so")
            return []
        made = [
            action_row(len(self.actions) + 1 + i, kind, body["service"], now, body.get("seconds"), body.get("reason") or "by hand")
            for i, kind in enumerate(kinds)
        ]
        self.actions[:0] = made
        return made

    def _history(self, query):
        if not self.series:
            return None
        begin, end = (datetime.fromisoformat(query[name].replace("Z", "+00:00")).timestamp() for name in ("from", "to"))
        points = min(int(query.get("points", 300)), max(2, int((end - begin) / 10)))
        times = [begin + (end - begin) * i / (points - 1) for i in range(points)]
        service = query.get("service")
        names = ["cpu_ratio", "load1", "memory_bytes", "zombies", "processes", "psi_cpu", "psi_memory", "psi_io"]
        if service is None:
            names = ["load1", "cpu_busy_ratio", "memory_used_ratio", "zombies", "psi_cpu", "psi_memory", "psi_io"]
        return {"service": service, "from": query["from"], "to": query["to"], "step": (end - begin) / points,
                "times": [stamp(t) for t in times],
                "series": {name: [self.series(service, name, t) for t in times] for name in names}}  # fmt: skip


def service(name, kind="compose", **more):
    base = {
        "service": name, "kind": kind, "id": None, "image": None, "state": "running" if kind != "systemd" else None,
        "processes": 4, "threads": 9, "zombies": 0, "leaders": 0, "held": 0, "cpu_ratio": 0.01, "cpu_seconds": 120.5,
        "cpu_seconds_exited": 3.25, "load": 0.01, "memory_bytes": 60 * MB, "memory_limit_bytes": None, "pids": 9,
        "pids_limit": None, "psi": {"cpu": 0.0, "memory": 0.0, "io": 0.0}, "throttled_seconds": 0, "oom_kills": 0, "restarts": 0,
        "restarts_last_hour": 0, "health": None,
        "health_checks": {"runs": 0, "timeouts": 0, "failures": 0, "cpu_seconds": 0, "command": None},
        "forks": 100, "deaths": 90, "fork_rate": 0.1, "deployed_at": None,
    }  # fmt: skip
    return {**base, **more}


def action_row(number, kind, name, taken, seconds=None, reason="by hand", **more):
    ends = kind in ("stop", "restart", "bury")
    base = {
        "id": number, "kind": kind, "state": "asked" if ends else "active", "stands": True, "helped": None, "service": name, "finding": None,
        "reasserted": 0, "value": None, "unit": None, "taken_at": stamp(taken), "until": None if ends else stamp(taken + (seconds or 600)),
        "ended_at": None, "remaining": None if ends else seconds or 600, "who": "token", "reason": reason, "previous": None, "result": None,
        "measures": [],
    }  # fmt: skip
    return {**base, **more}


def zombie(pid, holder_pid, name, age=100.0, **more):
    base = {
        "pid": pid, "start_time": stamp(time.time() - age - 1), "died_at": stamp(time.time() - age), "age": age, "kind": "orphan",
        "command": "/usr/bin/python3 /usr/bin/celery -A app inspect ping", "exit_code": 0, "signal": None, "cpu_seconds": 0.44,
        "threads": 1, "service": name, "origin": "healthcheck",
        "holder": {"pid": holder_pid, "command": "celery -A app worker", "service": name, "is_pid1": True},
    }  # fmt: skip
    return {**base, **more}


REMEDY = (
    "Give odin/celery-worker a PID 1 that reaps (`init: true`, or `docker run --init`); give the health check in exec form "
    '(`test: ["CMD", ...]`, or `exec` before the command), with a timeout longer than it takes under load. A restart of '
    "odin/celery-worker clears what is there."
)
WHY = (
    "It was born of a health check, whose process ended first; so it fell to python3 /usr/bin/celery -A app worker "
    "--concurrency 2 (pid 4711), PID 1 there, which doesn't wait for children that aren't its own (it has no handler for SIGCHLD)."
)


def calm_world():
    """A healthy host."""
    world = World()
    for name, image, cpu, memory, processes in (
        ("odin/postgres", "postgres:16.4", 0.06, 212, 14), ("odin/web", "odin/web:2024.11", 0.04, 96, 5), ("odin/redis", "redis:7.4", 0.02, 19, 1),
        ("odin/caddy", "caddy:2.8", 0.01, 31, 1), ("odin/flower", "mher/flower:2.0", 0.01, 74, 1),
    ):  # fmt: skip
        world.services.append(service(name, image=image, health="healthy", cpu_ratio=cpu, load=cpu * 1.1, memory_bytes=memory * MB, processes=processes))
    for name, cpu, memory, processes in (("docker.service", 0.03, 118, 2), ("containerd.service", 0.02, 57, 12), ("ssh.service", 0, 6, 1),
                                         ("systemd-journald.service", 0, 22, 1), ("cron.service", 0, 2, 1)):  # fmt: skip
        world.services.append(service(name, "systemd", cpu_ratio=cpu, load=cpu, memory_bytes=memory * MB, processes=processes))
    world.series = lambda name, what, at: noise(what, at) * (1 if what != "memory_bytes" else 60 * MB)
    return world


NORMAL = {"memory_bytes": 1.0, "memory_used_ratio": 0.38, "zombies": 0, "processes": 9, "psi_memory": 0.001, "psi_io": 0.004,
          "psi_cpu": 0.02, "load1": 0.28}  # fmt: skip


def wave(what, at):
    """Between 0 and 1, never twice the same, but the same for the same moment."""

    def point(k):
        return random.Random(f"{what} {k}").random()

    k, part = divmod(at / 40, 1)
    return (point(k) * (1 - part) + point(k + 1) * part) * 0.7 + random.Random(f"{what} {at // 10}").random() * 0.3


def noise(what, at):
    calm = what in ("memory_bytes", "memory_used_ratio", "zombies", "processes")
    return NORMAL.get(what, 0.12) * (1 + (0.03 if calm else 1.2) * (wave(what, at) - 0.5))


def incident_world():
    """The Celery worker whose health check leaves zombies, and the noisy API beside it."""
    world = calm_world()
    began = world.start - 47 * MINUTE
    grown = lambda at: max(0.0, (at - began) / MINUTE)  # noqa: E731
    world.load, world.cpu, world.memory = [4.21, 3.87, 2.61], 0.971, 0.734
    world.psi = {"cpu": 0.43, "memory": 0.021, "io": 0.008}
    worker = service(
        "odin/celery-worker", image="odin/app:2024.11", zombies=141, held=141, cpu_ratio=1.71, load=3.62, processes=23, threads=71,
        memory_bytes=612 * MB, memory_limit_bytes=768 * MB, pids=164, pids_limit=4096, cpu_seconds=4411.0, cpu_seconds_exited=3790.0,
        health="unhealthy", deployed_at=stamp(began - 4 * MINUTE), psi={"cpu": 0.61, "memory": 0.08, "io": 0.0}, fork_rate=1.4,
        health_checks={"runs": 281, "timeouts": 140, "failures": 3, "cpu_seconds": 3688.0, "shell": True,
                       "command": "celery -A app inspect ping -d celery@$HOSTNAME"},
    )  # fmt: skip
    api = service("odin/api", image="odin/app:2024.11", state="restarting", restarts=38, restarts_last_hour=31, processes=1,
                  cpu_ratio=0.02, memory_bytes=41 * MB, load=0.04)  # fmt: skip
    world.services = [worker, api, *world.services]
    world.by_holder = [{
        "holder": {"pid": 4711, "command": "python3 /usr/bin/celery -A app worker --concurrency 2 --loglevel warning",
                   "service": "odin/celery-worker", "is_pid1": True},
        "service": "odin/celery-worker", "count": 141, "per_hour": 180, "pids_limit": 4096, "exhausted_in": 78300.0,
        "kind": "orphan", "origin": "healthcheck", "why": WHY, "remedy": REMEDY,
    }]  # fmt: skip
    world.dead = {4711: [zombie(5000 + 7 * i, 4711, "odin/celery-worker", 20.0 * (i + 1)) for i in range(141)]}

    def series(name, what, at):
        if name is None:
            if what == "zombies":
                return round(3 * grown(at))
            rise = min(1.0, grown(at) / 20)
            end = {"load1": 4.2, "cpu_busy_ratio": 0.97, "memory_used_ratio": 0.73, "psi_cpu": 0.43, "psi_memory": 0.02, "psi_io": 0.008}[what]
            return noise(what, at) * (1 - rise) + end * rise * (1 + (0.02 if what == "memory_used_ratio" else 0.25) * (wave(what, at) - 0.6))
        if name == "odin/celery-worker":
            rise = min(1.0, grown(at) / 18)
            value = {"zombies": round(3 * grown(at)), "processes": 7 + round(16 * rise), "memory_bytes": (210 + 400 * rise) * MB,
                     "cpu_ratio": 0.15 + 1.55 * rise, "load1": 0.1 + 3.5 * rise, "psi_cpu": 0.61 * rise, "psi_memory": 0.08 * rise,
                     "psi_io": 0.001}[what]  # fmt: skip
            spread = {"zombies": 0, "processes": 0, "memory_bytes": 0.03}.get(what, 0.25)
            return value * (1 + spread * (wave(what, at) - 0.5))
        return noise(what, at) * (60 * MB if what == "memory_bytes" else 1)

    world.series = series
    world.event(51 * MINUTE, "deploy", "odin/celery-worker", "a new container with image odin/app:2024.11")
    world.event(51 * MINUTE - 1, "start", "odin/celery-worker", "container started")
    for i in range(14):
        ago = 46 * MINUTE - i * 190
        world.event(ago, "health_timeout", "odin/celery-worker", "its health check took longer than 10 s and was killed")
        world.event(ago - 10, "zombie", "odin/celery-worker", f"python3 (pid {5000 + 7 * i}) isn't buried by pid 4711", 5000 + 7 * i)
        world.event(ago - 60, "die", "odin/api", "container died: exit 1")
        world.event(ago - 62, "restart", "odin/api", "started again by its restart policy")
    world.event(30, "exit", "cron.service", "sh: exit 0, 3 like it")
    world.event(21, "health_ok", "odin/redis", "healthy")
    world.events.sort(key=lambda e: e["time"])
    for number, one in enumerate(world.events, 1):
        one["id"] = number
    evidence = lambda *texts: [{"time": stamp(world.start - 60), "text": t, "value": None, "unit": None} for t in texts]  # noqa: E731
    moment = lambda ago, kind, name, text: {"time": stamp(world.start - ago), "kind": kind, "service": name, "text": text}  # noqa: E731
    world.incidents = [
        {
            "id": 12, "state": "open", "severity": "critical", "severity_peak": "critical", "opened_at": stamp(began + 20), "resolved_at": None,
            "duration": 46.7 * MINUTE, "reopened": 0, "merged_into": None, "confidence": 0.95, "timeline_left_out": 0, "title": "odin/celery-worker holds 141 zombies, 180 more every hour", "culprit": "odin/celery-worker",
            "verdict": "Its health check times out; the runtime kills the shell above `celery inspect ping`, which lives on, burns 1.3 cores "
                       "and ends as a zombie of a PID 1 that never waits for it.",
            "remedy": [REMEDY, "Give the health check of odin/celery-worker a timeout longer than it takes under load and an interval longer still."],
            "findings": [
                {"id": 31, "detector": "zombie_leak", "service": "odin/celery-worker", "since": stamp(began), "severity": "critical", "open": True,
                 "text": "celery (pid 4711, PID 1 there) doesn't wait for 141 zombies", "runbook": "zombie-leak", "remedy": REMEDY,
                 "evidence": evidence("141 held, older than the grace period", "141 of 141: origin healthcheck",
                                      "180 more per hour: the limit of 4096 pids is reached in about 22 hours")},
                {"id": 32, "detector": "health_check", "service": "odin/celery-worker", "since": stamp(began), "severity": "warning", "open": True,
                 "text": "its health check timed out 140 times and used 3,688 s of CPU", "runbook": "health-check", "remedy": "",
                 "evidence": evidence("49 time-outs in the last 10 min", "the last probe took 10.0 s")},
                {"id": 33, "detector": "saturation", "service": "odin/celery-worker", "since": stamp(began + 900), "severity": "critical", "open": True,
                 "text": "load 4.2 on 2 cores for 12 min; odin/celery-worker has 3.6 of it", "runbook": "saturation", "remedy": "",
                 "evidence": evidence("something waits for a CPU 43 % of the time")},
            ],
            "suspects": [
                {"service": "odin/celery-worker", "score": 0.95, "why": ["holds 141 of 141 zombies past the grace period", "used 86 % of the CPU",
                 "has 3.6 of the load of 4.2"], "refuted": False},
                {"service": "odin/api", "score": 0.04, "why": ["restarts in a loop"], "refuted": True,
                 "refutation": "it restarts in a loop (31 times), but used 1.6 of 5,127 CPU s and holds no zombie: a defect of its own, not what is killing the host"},
            ],
            "refuted": [{"hypothesis": "the zombies burn the CPU", "because": "a zombie uses none and doesn't count in the load"}],
            "timeline": [
                moment(51 * MINUTE, "deploy", "odin/celery-worker", "a new container with image odin/app:2024.11"),
                {**moment(46 * MINUTE, "health_timeout", "odin/celery-worker", "140 times, last: it took longer than 10 s and was killed"),
                 "until": stamp(world.start - 8), "count": 140},
                moment(45.7 * MINUTE, "opened", "odin/celery-worker", "3 zombies are held by pid 4711"),
                moment(31 * MINUTE, "threshold", None, "load above 1.5 per core"), moment(28 * MINUTE, "severity", None, "warning became critical"),
                moment(28 * MINUTE, "notified", None, "hook: delivered"), moment(9 * MINUTE, "finding", "odin/celery-worker", "79 % of its memory limit in use"),
            ],
            "resource": [{"name": name, "service": of, "unit": unit, "normal": normal, "peak": peak, "after": None} for name, of, unit, normal, peak in (
                ("cpu_ratio", "odin/celery-worker", "cores", 0.15, 1.81), ("memory_bytes", "odin/celery-worker", "bytes", 210 * MB, 615 * MB),
                ("zombies", "odin/celery-worker", "processes", 0, 141), ("load1", None, "load", 0.3, 4.4), ("memory_used_ratio", None, "ratio", 0.38, 0.74))],
            "actions": [],
        },
        {
            "id": 13, "state": "open", "severity": "warning", "opened_at": stamp(began + 300), "resolved_at": None, "culprit": "odin/api",
            "title": "odin/api restarted 31 times within an hour, exit code 1", "verdict": None, "remedy": [],
            "findings": [{"id": 34, "detector": "restart_loop", "service": "odin/api", "severity": "warning", "open": True, "since": stamp(began),
                          "text": "31 restarts within an hour, exit code 1", "evidence": evidence("the last one lived for 0.6 s"),
                          "runbook": "restart-loop", "remedy": "Read its first error: docker logs odin_api_1"}],
            "suspects": [], "timeline": [], "actions": [],
        },
        {
            "id": 9, "state": "resolved", "severity": "warning", "opened_at": stamp(world.start - 30 * HOUR), "culprit": None,
            "resolved_at": stamp(world.start - 29 * HOUR), "title": "/ was 91 % full", "findings": [], "suspects": [], "actions": [],
        },
    ]  # fmt: skip
    world.gaps = [{"from": stamp(world.start - 21 * MINUTE), "to": stamp(world.start - 20.5 * MINUTE), "source": "netlink", "missed": 312,
                   "text": "the socket's buffer was full"}]  # fmt: skip
    return world


def held_back_world():
    """The same host, when something has been done about it."""
    world = incident_world()
    now, name = world.start, "odin/celery-worker"
    quota = {"value": 0.5, "unit": "cores", "who": "ladder", "previous": "cpu.max max 100000"}
    world.actions = [
        action_row(4, "freeze", name, now - 40, 600, "is it the worker?", who="root", remaining=560),
        action_row(3, "quota", name, now - 300, 900, "load 4.21 on 2 cores, 86 % of it theirs", helped=True, remaining=600, **quota),
        action_row(2, "weight", name, now - 420, 600, "load 4.10 on 2 cores", helped=False, value=10, unit="of 100", who="ladder", state="undone",
                   stands=False, ended_at=stamp(now - 300), remaining=None, result="the next step is taken"),
        action_row(1, "stop", "ssh.service", now - 500, None, "no", state="refused", stands=False, ended_at=stamp(now - 500),
                   result="never touched: process 700 (sshd) is a way into this host"),
    ]  # fmt: skip
    world.incidents[0]["actions"] = world.actions[:3][::-1]
    return world


def crowd_world(services=200, zombies=10000):
    """Many services and zombies, all of whose figures change all the time."""
    world = calm_world()
    world.services = [service(f"project-{i % 20}/service-{i:03d}", image=f"registry/app-{i}:1.{i}") for i in range(services)]
    held = zombies // 50
    for i in range(50 if zombies else 0):
        name = world.services[i]["service"]
        world.services[i].update(zombies=held, held=held)
        world.by_holder.append({
            "holder": {"pid": 1000 + i, "command": f"worker {i}", "service": name, "is_pid1": True}, "service": name, "count": held,
            "per_hour": 10 + i, "pids_limit": 4096, "exhausted_in": 9999.0, "kind": "orphan", "origin": "task", "why": WHY, "remedy": REMEDY,
        })  # fmt: skip
        world.dead[1000 + i] = [zombie(100000 + 1000 * i + k, 1000 + i, name, 10.0 + k) for k in range(held)]
    return world


def stir(world):
    """Changes every figure of every service, and the order of half of them."""
    for one in world.services:
        one.update(cpu_ratio=random.random() * 2, load=random.random(), memory_bytes=random.randrange(1 << 30),
                   processes=random.randrange(1, 300), restarts=random.randrange(20))  # fmt: skip
    for one in world.by_holder:
        one["count"] += random.randrange(3)


# ---- serving ----


def real_files(listen):
    """The page and its files as the real daemon gives them: {path: (headers, body)}."""
    host, port = listen.rsplit(":", 1)

    def get(path):
        connection = http.client.HTTPConnection(host, int(port), timeout=20)
        connection.request("GET", path, headers={"Accept": "text/html,*/*;q=0.1", "Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return [(k, v) for k, v in answer.getheaders() if k.lower() not in ("connection", "date", "content-length")], body

    import gzip

    files = {"/": get("/")}
    page = gzip.decompress(files["/"][1]).decode()
    for path in set(re.findall(r'"(/assets/[^"]+)"', page)) | {"/assets/uplot.js", "/assets/uplot.css"}:
        files[path] = get(path)
    return files


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path in self.server.files:
            headers, body = self.server.files[url.path]
            return self._send(200, headers, body)
        status, answer = 404, {"status": 404, "error": "no such path"}
        if url.path.startswith("/sexton/v1/"):
            world = self.server.world
            query = {k: v[0] for k, v in urllib.parse.parse_qs(url.query).items()}
            if url.path.endswith("/session"):
                return self._json(*world.session(self.headers.get("Authorization")))
            made = world.answer(url.path.rsplit("/", 1)[1], query)
            if world.broken:
                status, answer = world.broken[0], {"status": world.broken[0], "error": world.broken[1]}
            elif made is not None:
                status, answer = 200, made
        return self._json(status, answer)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/sexton/v1/actions":
            return self._json(404, {"status": 404, "error": "no such path"})
        return self._json(*self.server.world.order(body, self.headers))

    def _json(self, status, answer):
        return self._send(status, [("Content-Type", "application/json")], json.dumps(answer).encode())

    def _send(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Fixture(http.server.ThreadingHTTPServer):
    """The made-up daemon on a free port, in a thread; stop() closes its port, start() opens the same one again."""

    daemon_threads = True

    def __init__(self, files, world, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.files = files
        self.world = world
        self.port = self.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self._open = set()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def process_request(self, request, address):
        self._open.add(request)
        super().process_request(request, address)

    def shutdown_request(self, request):
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, address):
        pass  # a browser that goes away is no error here

    def stop(self):
        self.shutdown()
        self.server_close()
        for request in list(self._open):
            super().shutdown_request(request)


def main():
    from daemon import Daemon

    with Daemon(sys.argv[1]) as daemon:
        server = Fixture(real_files(daemon.listen), incident_world(), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
