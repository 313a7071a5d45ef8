"""The black box on cgroup v2: what goes on in a group when a finding about it becomes critical."""

import subprocess
import sys
import tempfile

from case import case

CULPRIT = "/t/tests/integration/groups/culprit.py"


def captures(t, service):
    """Of the incident that has a finding about the service."""
    for one in t.sexton.ask("incidents")["incidents"]:
        if any(finding["service"] == service for finding in one["findings"]):
            _, answer, _ = t.verb("incidents", str(one["id"]), "--blackbox")
            return (answer or {}).get("captures", [])
    return []


@case("who ran and who was blocked, and where, when it became critical", detect={"zombie_leak": {"for": "0s", "critical_count": 3}})
def blackbox(t):
    with t.group("culprit") as group, tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, CULPRIT, "3", f"{folder}/fifo"]
        subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=group._enter)
        found = t.eventually(lambda: captures(t, group.service), "its incident has a capture")
        if not found:
            return
        one = found[0]
        own = [p for p in one["processes"] if p["service"] == group.service]
        t.equal([p["zombies"] for p in own if p["zombies"]], [3], "the holder is shown, with what it holds")
        t.equal(sorted({p["state"] for p in own if p["state"] in ("R", "D", "Z")}), ["D", "R", "Z"], "all states are seen")
        blocked = [task for task in one["tasks"] if task["service"] == group.service and task["state"] == "D"]
        t.equal(one["stacks"], "read", "the kernel shows stacks")
        t.check(blocked and "clone" in " ".join(blocked[0]["stack"]), "and where the blocked one is", blocked)
        t.check(one["services"][0]["psi"]["cpu"] is not None, "with the group's own pressure", one["services"][0])
        t.check(one["kernel_log"] and one["kernel_log_error"] is None, "and the kernel's log")
