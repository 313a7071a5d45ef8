"""Counts test results: TAP streams and meson's testlog.json, every single line of them.

Strict on purpose, because what it misses nobody sees: a program that ends badly, prints no plan, or
another number of results than planned counts as one more failure.
"""

import json
import re

RESULT = re.compile(r"(not )?ok\b(?:\s+(\d+))?(?:\s*-?\s*(.*))?$")
SKIP = re.compile(r"(?<!\\)#\s*SKIP\S*\s*(.*)$", re.IGNORECASE)
PLAN = re.compile(r"1\.\.(\d+)(?:\s*#\s*SKIP\S*\s*(.*))?$", re.IGNORECASE)
BAIL_OUT = re.compile(r"Bail out!\s*(.*)$")


class Stream:
    """One TAP stream, fed line by line."""

    def __init__(self, name):
        self.name = name
        self.passed = 0
        self.failures = []  # what failed
        self.skips = []  # (what, reason)
        self._plan = None
        self._seen = 0

    def feed(self, line):
        line = line.rstrip("\r\n")
        plan = PLAN.match(line)
        bail = BAIL_OUT.match(line)
        result = RESULT.match(line)
        if plan:
            if self._plan is not None:
                self.failures.append("a second plan")
            self._plan = int(plan[1])
            if self._plan == 0:
                self.skips.append((self.name, plan[2] or "no reason given"))
        elif bail:
            self.failures.append(f"bailed out: {bail[1]}")
        elif result:
            self._result(bool(result[1]), result[3] or f"test {result[2] or ''}")

    def _result(self, failed, what):
        self._seen += 1
        skip = SKIP.search(what)
        # A failure stays one, whatever directive excuses it.
        if failed:
            self.failures.append(what)
        elif skip:
            self.skips.append((what[: skip.start()].strip() or "test", skip[1] or "no reason given"))
        else:
            self.passed += 1

    def end(self, returncode):
        """To be called once, after the last line."""
        if self._plan is None:
            self.failures.append(f"no plan; exit code {returncode}")
        elif self._seen != self._plan:
            self.failures.append(f"{self._plan} tests planned, {self._seen} results seen; exit code {returncode}")
        elif returncode != 0 and not self.failures:
            self.failures.append(f"exit code {returncode}")


class Tally:
    def __init__(self):
        self.streams = []

    def add(self, stream):
        self.streams.append(stream)

    def add_result(self, name, failed, what):
        """One result that doesn't come from a stream."""
        stream = Stream(name)
        if failed:
            stream.failures.append(what)
        else:
            stream.passed = 1
        self.add(stream)

    def add_skip(self, name, reason):
        stream = Stream(name)
        stream.skips.append((name, reason))
        self.add(stream)

    @property
    def passed(self):
        return sum(stream.passed for stream in self.streams)

    @property
    def failed(self):
        return sum(len(stream.failures) for stream in self.streams)

    @property
    def skipped(self):
        return sum(len(stream.skips) for stream in self.streams)

    @property
    def good(self):
        return self.failed == 0 and self.passed > 0

    def line(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def meson_log(lane, path):
    """The streams of a testlog.json, each with the text to show if it failed."""
    with open(path, encoding="utf-8", errors="replace") as log:
        for line in log:
            one = json.loads(line)
            stream = Stream(f"{lane}: {one['name']}")
            for out in one.get("stdout", "").splitlines():
                stream.feed(out)
            stream.end(one["returncode"])
            # OK and SKIP are meson's words for what the stream said already; the rest can be worse than that.
            if one["result"] not in ("OK", "SKIP") and not stream.failures:
                stream.failures.append(f"meson says {one['result']}")
            yield stream, one.get("stdout", "") + one.get("stderr", "")
