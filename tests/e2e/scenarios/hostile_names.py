import json
import re

from harness import procfs
from harness.scenario import Scenario

NAMES = 12  # in zoo.c
SERVICE = 'ev\x1b[31mil\n<script>"\u202e'


class HostileNames(Scenario):
    proves = "names with newlines, escape sequences, broken UTF-8, markup, or none, break neither JSON nor the terminal"

    def up(self):
        self.zoo("zoo", "hostile", project="<b>", service=SERVICE)

    def arise(self):
        pid1 = self.containers[0].pid()
        self.eventually(lambda: len(procfs.zombies(pid1)) == NAMES, 60, f"{NAMES} zombies with hostile names")
        names = {one.comm for one in procfs.zombies(pid1)}
        self.check(any(b"\x1b" in name for name in names) and b"" in names, "one with an escape sequence, one with none", names)
        (holder,) = {one.ppid for one in procfs.zombies(pid1)}
        self.pids = {one.pid for one in procfs.zombies(pid1)}
        self.check(b"\x1b" in procfs.read(f"/proc/{holder}/comm"), "their holder has one too")

    def expect(self, sexton):
        self.eventually(
            lambda: self.pids == {one["pid"] for one in sexton.zombies() if one["pid"] in self.pids and one["kind"] == "unreaped"},
            60, "all of them are listed",
        )  # fmt: skip
        names = [one["command"] for one in sexton.zombies() if one["pid"] in self.pids]
        self.check(any("<script>" in name for name in names), "JSON keeps what it can carry", names)
        self.check(len({one["service"] for one in sexton.zombies() if one["pid"] in self.pids}) == 1, "in one service")
        for verb in ("status", "services", "zombies", "events", "why"):
            code, out, err = sexton.run(verb, "--json")
            self.check(code in (0, 1) and _strict(out), f"{verb} --json is strict UTF-8 and JSON", (code, out[-300:], err))
            for terminal in (False, True):
                code, out, err = sexton.run(verb, terminal=terminal)
                where = "on a terminal" if terminal else "in a pipe"
                wrong = list(_raw(out, terminal))
                self.check(code in (0, 1) and not wrong, f"{verb} {where} shows nothing raw", (code, wrong[:5], err))


def _strict(out):
    try:
        json.loads(out.decode("utf-8"))
        return b"\x1b" not in out
    except ValueError:
        return False


def _raw(out, terminal):
    """What of a verb's text came unescaped from a hostile name."""
    if terminal:
        out = out.replace(b"\r\n", b"\n")
        # Sexton's own colours are fine, unless they come from a name.
        yield from re.findall(rb"\x1b\[31m(?:PWNED|il)", out)
        out = re.sub(rb"\x1b\[[0-9;]*[mK]", b"", out)
    yield from re.findall(rb"[\x00-\x08\x0b-\x1f\x7f].{0,20}", out)
    yield from re.findall(rb"\xc2[\x80-\x9f].{0,20}", out)  # the same controls, in UTF-8
    yield from re.findall(rb"\xe2\x80[\xaa-\xae].{0,20}", out)  # right-to-left overrides
    yield from re.findall(rb"(?m)^(?:INJECTED|<script>).*", out)
    try:
        out.decode("utf-8")
    except UnicodeDecodeError as error:
        yield str(error)
