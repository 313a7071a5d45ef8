"""Results, kept from run to run so that one measurement can be repeated alone, printed, and written as a page."""

import dataclasses
import datetime
import json
import os
import platform
import subprocess

from . import procfs


@dataclasses.dataclass
class Row:
    what: str
    to_reach: str
    measured: str
    reached: bool


def mb(size):
    return f"{size / 1e6:.1f} MB"


def percent(ratio):
    return f"{ratio * 100:.3f} %"


def _facts():
    model = next(
        (line.split(":", 1)[1].strip() for line in procfs.read("/proc/cpuinfo").splitlines() if line.startswith("model name")),
        platform.machine(),
    )
    memory = int(procfs.read("/proc/meminfo").split()[1]) / 1024 / 1024
    release = (procfs.read("/etc/os-release") or "").partition('PRETTY_NAME="')[2].partition('"')[0]
    cgroups = "v2" if os.path.exists("/sys/fs/cgroup/cgroup.controllers") else "v1"
    return (
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GB of memory, {release or 'Linux'}, kernel {platform.release()},"
        f" control groups {cgroups}"
    )


class Report:
    def __init__(self, root, cache):
        self._root = root
        self._cache = cache
        self._sections = {}
        if os.path.exists(cache):
            with open(cache) as file:
                self._sections = json.load(file)

    def begin(self, section):
        """Forgets what an earlier run found."""
        now = datetime.datetime.now(datetime.timezone.utc)
        self._sections[section] = {
            "when": now.strftime("%Y-%m-%d %H:%M UTC"),
            "commit": self._commit(),
            "facts": _facts(),
            "rows": [],
            "notes": [],
            "tables": [],
        }

    def rows(self, section, rows, note):
        self._sections[section]["rows"] += [dataclasses.asdict(row) for row in rows]
        self._sections[section]["notes"].append(note)
        for row in rows:
            print(f"{'reached' if row.reached else 'MISSED ':8} {row.what}: {row.measured} (to reach: {row.to_reach})")
        print(f"         {note}", flush=True)

    def table(self, section, head, rows, note):
        self._sections[section]["tables"].append({"head": head, "rows": rows, "note": note})
        for row in [head, *rows]:
            print("         " + "  ".join(f"{cell:>14}" for cell in row), flush=True)

    def end(self):
        os.makedirs(os.path.dirname(self._cache), exist_ok=True)
        with open(self._cache, "w") as file:
            json.dump(self._sections, file, indent=1)

    def missed(self, sections):
        return [row["what"] for one in sections for row in self._sections[one]["rows"] if not row["reached"]]

    def _commit(self):
        done = subprocess.run(["git", "-C", self._root, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
        return f", revision {done.stdout.strip()}" if done.returncode == 0 else ""

    def write(self, path, order):
        """The page; order: {section: what it is about}."""
        present = [one for one in order if one in self._sections]
        out = [
            "# Performance",
            "",
            "Written by `bench/run.py`; see [bench/README.md](../bench/README.md). What is missed is marked, not left out.",
            "",
        ]
        facts = sorted({self._sections[one]["facts"] for one in present})
        out += [f"Measured on: {one}." for one in facts]
        out += ["", "| what | to reach | measured | |", "|---|---|---|---|"]
        for one in present:
            for row in self._sections[one]["rows"]:
                mark = "" if row["reached"] else "**missed**"
                out.append(f"| {row['what']} | {row['to_reach']} | {row['measured']} | {mark} |")
        for one in present:
            section = self._sections[one]
            out += ["", f"## {order[one]}", ""]
            out += [" ".join(section["notes"]), "", f"Measured {section['when']}{section['commit']}."]
            for table in section["tables"]:
                out += ["", "| " + " | ".join(table["head"]) + " |", "|" + "---|" * len(table["head"])]
                out += ["| " + " | ".join(row) + " |" for row in table["rows"]]
                out += ["", table["note"]]
        with open(path, "w") as file:
            file.write("\n".join(out) + "\n")
