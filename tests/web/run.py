#!/usr/bin/env python3
"""The dashboard in headless Chromium: on a made-up daemon for what a real one won't do on demand, then on the real one.

Prints TAP.

    run.py PROGRAM [NAME...]      all tests, or some
    run.py PROGRAM --shots DIR    takes the pictures of the documents instead
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "integration")]
sys.dont_write_bytecode = True

import browser  # noqa: E402
import fixture  # noqa: E402
from cases import CASES  # noqa: E402
from daemon import Daemon  # noqa: E402
from shots import take_shots  # noqa: E402


class Tester:
    """What a case works with; counts its checks."""

    def __init__(self, daemon, chromium):
        self.daemon = daemon
        self.browser = chromium
        self.files = fixture.real_files(daemon.listen)
        self.count, self.failed = 0, 0
        self.name = ""

    def check(self, good, what, got=None):
        self.count += 1
        self.failed += not good
        print(f"{'' if good else 'not '}ok {self.count} - {self.name}: {what}", flush=True)
        if not good and got is not None:
            print(f"# got {got!r:.2000}", flush=True)

    def skip(self, why):
        self.count += 1
        print(f"ok {self.count} - {self.name} # SKIP {why}", flush=True)

    def serve(self, world, port=0):
        return fixture.Fixture(self.files, world, port)

    def open(self, url, **size):
        page = self.browser.page(**size)
        page.goto(url)
        return page


def run(tester, names):
    for case in CASES:
        tester.name = case.__name__.replace("_", " ")
        if names and case.__name__ not in names:
            continue
        try:
            case(tester)
        except Exception as error:  # a case that breaks is a failure, not the end of the others
            tester.check(False, f"runs to its end: {type(error).__name__}: {error}")


def main():
    program, *rest = sys.argv[1:]
    if not browser.program():
        print(f"1..0 # SKIP none of {', '.join(browser.NAMES)} is installed")
        return 0
    with Daemon(program) as daemon, browser.Browser() as chromium:
        tester = Tester(daemon, chromium)
        if rest[:1] == ["--shots"]:
            take_shots(tester, rest[1])
            return 0
        run(tester, rest)
    print(f"1..{tester.count}")
    return 1 if tester.failed else 0


if __name__ == "__main__":
    sys.exit(main())
