import importlib.util
import json
import re
import sys

from harness import procfs
from harness.engine import seconds
from harness.scenario import Scenario

sys.path.append("/usr/lib/python3/dist-packages")  # whichever Python runs this
PARSERS = "prometheus_client"

NAMES = 12  # in zoo.c
SERVICE = 'ev\x1b[31mil\n<script>"\u202e'
TEXT = "\x1b[31mPWNED\nINJECTED<script>"
HUGE = "A" * (127 << 10)
# What other programs ask for by name, with the labels that tell samples apart.
METRICS = {
    "node_load1": (), "node_load5": (), "node_load15": (), "node_cpu_seconds_total": ("mode",), "node_processes_state": ("state",),
    "node_memory_MemTotal_bytes": (), "node_memory_MemAvailable_bytes": (), "node_boot_time_seconds": (), "node_procs_running": (),
    "node_filesystem_avail_bytes": ("mountpoint",), "node_vmstat_oom_kill": (), "node_pressure_cpu_waiting_seconds_total": (),
    "node_pressure_memory_waiting_seconds_total": (), "node_pressure_io_waiting_seconds_total": (),
    "container_cpu_usage_seconds_total": ("name", "image", "id"), "container_memory_working_set_bytes": ("name", "image", "id"),
    "container_oom_events_total": ("name", "image", "id"), "namedprocess_namegroup_states": ("groupname", "state"),
    "namedprocess_namegroup_num_procs": ("groupname",), "sexton_zombies": ("service", "holder", "kind"),
    "sexton_deaths_total": ("service", "reason"), "sexton_restarts_total": ("service",), "sexton_service_load1": ("service",),
    "sexton_service_cpu_seconds_total": ("service", "life"), "sexton_cpu_unattributed_ratio": (),
    "sexton_healthcheck_cpu_seconds_total": ("service",), "sexton_healthcheck_timeouts_total": ("service",),
    "sexton_events_lost_total": ("source",), "sexton_detection_delay_seconds_bucket": ("le",),
}  # fmt: skip


class HostileNames(Scenario):
    proves = "names with newlines, escape sequences, broken UTF-8, markup, or none, break neither JSON, metrics nor the terminal"
    missing = staticmethod(lambda: None if importlib.util.find_spec(PARSERS) else f"python3's {PARSERS} isn't installed")

    def up(self):
        labels = {"note": HUGE + TEXT, TEXT: "a label's name", "sexton.mode": TEXT, "sexton.cpu-max": HUGE}
        check = {"Test": ["CMD", "/w/zoo", TEXT, HUGE], "Interval": seconds(1), "Timeout": seconds(10), "Retries": 100}
        self.one = self.zoo("zoo", "hostile", project="<b>", service=SERVICE, labels=labels, health=check)

    def arise(self):
        pid1 = self.containers[0].pid()
        self.eventually(lambda: len(procfs.zombies(pid1)) == NAMES, 60, f"{NAMES} zombies with hostile names")
        names = {one.comm for one in procfs.zombies(pid1)}
        self.check(any(b"\x1b" in name for name in names) and b"" in names, "one with an escape sequence, one with none", names)
        (holder,) = {one.ppid for one in procfs.zombies(pid1)}
        self.pids = {one.pid for one in procfs.zombies(pid1)}
        self.check(b"\x1b" in procfs.read(f"/proc/{holder}/comm"), "their holder has one too")
        code, _ = self.one.execute("/w/zoo", TEXT, "\u202e", HUGE)
        self.equal(code, 2, "a person executes something with such arguments")

    def expect(self, sexton):
        self.eventually(
            lambda: self.pids == {one["pid"] for one in sexton.zombies() if one["pid"] in self.pids and one["kind"] == "unreaped"},
            60, "all of them are listed",
        )  # fmt: skip
        names = [one["command"] for one in sexton.zombies() if one["pid"] in self.pids]
        self.check(any("<script>" in name for name in names), "JSON keeps what it can carry", names)
        self.check(len({one["service"] for one in sexton.zombies() if one["pid"] in self.pids}) == 1, "in one service")
        self.becomes(lambda: _checks(sexton, self.one.id), lambda found: found and found[0]["failures"] > 0, 30, "its check is seen to fail")
        check = _checks(sexton, self.one.id)[0]["command"]
        self.check(check.startswith("/w/zoo \\x1b[31mPWNED\\x0aINJECTED<script> AAA"), "and its command told, escaped and cut", check)
        events = [one["text"] for one in sexton.events()]
        self.check(any("label sexton.mode wants" in text for text in events), "labels that make no sense are told", events[-20:])
        self._metrics(sexton)
        for verb in ("status", "services", "zombies", "events", "incidents", "why"):
            code, out, err = sexton.run(verb, "--json")
            self.check(code in (0, 1) and _strict(out), f"{verb} --json is strict UTF-8 and JSON", (code, out[-300:], err))
            for terminal in (False, True):
                code, out, err = sexton.run(verb, terminal=terminal)
                where = "on a terminal" if terminal else "in a pipe"
                wrong = list(_raw(out, terminal))
                self.check(code in (0, 1) and not wrong, f"{verb} {where} shows nothing raw", (code, wrong[:5], err))


    def _metrics(self, sexton):
        """By the parsers of Prometheus's own client library."""
        plain, openmetrics = (importlib.import_module(f"{PARSERS}.{one}") for one in ("parser", "openmetrics.parser"))
        for accept, kind, parse in (
            ("*/*", "text/plain; version=0.0.4; charset=utf-8", plain.text_string_to_metric_families),
            ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
             "application/openmetrics-text; version=1.0.0; charset=utf-8",
             openmetrics.text_string_to_metric_families),
        ):  # fmt: skip
            got, body = sexton.http("/metrics", accept)
            self.equal(got, kind, f"{kind.partition(';')[0]} is what is sent to who asks for it")
            samples = [sample for family in parse(body.decode("utf-8")) for sample in family.samples]
            for name, labels in METRICS.items():
                found = [one.labels for one in samples if one.name == name]
                if not found or not all(set(labels) <= set(one) for one in found):
                    self.check(False, f"{name} is there, by {labels}", found[:3])
            named = {one.labels.get("service") for one in samples if one.name == "sexton_zombies" and "<b>" in one.labels["service"]}
            self.equal(named, {r'<b>/ev\x1b[31mil\x0a<script>"\xe2\x80\xae'}, "labels carry the name, escaped once")


def _checks(sexton, identity):
    return [one["health_checks"] for one in sexton.ask("services")["services"] if one["id"] == identity]


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
