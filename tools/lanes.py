"""Runs the lanes of tests one after the other, counts every result, and ends with one line that says it all."""

import argparse
import atexit
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import tally

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILDS = "build-ci"
CPUS = os.cpu_count() or 2
JOBS = CPUS + 1  # of tests: some of them wait
RELEASE = ["-Dbuildtype=release", "--prefix=/usr"]  # as the package is built
# Less optimised it is built in half the time, and tested in hardly more. Then gcc doesn't see what can't be too long.
QUICKLY = ["-Doptimization=1"]
UNSEEN = "-Wno-format-truncation"


class Program:
    """One that runs, for so many seconds at most."""

    def __init__(self, command, timeout, output=subprocess.PIPE):
        self.start = time.monotonic()
        self._ended = None
        self._output = output
        self.child = subprocess.Popen(
            ["timeout", "--kill-after=60", str(timeout), *command], cwd=ROOT,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, text=True, errors="replace",
        )  # fmt: skip
        if output != subprocess.PIPE:
            # It is buried as soon as it ends: a zombie of ours would be found by the tests that run meanwhile.
            threading.Thread(target=self._bury, daemon=True).start()

    def _bury(self):
        self.child.wait()
        self._ended = time.monotonic()

    def took(self):
        """Seconds, until it ended or until now."""
        return (self._ended or time.monotonic()) - self.start

    def lines(self):
        if self.child.stdout:
            return self.child.stdout
        self.child.wait()
        self._output.seek(0)
        return self._output


AHEAD = {}  # by name: those whose turn comes later, started already because they leave the host alone and mostly wait


def start_ahead(name, command, timeout):
    AHEAD[name] = Program(command, timeout, tempfile.TemporaryFile("w+", errors="replace"))


def end_ahead():
    for program in AHEAD.values():
        program.child.terminate()
        program.child.wait()


class Lane:
    """What one lane works with: its name, and where its results go."""

    def __init__(self, name, total):
        self.name = name
        self._total = total
        self.start = time.monotonic()

    def say(self, text):
        print(f"[{self.name}] {text}", flush=True)

    def take(self, stream, output=None):
        self._total.add(stream)
        for what, reason in stream.skips:
            self.say(f"skipped: {stream.name}: {what}: {reason}")
        for what in stream.failures:
            self.say(f"FAILED: {stream.name}: {what}")
        if stream.failures and output is not None:
            print(output.rstrip("\n"), flush=True)

    def step(self, what, command):
        """Runs a command that has to succeed, as a test of its own; its output is shown only when it fails."""
        done = subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace",
        )  # fmt: skip
        stream = tally.Stream(self.name)
        if done.returncode:
            stream.failures.append(f"{what} (exit code {done.returncode})")
        else:
            stream.passed = 1
        self.take(stream, done.stdout)
        return done.returncode == 0

    def program(self, name, command, timeout):
        """Runs a TAP program; its output is shown as it comes, or, when it was started ahead, at once."""
        stream = tally.Stream(name)
        program = AHEAD.pop(name, None) or Program(command, timeout)
        for line in program.lines():
            stream.feed(line)
            print(f"  {line}", end="", flush=True)
        code = program.child.wait()
        stream.end(code)
        took = program.took()
        if took > 20:
            self.say(f"{name} took {took:.0f} s")
        if code == 124:
            stream.failures.append(f"took longer than {timeout} s")
        self.take(stream)

    def fail(self, what, output):
        stream = tally.Stream(self.name)
        stream.failures.append(what)
        self.take(stream, output)

    def build(self, options, name=None, target="all", suite=None):
        """Configures and builds; the folder, or None if that failed. Of a suite only its tests are built."""
        folder = f"{BUILDS}/{name or self.name}"
        # A folder from before is used again, unless the options of its lane have changed since.
        setup = ["meson", "setup", folder, "-Dwerror=true", *options]
        stamp = os.path.join(ROOT, folder, "lane-options")
        if os.path.exists(os.path.join(ROOT, folder)):
            setup.append("--reconfigure" if _text_of(stamp) == " ".join(options) else "--wipe")
        if not self.step("configures", setup):
            return None
        with open(stamp, "w") as file:
            file.write(" ".join(options))
        targets = self._programs(folder, suite) if suite else [target]
        return folder if targets and self.step("builds without warnings", ["ninja", "-C", folder, *targets]) else None

    def _programs(self, folder, suite):
        """The programs that are the tests of a suite, as ninja calls them."""
        listed = subprocess.run(
            ["meson", "introspect", "--tests", folder], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
        ).stdout
        top = os.path.join(ROOT, folder)
        found = [
            os.path.relpath(one["cmd"][0], top) for one in json.loads(listed) if any(suite in name for name in one["suite"])
        ]
        if not found:
            self.fail(f"there is no test in the suite {suite}", "")
        return found

    def meson_tests(self, folder, options=(), env=None, wrapper=(), jobs=JOBS):
        log = os.path.join(ROOT, folder, "meson-logs", "testlog.json")
        if os.path.exists(log):
            os.unlink(log)
        done = subprocess.run(
            [*wrapper, "meson", "test", "-C", folder, "--no-rebuild", "--num-processes", str(jobs), *options],
            cwd=ROOT, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        )  # fmt: skip
        if not os.path.exists(log):
            # Nor is it well when meson finds no test: its exit code says nothing about that.
            self.fail(f"meson ran no test (exit code {done.returncode})", done.stdout)
            return
        streams = list(tally.meson_log(self.name, log))
        for stream, output in streams:
            self.take(stream, output)
        if done.returncode and not any(stream.failures for stream, _ in streams):
            self.fail(f"meson test (exit code {done.returncode})", done.stdout)
        results = sum(stream.passed for stream, _ in streams)
        self.say(f"{len(streams)} test programs, {results} tests passed")


def _text_of(path):
    try:
        with open(path) as file:
            return file.read()
    except FileNotFoundError:
        return None


def release(lane):
    """optimised, warnings are errors; all tests"""
    folder = lane.build(RELEASE)
    if folder:
        lane.meson_tests(folder)


def asan(lane):
    """address and undefined behaviour sanitizers; all tests, fuzz corpora included"""
    folder = lane.build(["-Db_sanitize=address,undefined", f"-Dc_args={UNSEEN}", *QUICKLY])
    if folder:
        lane.meson_tests(
            folder,
            ["--timeout-multiplier", "4"],
            {
                "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1",
                "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
            },
            jobs=CPUS,  # they are busy here, and one more would only make them late
        )


def tsan(lane):
    """thread sanitizer; the tests of what runs in threads (suite `threaded`)"""
    # The sanitizer doesn't know fences, which the wire's copies rely on: what races there by design must say so itself.
    folder = lane.build(["-Db_sanitize=thread", f"-Dc_args=-Wno-tsan {UNSEEN}", *QUICKLY], suite="threaded")
    if not folder:
        return
    # The thread sanitizer of gcc 12 refuses some random address layouts; containers may refuse to fix the layout.
    fixed = ["setarch", "-R"]
    if subprocess.run([*fixed, "true"], stderr=subprocess.DEVNULL).returncode:
        fixed = []
    options = ["--suite", "threaded", "--timeout-multiplier", "4"]
    lane.meson_tests(folder, options, {"TSAN_OPTIONS": f"halt_on_error=1:suppressions={ROOT}/tools/tsan-accepted.txt"}, fixed)


def nobpf(lane):
    """built without BPF, as where clang or libbpf are missing, and as for a debugger; all tests but the parsers' corpora"""
    folder = lane.build(["-Dbpf=disabled", "-Dbuildtype=debug", f"-Dc_args={UNSEEN}"])
    if folder:
        lane.meson_tests(folder, ["--no-suite", "fuzz"])


def checks(lane):
    """formatting, order of folders, sizes, texts, static analysis, and these tools themselves"""
    folder = os.path.join(ROOT, "tools", "checks")
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            lane.program(name, [path], 600)


def release_program(lane):
    """The program of the release lane, built if that lane did not run; None if that failed."""
    program = f"{BUILDS}/release/sexton"
    if os.path.exists(os.path.join(ROOT, program)) or lane.build(RELEASE, "release"):
        return program
    return None


def integration(lane):
    """the real daemon on this kernel, with its sources switched on and off"""
    program = release_program(lane)
    for path in sorted(glob.glob("tests/integration/*.py", root_dir=ROOT)):
        if program and path not in (NOTIFY, COMPLETIONS) and os.access(os.path.join(ROOT, path), os.X_OK):
            lane.program(os.path.basename(path), [path, program], 600)


NOTIFY = "tests/integration/notify.py"
COMPLETIONS = "tests/integration/completions.py"


def web(lane):
    """the dashboard in headless Chromium, and the shells' completions; meanwhile the notifiers, which mostly wait"""
    program = release_program(lane)
    if program:
        start_ahead("notify.py", [NOTIFY, program], 600)
        lane.program("web", ["tests/web/run.py", program], 600)
        lane.program("completions.py", [COMPLETIONS, program], 600)
        lane.program("notify.py", [NOTIFY, program], 600)


def e2e(lane):
    """real containers in real trouble, see tests/e2e/README.md"""
    program = release_program(lane)
    if program:
        lane.program("e2e", ["tests/e2e/run.py", "--program", program], 1200)


VM = ("tests/vm/run.py", f"{BUILDS}/release/sexton")
VM_SECONDS = 1200


def vm(lane):
    """cgroup v2 alone, on Debian's cloud kernel in a virtual machine, see tests/vm/README.md"""
    if release_program(lane):
        lane.program("vm", VM, VM_SECONDS)


def fuzz(lane):
    """libFuzzer on every target, a few seconds each"""
    targets = sorted(name[5:-2] for name in os.listdir(os.path.join(ROOT, "tests/fuzz")) if name.startswith("fuzz_"))
    for target in targets:
        lane.step(f"{target} survives fuzzing", ["tools/fuzz", target, "10"])


def analyzer(lane):
    """gcc's static analyzer over the program"""
    # It loses sight of blocks that go into lists, and calls them leaked; the leak sanitizer finds the real ones.
    options = ["-Dc_args=-fanalyzer -Wno-analyzer-malloc-leak"]
    lane.build(options, target="sexton")


LANES = [release, checks, analyzer, asan, tsan, nobpf, integration, web, e2e, vm]
ON_DEMAND = [fuzz]


def parse(arguments):
    parser = argparse.ArgumentParser(prog="tools/test", description=__doc__)
    parser.add_argument("lanes", nargs="*", metavar="LANE", help="lanes to run (all but those marked with *)")
    parser.add_argument("--list", action="store_true", help="list the lanes")
    chosen = parser.parse_args(arguments)
    known = {lane.__name__: lane for lane in LANES + ON_DEMAND}
    unknown = [name for name in chosen.lanes if name not in known]
    if unknown:
        parser.error(f"no such lane: {', '.join(unknown)}; --list lists them")
    if chosen.list:
        for name, lane in known.items():
            print(f"{name:9}{'*' if lane in ON_DEMAND else ' '} {lane.__doc__}")
        sys.exit(0)
    return [known[name] for name in chosen.lanes] or LANES


def main():
    total = tally.Tally()
    times = []
    chosen = parse(sys.argv[1:])
    atexit.register(end_ahead)
    for run in chosen:
        lane = Lane(run.__name__, total)
        before = total.passed, total.failed, total.skipped
        lane.say(run.__doc__)
        try:
            if run is integration and vm in chosen and release_program(lane):
                start_ahead("vm", VM, VM_SECONDS)
            run(lane)
        except Exception as error:  # a lane that breaks is a failure, not the end of the others
            total.add_result(lane.name, True, repr(error))
            lane.say(f"FAILED: {error!r}")
        after = total.passed, total.failed, total.skipped
        took = time.monotonic() - lane.start
        passed, failed, skipped = (now - then for now, then in zip(after, before))
        times.append(f"{lane.name:9} {took:5.0f} s   {passed} passed, {failed} failed, {skipped} skipped")
        lane.say(f"took {took:.0f} s")
        if not (passed or failed or skipped):
            lane.say("no test ran")
    print("\n" + "\n".join(times))
    for stream in total.streams:
        for what in stream.failures:
            print(f"FAILED: {stream.name}: {what}")
    print(total.line(), flush=True)
    return 0 if total.good else 1


if __name__ == "__main__":
    if not shutil.which("meson"):
        sys.exit("tools/lanes.py: start it through tools/test, which installs what it needs")
    sys.exit(main())
