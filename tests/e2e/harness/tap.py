"""TAP on stdout, one line per check, safe to use from the threads of concurrent scenarios."""

import sys
import threading


class Report:
    def __init__(self, out=sys.stdout):
        self._out = out
        self._lock = threading.Lock()
        self.passed = self.failed = self.skipped = 0

    def ok(self, passed, what, detail=""):
        with self._lock:
            self.passed += bool(passed)
            self.failed += not passed
            self._line(f"{'ok' if passed else 'not ok'} {self._count()} - {_one_line(what)}")
            if not passed and detail:
                self._comment(detail)
        return bool(passed)

    def skip(self, what, reason):
        with self._lock:
            self.skipped += 1
            self._line(f"ok {self._count()} - {_one_line(what)} # SKIP {_one_line(reason)}")

    def note(self, text):
        with self._lock:
            self._comment(text)

    def finish(self):
        """Prints the plan; returns the exit code."""
        with self._lock:
            self._line(f"1..{self._count()}")
            self._comment(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed else 0

    def _count(self):
        return self.passed + self.failed + self.skipped

    def _comment(self, text):
        for line in str(text).splitlines() or [""]:
            self._line(f"# {line}")

    def _line(self, line):
        # What containers say may be any bytes; the report is UTF-8 without control characters.
        clean = "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
        self._out.write(clean.encode("utf-8", "backslashreplace").decode() + "\n")
        self._out.flush()


def _one_line(text):
    return " ".join(str(text).split()).replace("#", "\\#")
