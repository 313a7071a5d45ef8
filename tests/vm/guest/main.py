"""Runs the cases in the virtual machine, one after the other, and prints TAP."""

import os
import sys
import time
import traceback

sys.path[:0] = ["/t", "/t/tests/integration", os.path.dirname(os.path.abspath(__file__))]

import cases  # noqa: E402
from case import CASES, Case  # noqa: E402
from tests.e2e.harness.tap import Report  # noqa: E402


def main():
    cases.load()
    with open("/t/only") as file:
        only = set(filter(None, file.read().strip().split(",")))
    report = Report()
    for name, proves, config, run in CASES:
        if only and name not in only:
            continue
        start = time.monotonic()
        report.note(f"{name}: {proves}")
        case = Case(name, report, config)
        try:
            with case:
                run(case)
        except Exception as error:
            report.ok(False, f"{name}: no surprise ({type(error).__name__})", traceback.format_exc())
        report.note(f"{name}: {time.monotonic() - start:.1f} s")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
