"""The host as a whole on this kernel: what Sexton finds itself to stand on, and who saturates it."""

import os

from case import case


@case("it runs on cgroup v2 alone, with every source that this kernel offers")
def sources(t):
    seen = t.sexton.ask("status")["sources"]
    t.equal(seen["cgroup"], "v2", "the version of cgroups is 2")
    t.check(os.path.exists("/sys/kernel/btf/vmlinux"), "the kernel tells its types")
    t.equal(seen["lifecycle"], "bpf", "BPF tells of lives")
    t.check(seen["psi_triggers"], "pressure triggers are set", seen)
    code, answer, complaint = t.verb("doctor")
    t.check(code in (0, 1) and answer, "doctor answers", complaint)


@case("a saturated host: the finding, the pressure, and the group that does it")
def saturation(t):
    with t.group("crowd") as group, t.group("innocent") as beside:
        beside.start("zoo", "idle")
        for _ in range(12):
            group.start("zoo", "burn")
        found = t.eventually(lambda: t.finding("saturation", None), "saturation is found", timeout=40)
        t.check("CPU pressure" in (found or {}).get("text", ""), "with the pressure", found)
        # What is left of others' load from before its start is nobody's, and fades.
        t.becomes(lambda: t.finding("saturation", None)["culprit"], group.service, "and the crowd becomes the culprit", timeout=60)
        t.check((t.service(group).get("psi") or {}).get("cpu"), "the group's own pressure is known")
