"""Fire drills on cgroup v2 and nothing else."""

import concurrent.futures
import os

from case import case

FOLDERS = ("/sys/fs/cgroup", "/run")
KINDS = ("zombies", "restart-loop", "saturation", "memory", "disk", "engine-hung")


@case("fire drills work on version 2 of control groups, and leave nothing", incident={"calm": "1s"})
def fire_drills(t):
    words = {kind: ["drill", kind, *(["--act"] if kind == "zombies" else [])] for kind in KINDS}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        drills = {kind: pool.submit(t.verb, *words[kind], timeout=180) for kind in KINDS}
    for kind, drill in drills.items():
        code, answer, complaint = drill.result()
        steps = {step["step"]: step for step in (answer or {"steps": []})["steps"] if step["state"] == "done"}
        t.equal(code, 0, f"{kind}: exit code 0 {complaint} {answer if code else ''}")
        t.check("cleaned up" in steps and ("undone" in steps) == (kind == "zombies"), f"{kind}: to the end")
    left = [name for folder in FOLDERS for name in os.listdir(folder) if name.startswith("sexton-drill-")]
    t.equal(left, [], "nothing is left")
