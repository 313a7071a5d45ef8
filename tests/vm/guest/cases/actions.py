"""Actions on the v2 controllers: what they write, that it is put back exactly, and what becomes of it when guards die."""

import os
import signal

from case import case

MB = 1 << 20
FILES = ("cgroup.freeze", "cpu.weight", "cpu.max", "memory.high", "pids.max")
# Others' settings that must come back, none of them the default.
BEFORE = {"cpu.weight": "80", "cpu.max": "90000 100000", "memory.high": str(900 * MB), "pids.max": "300"}
ALONE = {"act_only_in": ["/acted"]}


def prepared(t, group):
    """Something busy in the group, whose limits are somebody's."""
    for name, value in BEFORE.items():
        group.write(name, value)
    group.start("zoo", "burn")
    t.eventually(lambda: (t.service(group) or {}).get("processes"), "the service is known")
    return values(group)


def values(group):
    return {name: group.read(name) for name in FILES}


def acts(t, *words):
    code, answer, complaint = t.verb(*words)
    return t.check(code == 0, f"sexton {words[0]} is taken", (code, answer, complaint))


@case("each action writes what v2 has for it, and its end puts back what was there", **ALONE)
def written_and_put_back(t):
    wanted = [
        (("freeze",), "cgroup.freeze", "1"),
        (("limit", "--weight", "10"), "cpu.weight", "10"),
        (("limit", "--cpus", "0.25"), "cpu.max", "25000 100000"),
        (("limit", "--memory", "256m"), "memory.high", str(256 * MB)),
        (("limit", "--pids", "50"), "pids.max", "50"),
    ]
    with t.group("acted") as group:
        before = prepared(t, group)
        for (verb, *options), name, value in wanted:
            acts(t, verb, group.service, *options)
            t.becomes(lambda name=name: group.read(name), value, f"{name} is {value}")
            others = {key: text for key, text in values(group).items() if key != name}
            t.equal(others, {key: text for key, text in before.items() if key != name}, "and nothing else is changed")
            if verb == "freeze":
                t.becomes(lambda: group.number("cgroup.events", "frozen"), 1, "its tasks stand still")
            acts(t, "release", group.service)
            t.becomes(lambda: values(group), before, f"{name} is as before after release")


@case("what is reverted is put back, what somebody else sets stays, and time ends it", **ALONE)
def kept_and_ended(t):
    with t.group("acted") as group:
        before = prepared(t, group)
        acts(t, "limit", group.service, "--cpus", "0.25")
        t.becomes(lambda: group.read("cpu.max"), "25000 100000", "the quota is set")
        group.write("cpu.max", BEFORE["cpu.max"])
        t.becomes(lambda: group.read("cpu.max"), "25000 100000", "what is reverted is set again")
        group.write("cpu.max", "70000 100000")
        acts(t, "release", group.service)
        t.equal(group.read("cpu.max"), "70000 100000", "what somebody else has set stays")
        group.write("cpu.max", BEFORE["cpu.max"])
        acts(t, "freeze", group.service, "--for", "2s")
        t.becomes(lambda: group.number("cgroup.events", "frozen"), 1, "it is frozen for two seconds")
        t.becomes(lambda: values(group), before, "and thawed when they are over")


@case("an action outlives the guard, and not its silence", **ALONE)
def guards(t):
    with t.group("acted") as group:
        before = prepared(t, group)
        acts(t, "freeze", group.service, "--for", "10m")
        acts(t, "limit", group.service, "--pids", "50")
        t.check(t.kill_guard(), "a killed guard is replaced")
        t.equal((group.read("cgroup.freeze"), group.read("pids.max")), ("1", "50"), "the next one goes on with both")
        guard = t.sexton.ask("status")["self"]["guard_pid"]
        os.kill(guard, signal.SIGSTOP)
        t.becomes(lambda: values(group), before, "a guard that stands still: the dead-man undoes both")
        os.kill(guard, signal.SIGCONT)
        t.becomes(lambda: t.verb("freeze", group.service, "--for", "10m")[0], 0, "the guard that goes on acts again when asked")


@case("a service that ignores SIGTERM is ended all the same, frozen or not; others aren't touched", **ALONE)
def stopped(t):
    with t.group("acted") as group, t.group("other") as other:
        term = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as those inherit it that are started now
        prepared(t, group)
        signal.signal(signal.SIGTERM, term)
        other.start("zoo", "burn")
        t.eventually(lambda: (t.service(other) or {}).get("processes"), "another service is known")
        others = other.pids()
        code, answer, complaint = t.verb("stop", other.service)
        t.check(code == 1 and other.pids() == others, "what act_only_in doesn't name is refused", (code, answer, complaint))
        acts(t, "freeze", group.service)
        t.becomes(lambda: group.number("cgroup.events", "frozen"), 1, "it is frozen")
        acts(t, "stop", group.service)
        t.becomes(lambda: group.number("cgroup.events", "populated"), 0, "it is thawed, and ended")
        t.equal(other.pids(), others, "the other one lives")


@case(
    "whoever saturates the host is slowed, then frozen, and nobody else",
    mode="enforce", act_only_in=["/acted", "/innocent"], ladder={"saturation": ["quota", "freeze"]}, breaker={"enabled": False},
    steps={"quota": {"share": "95%", "hold": "2s"}, "freeze": {"hold": "5s"}},
)  # fmt: skip
def ladder(t):
    with t.group("acted") as group, t.group("innocent") as beside:
        beside.start("zoo", "idle")
        before = values(group)
        for _ in range(12):
            group.start("zoo", "burn")
        t.becomes(lambda: group.read("cgroup.freeze"), "1", "the crowd is frozen", timeout=90)
        t.equal(beside.read("cgroup.freeze"), "0", "its neighbour isn't")
        done = [one["text"] for one in t.sexton.ask("events")["events"] if one["kind"] == "action" and one["service"] == group.service]
        t.check(any("quota taken" in text for text in done), "after it was slowed", done)
        acts(t, "release", group.service)
        t.becomes(lambda: values(group), before, "a person's word undoes all")
