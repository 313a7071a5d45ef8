"""What the v2 controllers count, and what Sexton makes of it: CPU and throttling, memory and OOM, pids, pressure."""

from case import case

MB = 1 << 20


def pressure(group, resource):
    """`some avg10` of a group, 0..1."""
    return float(group.read(f"{resource}.pressure").split("avg10=")[1].split()[0]) / 100


@case("CPU, throttling and pressure of a service are those of its group's cpu.stat and cpu.pressure")
def throttled(t):
    with t.group("squeezed") as group:
        group.write("cpu.max", "20000 100000")
        group.start("zoo", "burn")
        t.eventually(lambda: 0.17 < (t.service(group).get("cpu_ratio") or 0) < 0.23, "its share of the CPU is its quota")
        t.eventually(lambda: (t.service(group)["throttled_seconds"] or 0) > 1, "it is seen to be throttled")
        t.eventually(lambda: (t.service(group)["psi"]["cpu"] or 0) > 0.3, "its pressure is seen")
        # The counters are as old as the last look, which is some seconds ago at most.
        for key, counter in (("cpu_seconds", "usage_usec"), ("throttled_seconds", "throttled_usec")):
            t.becomes(
                lambda key=key, counter=counter: abs(t.service(group)[key] - group.number("cpu.stat", counter) / 1e6) < 0.25,
                True, f"{key} is {counter}",
            )  # fmt: skip
        t.becomes(lambda: abs(t.service(group)["psi"]["cpu"] - pressure(group, "cpu")) < 0.1, True, "psi.cpu is cpu.pressure")


@case("a group that runs into memory.max: the limit, the kills, and who it was")
def out_of_memory(t):
    with t.group("hungry") as group:
        group.write("memory.max", 32 * MB)
        group.start("zoo", "oom", 64, 2, 0.5)
        t.eventually(lambda: group.number("memory.events", "oom_kill") == 2, "the kernel kills in it twice")
        t.becomes(lambda: t.service(group).get("oom_kills"), 2, "both kills are counted")
        t.equal(t.service(group)["memory_limit_bytes"], 32 * MB, "its limit is memory.max")
        found = t.eventually(lambda: t.finding("oom", group.service), "a finding names it")
        t.equal((found or {}).get("culprit"), group.service, "it is the culprit")
        kinds = [one["kind"] for one in t.sexton.ask("events")["events"] if one["service"] == group.service]
        t.check("oom" in kinds, "the event is there", kinds)


@case("a group near its memory.max is found before the kernel kills in it")
def memory_near_limit(t):
    with t.group("greedy") as group:
        group.write("memory.max", 64 * MB)
        group.write("memory.high", "max")
        group.start("zoo", "ballast", 61)
        t.eventually(lambda: group.number("memory.current") > 60 * MB, "it holds 60 of its 64 MB")
        found = t.eventually(lambda: t.finding("memory", group.service), "a finding names it")
        t.check("memory limit" in (found or {}).get("text", ""), "and its limit", found)
        t.near(t.service(group)["memory_bytes"], group.number("memory.current"), 0.05, "memory_bytes is memory.current")


@case("zombies fill pids.max: counted by the kernel, by Sexton, and told of")
def pids(t):
    with t.group("leaky") as group:
        group.write("pids.max", 24)
        group.start("zoo", "leak", 20, 0.02)
        t.eventually(lambda: group.number("pids.current") == 22, "20 dead count towards its limit")
        found = t.eventually(lambda: t.finding("pids", group.service), "a finding names it")
        service = t.service(group)
        t.equal((service["pids"], service["pids_limit"]), (22, 24), "pids and limit are those of the controller")
        t.equal((found or {}).get("culprit"), group.service, "it is the culprit")
