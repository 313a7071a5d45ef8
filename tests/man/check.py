#!/usr/bin/env python3
"""Every verb has a manual page, and the formatters have nothing to say about any.

usage: check.py SEXTON PAGE..."""

import os
import re
import shutil
import subprocess
import sys

# mandoc's style advice for those who write pages by hand; and it knows only pages that are installed.
ACCEPTED = re.compile(r"STYLE: (referenced manual not found|operating system explicitly specified|useless macro|input text line longer)|unusual Xr order")


def linted(page):
    """What is wrong with a page; None when there is nobody to ask."""
    if shutil.which("mandoc"):
        done = subprocess.run(["mandoc", "-Tlint", page], capture_output=True, text=True)
        return [line for line in done.stdout.splitlines() if not ACCEPTED.search(line)]
    if shutil.which("groff"):
        done = subprocess.run(["groff", "-mdoc", "-ww", "-z", "-Tutf8", page], capture_output=True, text=True)
        return done.stderr.splitlines()
    return None


def main():
    sexton, pages = sys.argv[1], sys.argv[2:]
    help_text = subprocess.run([sexton, "help"], capture_output=True, text=True, check=True).stdout
    verbs = re.findall(r"^  ([a-z][a-z-]*) ", help_text, re.MULTILINE)
    names = {os.path.basename(page) for page in pages}
    results = [(f"{verb} has a page", [] if f"sexton-{verb}.1" in names else ["add it to man/meson.build"]) for verb in verbs]
    for page in pages:
        results.append((f"{os.path.basename(page)} is well-formed", linted(page)))
    print(f"1..{len(results)}")
    failed = False
    for number, (what, wrong) in enumerate(results, 1):
        if wrong is None:
            print(f"ok {number} - {what} # SKIP neither mandoc nor groff is installed")
            continue
        print(f"{'not ' if wrong else ''}ok {number} - {what}")
        for line in wrong:
            print(f"# {line}")
        failed = failed or bool(wrong)
    return failed


if __name__ == "__main__":
    sys.exit(main())
