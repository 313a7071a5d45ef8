#!/usr/bin/env python3
"""Telling people, end to end: real trouble, the real daemon, and far sides that are real (Alertmanager, a mail server), or
hang, refuse, lie and close too early. Kills the parts of the daemon in the middle. Prints TAP.

    notify.py PROGRAM
"""

import glob
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{ROOT}/bench")

from far.liars import Liars  # noqa: E402
from far.real import Alertmanager, Exim  # noqa: E402
from harness.workloads import Group  # noqa: E402
from tap import Tap  # noqa: E402
from waiting import WAIT, becomes  # noqa: E402

SECRETS = ["t0kens3cret", "r0utingkey", "m41lpassw0rd", "hiddenpath"]
ZOMBIES = """
import os, sys, time
for _ in range(3):
    if os.fork() == 0: os._exit(7)
print("ready", flush=True)
sys.stdin.read()
"""


class Daemon:
    def __init__(self, program, folder, notifiers, more=None):
        self.program = program
        self.folder = folder
        self.socket = f"{folder}/sock"
        self.config = f"{folder}/sexton.yaml"
        self.log = f"{folder}/log"
        self.write(notifiers, more)

    def write(self, notifiers, more=None):
        with open(self.config, "w") as file:
            json.dump({"grace": "1s", "detect": {"zombie_leak": {"for": "1s"}}, "incident": {"calm": "2s"},
                       "engine": {"enabled": False}, "notify": notifiers, **(more or {})}, file)  # fmt: skip

    def __enter__(self):
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                [self.program, "run", "--config", self.config, "--data-dir", f"{self.folder}/data", "--socket", self.socket,
                 "--listen", "127.0.0.1:0"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "CREDENTIALS_DIRECTORY": os.path.join(os.path.dirname(self.folder), "credentials")})  # fmt: skip
        if not becomes(lambda: self.verb("status").returncode in (0, 1)):
            raise RuntimeError(open(self.log).read())
        return self

    def __exit__(self, *unused):
        self.child.terminate()
        try:
            self.code = self.child.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.code = None

    def verb(self, *words, stderr=subprocess.STDOUT):
        return subprocess.run([self.program, words[0], "--socket", self.socket, *words[1:]],
                              stdout=subprocess.PIPE, stderr=stderr, text=True)  # fmt: skip

    def ask(self, *words):
        done = self.verb(*words, "--json")
        return json.loads(done.stdout) if done.returncode in (0, 1) else {}

    def notifier(self, name):
        return next((n for n in self.ask("notify").get("notifiers", []) if n["name"] == name), {})

    def pid(self, role):
        return self.ask("status").get("self", {}).get(f"{role}_pid")

    def kill(self, role):
        pid = self.pid(role)
        os.kill(pid, signal.SIGKILL)
        return pid

    def family(self):
        return [self.child.pid] + [p for r in ("guard", "engine", "recorder", "courier") if (p := self.pid(r))]


class Trouble:
    """Three zombies in a control group of their own, held until the end of the with block."""

    def __init__(self, name):
        self.group = Group(name)
        self.service = self.group.service

    def __enter__(self):
        self.group.__enter__()
        self.child = subprocess.Popen([sys.executable, "-c", ZOMBIES], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      preexec_fn=self.group.enter)  # fmt: skip
        self.child.stdout.readline()
        return self

    def __exit__(self, *unused):
        self.child.stdin.close()
        self.child.wait()
        self.child.stdout.close()
        self.group.__exit__()


def about(service, told):
    """Reasons told about a service, in order."""
    return [reason for reason, body in told if body and body.get("culprit") == service]


def test_verb(tap, daemon, liars):
    expected = {
        "hook": (True, "HTTP 200"), "url": (True, "HTTP 200"), "am": (True, "HTTP 200"), "mail": (True, "mail server"),
        "sealed": (True, "mail server"), "pd": (True, "HTTP 202"), "ntfy": (True, "HTTP 200"), "slack": (True, "HTTP 200"),
        "program": (True, "exit code 0"), "broken": (False, "HTTP 500: oops"), "busy": (False, "HTTP 429"),
        "refuses": (False, "HTTP 400: no such thing"), "elsewhere": (False, "redirects"), "hangs": (False, "timed out"),
        "closes": (False, "Empty reply"), "half": (False, "transfer closed"), "trickles": (False, "timed out"),
        "floods": (True, "HTTP 200"), "nobody": (False, "onnect"), "liar": (False, "no_service"),
        "login": (False, "please log in"), "wrongkey": (False, "Event object is invalid"), "forever": (False, "killed"),
        "missing": (False, "cannot be executed"), "stranger": (False, ""), "nofile": (False, "No such file"),
        "nocred": (False, "credentials/nocred: No such file"),
    }  # fmt: skip
    liars.failures = {"/broken": 99, "/busy": 99, "/slack/lie": 99, "/ntfy/lie/": 99}
    began = time.monotonic()
    done = daemon.verb("notify", "test", "--json")
    took = time.monotonic() - began
    tap.check(done.returncode == 1, "notify test ends with 1 when one fails", done.stdout[-500:])
    results = {n["name"]: n["test"] for n in json.loads(done.stdout)["notifiers"]}
    for name, result in results.items():
        good, text = expected[name]
        fine = (result.get("outcome") == "delivered") == good and text in result.get("text", "")
        tap.check(fine, f"test of {name}: {'delivered' if good else 'fails'}, and says why", json.dumps(result))
    slow = [n for n, r in results.items() if n not in ("hangs", "trickles", "forever") and r.get("seconds", 99) > 6]
    tap.check(not slow and took < 40, "who hangs delays nobody", f"{slow} {took}")
    works = next(n for n in results if n in ("hook", "mail"))
    tap.check(daemon.verb("notify", "test", works).returncode == 0, "the test of one that works ends with 0")
    tap.check(daemon.verb("notify", "test", "who").returncode == 2, "an unknown name is told")
    liars.failures = {}
    stolen = [g for g in liars.got if "stolen" in g[1]]
    tap.check(not stolen, "a redirection isn't followed")
    liars.forget()


def configure(folder, liars, alertmanager, exim, sealed):
    def secret(name, text):
        path = f"{folder}/{name}"
        with open(path, "w") as file:
            file.write(text + "\n")
        os.chmod(path, 0o600)  # root's only: the courier reads it before it stops being root
        return path

    token = secret("token", SECRETS[0])
    os.makedirs(f"{folder}/credentials", 0o700)  # as systemd hands them over
    secret("credentials/pager", SECRETS[1])
    password = secret("password", SECRETS[2])
    script = f"{folder}/told"
    url = liars.url
    notifiers = [
        {"name": "hook", "type": "webhook", "url": f"{url}/hook", "token_file": token, "headers": ["X-Team: ops"]},
        {"name": "url", "type": "webhook", "url_file": secret("url", f"{url}/{SECRETS[3]}")},
        {"name": "pd", "type": "pagerduty", "url": f"{url}/pagerduty", "routing_key_file": "pager"},
        {"name": "ntfy", "type": "ntfy", "url": f"{url}/ntfy", "topic": "vm"},
        {"name": "slack", "type": "slack", "url": f"{url}/slack"},
        {"name": "program", "type": "command", "command": ["/usr/bin/tee", "-a", script]},
        {"name": "broken", "type": "webhook", "url": f"{url}/broken", "token_file": token},
        {"name": "busy", "type": "webhook", "url": f"{url}/busy"},
        {"name": "refuses", "type": "webhook", "url": f"{url}/refuses"},
        {"name": "hangs", "type": "webhook", "url": f"{url}/hangs", "timeout": "8s"},
    ]
    only_tested = [
        {"name": "elsewhere", "type": "webhook", "url": f"{url}/elsewhere"},
        {"name": "closes", "type": "webhook", "url": f"{url}/closes"},
        {"name": "half", "type": "webhook", "url": f"{url}/half"},
        {"name": "trickles", "type": "webhook", "url": f"{url}/trickles", "timeout": "8s"},
        {"name": "floods", "type": "webhook", "url": f"{url}/floods"},
        {"name": "nobody", "type": "webhook", "url": "http://127.0.0.1:1/"},
        {"name": "liar", "type": "slack", "url": f"{url}/slack/lie"},
        {"name": "login", "type": "ntfy", "url": f"{url}/ntfy/lie", "topic": "vm"},
        {"name": "wrongkey", "type": "pagerduty", "url": f"{url}/pagerduty", "routing_key_file": token},
        {"name": "forever", "type": "command", "command": ["/bin/sleep", "1000"], "timeout": "1s"},
        {"name": "missing", "type": "command", "command": ["/no/such/program"]},
        {"name": "nofile", "type": "webhook", "url": f"{url}/ok", "token_file": f"{folder}/nofile"},
        {"name": "nocred", "type": "webhook", "url": f"{url}/ok", "token_file": "nocred"},
    ]
    with open(script, "w"):
        os.chmod(script, 0o666)
    if alertmanager:
        notifiers.append({"name": "am", "type": "alertmanager", "url": alertmanager.url, "repeat": "10s"})
    if exim:
        people = {"from": "Sexton <sexton@vm.example>", "to": ["ops@example.org", "Boss <boss@example.org>"]}
        notifiers.append({"name": "mail", "type": "smtp", "url": f"smtp://127.0.0.1:{exim.port}", **people})
        login = {"username": "sexton", "password_file": password, "ca_file": sealed.certificate, "tls": "required"}
        notifiers.append({"name": "sealed", "type": "smtp", "url": f"smtp://localhost:{sealed.port}", **people, **login})
        only_tested.append({"name": "stranger", "type": "smtp", "url": f"smtp://127.0.0.1:{exim.port}",
                            "from": "a@b.example", "to": "nobody-here@example.org"})  # fmt: skip
    return notifiers, only_tested


def opened_everywhere(tap, daemon, liars, alertmanager, exim, folder, trouble):
    def told(path):
        return about(trouble.service, liars.of(path))

    began = time.monotonic()
    tap.check(becomes(lambda: told("/hook") == ["opened"]), "the webhook is told", str(liars.of("/hook")))
    print(f"# after {time.monotonic() - began:.1f} s, with a grace of 1 s and a leak that must last 1 s")
    body = [b for _, b in liars.of("/hook") if b.get("culprit") == trouble.service][0]
    shown = next((i for i in daemon.ask("incidents")["incidents"] if i["id"] == body["id"]), {})
    same = all(body.get(k) == shown.get(k) for k in ("id", "title", "culprit", "opened_at", "state"))
    tap.check(same, "with the incident as `incidents` lists it", f"{body} {shown}")
    headers = [h for _, p, h, _ in liars.got if p == "/hook"][0]
    tap.check(headers.get("Authorization") == "Bearer " + SECRETS[0] and headers.get("X-Team") == "ops", "token and header")
    tap.check(becomes(lambda: told("/" + SECRETS[3]) == ["opened"]), "the address from a file is told")
    tap.check(becomes(lambda: told("/broken")[-1:] == ["opened"] and daemon.notifier("broken")["delivered"] >= 1),
              "who answers 500 is told in the end")  # fmt: skip
    busy = [t for t, p, _, _ in liars.got if p == "/busy"]
    tap.check(becomes(lambda: daemon.notifier("busy")["delivered"] >= 1), "who answers 429 is told in the end")
    busy = [t for t, p, _, _ in liars.got if p == "/busy"]
    tap.check(len(busy) > 1 and busy[1] - busy[0] >= 2.9, "no sooner than its Retry-After says", str(busy))
    tap.check(becomes(lambda: daemon.notifier("refuses")["failed"] >= 1), "400 is final")
    pd = [json.loads(b) for _, p, _, b in liars.got if p == "/pagerduty"]
    mine = [e for e in pd if trouble.service in str(e.get("payload", {}).get("component"))]
    tap.check(len(mine) == 1 and mine[0]["event_action"] == "trigger", "PagerDuty is triggered", str(pd))
    tap.check(any(trouble.service.strip("/") in str(b) for _, p, _, b in liars.got if p == "/ntfy/"), "ntfy is told")
    tap.check(any(trouble.service.strip("/") in str(b) for _, p, _, b in liars.got if p == "/slack"), "Slack is told")
    tap.check(becomes(lambda: trouble.service in open(f"{folder}/told").read()), "the program is told")
    if alertmanager:
        def firing():
            return [a for a in alertmanager.alerts() if a["labels"].get("service") == trouble.service]

        tap.check(becomes(lambda: len(firing()) == 1), "Alertmanager holds one alert", str(alertmanager.alerts()))
        ends = firing()[0]["endsAt"]
        tap.check(becomes(lambda: firing() and firing()[0]["endsAt"] > ends), "it is told again before that expires")
    if exim:
        def mails():
            return [m for m in exim.mails() if trouble.service.strip("/") in m.replace("=2F", "/")]

        tap.check(becomes(lambda: len(mails()) >= 1), "the mail is there", str(exim.mails()))
        one = (mails() or [""])[0]
        tap.check("\nSubject: " in one and "Auto-Submitted: auto-generated" in one and "boss@example.org" in one, "as a mail")


def resolved_everywhere(tap, daemon, liars, alertmanager, exim, trouble):
    def told(path):
        return about(trouble.service, liars.of(path))

    tap.check(becomes(lambda: told("/hook") == ["opened", "resolved"]), "the webhook is told of the end, once each",
              str(told("/hook")))  # fmt: skip
    tap.check(becomes(lambda: "resolve" in str([b for _, p, _, b in liars.got if p == "/pagerduty"])), "PagerDuty is resolved")
    if alertmanager:
        tap.check(becomes(lambda: not [a for a in alertmanager.alerts() if a["labels"].get("service") == trouble.service]),
                  "Alertmanager holds it no longer")  # fmt: skip
    if exim:
        tap.check(becomes(lambda: any("resolved: " in m and trouble.service.strip("/") in m for m in exim.mails())),
                  "the mail of the end is there")  # fmt: skip
    events = daemon.ask("events", "--kind", "notify").get("events", [])
    tap.check(any("hook (opened): delivered" in e["text"] for e in events), "events tell of it", str(events)[:300])
    incident = [i for i in daemon.ask("incidents", "--all")["incidents"] if i.get("culprit") == trouble.service]
    line = str(incident and incident[0].get("timeline"))
    tap.check("notified" in line, "so does the timeline of the incident", line[:300])


def killed_in_the_middle(tap, daemon, liars):
    """The far side is down when the incident opens; then courier and recorder are killed."""
    liars.forget()
    liars.failures = {"/broken": 3}
    with Trouble("sexton-notify-killed") as trouble:
        def told(path):
            return about(trouble.service, liars.of(path))

        tap.check(becomes(lambda: told("/broken")), "something is on its way")
        old = daemon.kill("courier")
        tap.check(becomes(lambda: daemon.pid("courier") not in (None, old)), "a killed courier is replaced")
        tap.check(becomes(lambda: daemon.notifier("broken").get("queue") == 0), "what waited is delivered by the next one",
                  str(daemon.notifier("broken")))  # fmt: skip
        tap.check(told("/hook").count("opened") <= 2, "at most one is told twice", str(told("/hook")))
        before = len(told("/hook"))
        old = daemon.kill("recorder")
        tap.check(becomes(lambda: daemon.pid("recorder") not in (None, old)), "a killed recorder is replaced")
        time.sleep(3)
        after = len(told("/hook"))
        tap.check(after == before, "and tells nothing that was told before", str(told("/hook")))
    tap.check(becomes(lambda: told("/hook")[-1:] == ["resolved"]), "the end is told after all that", str(told("/hook")))


def remembered(tap, daemon, liars):
    """What waits, and what is silenced, outlives the recorder."""
    liars.forget()
    liars.failures = {"/broken": 1000}
    with Trouble("sexton-notify-queued") as trouble:
        tap.check(becomes(lambda: daemon.notifier("broken").get("queue", 0) >= 1), "a notice waits")
        daemon.verb("silence", "/sexton-other", "1h")
        time.sleep(2)  # a second until it is on disk
        old = daemon.kill("recorder")
        tap.check(becomes(lambda: daemon.pid("recorder") not in (None, old)), "the recorder is replaced")
        tap.check(daemon.notifier("broken").get("queue", 0) >= 1, "the notice still waits", str(daemon.notifier("broken")))
        tap.check("/sexton-other" in daemon.verb("silence").stdout, "the silence still holds")
        liars.failures = {}
        tap.check(becomes(lambda: daemon.notifier("broken").get("delivered", 0) >= 1), "the notice is delivered by the next one")
        tap.check(about(trouble.service, liars.of("/hook")) == ["opened"], "who was told isn't told again")
    tap.check(becomes(lambda: about(trouble.service, liars.of("/broken"))[-1:] == ["resolved"]), "nor is the end forgotten")


def silenced(tap, daemon, liars):
    liars.forget()
    done = daemon.verb("silence", "/sexton-notify-s*", "1h", "--comment", "testing \x1b[31m")
    tap.check(done.returncode == 2, "a control character in a comment is refused", done.stdout)
    done = daemon.verb("silence", "/sexton-notify-s*", "1h", "--comment", "testing", "--json", stderr=subprocess.PIPE)
    number = json.loads(done.stdout)["id"]
    tap.check("no service is called /sexton-notify-s*" in done.stderr, "that nobody has the name is said", done.stderr)
    tap.check("testing" in daemon.verb("silence").stdout, "the silence is listed")
    with Trouble("sexton-notify-silent") as trouble:
        def told():
            return about(trouble.service, liars.of("/hook"))

        def known():
            return [i for i in daemon.ask("incidents")["incidents"] if i.get("culprit") == trouble.service]

        tap.check(becomes(known), "what is silenced is recorded")
        time.sleep(2)
        tap.check(not told(), "but not told")
        tap.check(daemon.verb("silence", "--remove", str(number)).returncode == 0, "the silence is removed")
        tap.check(becomes(lambda: told() == ["opened"]), "what is still open is told then")
        again = daemon.verb("silence", trouble.service, "1s", stderr=subprocess.PIPE)
        tap.check(again.returncode == 0 and not again.stderr, "nothing is said of a name that somebody has", again.stderr)
    tap.check(daemon.verb("silence", "--remove", str(number)).returncode == 2, "once only")
    tap.check(daemon.verb("silence", "x", "soon").returncode == 2, "a duration is wanted")


def secrets_stay_secret(tap, daemon):
    seen = {"log": open(daemon.log).read()}
    for words in (["notify"], ["notify", "--json"], ["status", "--json"], ["events", "--json"], ["incidents", "--all", "--json"],
                  ["silence", "--json"]):  # fmt: skip
        seen[" ".join(words)] = daemon.verb(*words).stdout
    for words in (["doctor", "--json"], ["check-config", "--config", daemon.config]):
        seen[words[0]] = subprocess.run([daemon.program, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    for pid in daemon.family():
        for name in ("cmdline", "environ"):
            seen[f"{name} of {pid}"] = open(f"/proc/{pid}/{name}", "rb").read().decode(errors="replace")
    for path in glob.glob(f"{daemon.folder}/data/**", recursive=True):
        if os.path.isfile(path):
            seen[path] = open(path, "rb").read().decode(errors="replace")
    leaks = [(where, s) for where, text in seen.items() for s in SECRETS if s in text]
    tap.check(not leaks, "secrets are in no log, answer, argument, variable or stored file", str(leaks))
    tap.check("oops ***" in seen["notify --json"] or "***" in seen["log"], "what a far side repeats is taken out")
    status = open(f"/proc/{daemon.pid('courier')}/status").read()
    fields = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
    tap.check(fields["CapEff"].strip("0") == "" and fields["NoNewPrivs"] == "1" and fields["Seccomp"] == "2",
              "the courier has no capabilities, can't gain any, and is filtered", status)  # fmt: skip
    tap.check(os.geteuid() != 0 or not fields["Uid"].startswith("0\t"), "it isn't root")


def reloaded(tap, daemon, notifiers, liars):
    liars.forget()
    daemon.write([{"name": "new", "type": "webhook", "url": f"{liars.url}/new"}])
    daemon.child.send_signal(signal.SIGHUP)
    tap.check(becomes(lambda: [n["name"] for n in daemon.ask("notify").get("notifiers", [])] == ["new"]), "SIGHUP changes them")
    tap.check(becomes(lambda: daemon.verb("notify", "test", "new").returncode == 0), "the courier knows the new one")
    daemon.write([])
    old = daemon.pid("courier")
    daemon.child.send_signal(signal.SIGHUP)
    tap.check(becomes(lambda: not os.path.exists(f"/proc/{old}")), "without notifiers there is no courier")
    tap.check(becomes(lambda: daemon.verb("notify", "test").returncode == 2), "and nobody to test")


def dormant(tap, daemon):
    def pss():
        try:
            lines = open(f"/proc/{daemon.pid('courier')}/smaps_rollup").read().splitlines()
            return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except (OSError, StopIteration, ValueError):
            return None

    tap.check(becomes(lambda: (pss() or 9999) < 600), "a dormant courier costs less than 600 kB", f"{pss()} kB")
    print(f"# {pss()} kB")


def whole(tap, program, folder, alertmanager, exim, sealed):
    with Liars() as liars:
        notifiers, only_tested = configure(folder, liars, alertmanager, exim, sealed)
        os.makedirs(f"{folder}/a")
        for part in (only_tested[:8] + notifiers[:8], only_tested[8:] + notifiers[8:]):
            with Daemon(program, f"{folder}/a", part, {"quiet_hours": {"from": "00:00", "to": "23:59"}}) as daemon:
                test_verb(tap, daemon, liars)
        os.makedirs(f"{folder}/b")
        with Daemon(program, f"{folder}/b", notifiers) as daemon:
            liars.forget()
            liars.failures = {"/broken": 2, "/busy": 1}
            with Trouble("sexton-notify-one") as trouble:
                opened_everywhere(tap, daemon, liars, alertmanager, exim, folder, trouble)
            resolved_everywhere(tap, daemon, liars, alertmanager, exim, trouble)
            killed_in_the_middle(tap, daemon, liars)
            remembered(tap, daemon, liars)
            silenced(tap, daemon, liars)
            secrets_stay_secret(tap, daemon)
            reloaded(tap, daemon, notifiers, liars)
        tap.check(daemon.code == 0, "it ends with 0")
        os.makedirs(f"{folder}/c")
        with Daemon(program, f"{folder}/c", [{"name": "hook", "type": "webhook", "url": f"{liars.url}/c"}]) as daemon:
            daemon.verb("notify", "test")
            dormant(tap, daemon)


def main():
    tap = Tap()
    if os.geteuid() != 0:
        print("1..0 # SKIP needs root, to make control groups and to be another user")
        return 0
    with tempfile.TemporaryDirectory(prefix="sexton-notify-") as folder:
        os.chmod(folder, 0o755)
        missing = [p.missing for p in (Alertmanager, Exim) if p.missing]
        for why in missing:
            tap.skip("against the real far side", why)
        if missing:
            whole(tap, sys.argv[1], folder, None, None, None)
        else:
            with Alertmanager(folder) as alertmanager, Exim(folder, False) as exim, Exim(folder, True) as sealed:
                whole(tap, sys.argv[1], folder, alertmanager, exim, sealed)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
