#!/usr/bin/env python3
"""The rescue console with the real ssh client: who gets in, what is answered, and that it still is under attack, with
the guard and recorder stopped, a full disk, 200 busy loops and no memory left in its control group.

Prints TAP.

    rescue.py PROGRAM
"""

import contextlib
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from groups.yard import Group, possible, read  # noqa: E402
from tap import Tap  # noqa: E402
from waiting import WAIT, becomes  # noqa: E402

MEMORY = "/sys/fs/cgroup/memory"
ACTED = f"/sexton-rescued-{os.getpid()}"  # the one service that may be acted on
HOG = "import sys\nkept = []\nwhile True:\n    kept.append(bytearray(1 << 20))\n"
ZOMBIE = "import os, time\nif os.fork() == 0:\n    os._exit(3)\ntime.sleep(600)\n"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Daemon:
    """`sexton run` with a console, in a folder of its own, and clients of it."""

    def __init__(self, program, folder, extra="", data=None):
        self.program, self.folder, self.port = program, folder, free_port()
        self.socket, self.log = f"{folder}/run/sock", f"{folder}/log"
        os.makedirs(f"{folder}/run", exist_ok=True)
        with open(f"{folder}/sexton.yaml", "w") as config:
            config.write(f'rescue: {{listen: "127.0.0.1:{self.port}", authorized_keys: {folder}/keys{extra}}}\n')
            config.write(f"engine: {{enabled: false}}\nact_only_in: ['{ACTED}*']\n")
        command = [program, "run", "--config", f"{folder}/sexton.yaml", "--data-dir", data or f"{folder}/data",
                   "--socket", self.socket, "--listen", "127.0.0.1:0"]  # fmt: skip
        with open(self.log, "wb") as log:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def said(self):
        with open(self.log, errors="replace") as log:
            return log.read()

    def pid(self, role):
        """Of one of its processes, or None."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as stat:
                text = stat.read()
                if f"(sexton-{role})" in text and int(text.rsplit(")", 1)[1].split()[1]) == self.child.pid:
                    return int(pid)
        return None

    def ssh(self, *words, key="id", user="rescue", options=(), before=()):
        return [*before, "ssh", "-F", "none", "-p", str(self.port), "-i", f"{self.folder}/{key}", "-o", "BatchMode=yes",
                "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "GlobalKnownHostsFile=/dev/null",
                "-o", f"UserKnownHostsFile={self.folder}/run/rescue_known_hosts", "-o", "HostKeyAlias=sexton-rescue",
                "-o", "StrictHostKeyChecking=yes", *options, f"{user}@127.0.0.1", *words]  # fmt: skip

    def ask(self, *words, stdin=b"", seconds=WAIT, **how):
        """(exit code, what it said, seconds)."""
        start = time.monotonic()
        try:
            done = subprocess.run(self.ssh(*words, **how), input=stdin, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=seconds)  # fmt: skip
        except subprocess.TimeoutExpired as late:
            return None, (late.output or b"").decode(errors="replace"), seconds
        return done.returncode, done.stdout.decode(errors="replace"), time.monotonic() - start

    def end(self):
        self.child.terminate()
        try:
            return self.child.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.child.kill()
            return self.child.wait()


@contextlib.contextmanager
def daemon(program, folder, **how):
    d = Daemon(program, folder, **how)
    try:
        if not becomes(lambda: "may log in" in d.said() and "watching by" in d.said()):
            raise RuntimeError(d.said())
        yield d
    finally:
        d.end()


@contextlib.contextmanager
def child(*command, **how):
    p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         start_new_session=True, **how)  # fmt: skip
    try:
        yield p
    finally:
        os.killpg(p.pid, signal.SIGKILL)
        p.wait()


GUESSES = [f"guess{k}" for k in range(1, 6)]


def make_keys(folder):
    for name in ("id", "stranger", "forced", "elsewhere", *GUESSES):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{name}@test", "-f", f"{folder}/{name}"],
                       check=True)  # fmt: skip
    public = {name: open(f"{folder}/{name}.pub").read() for name in ("id", "forced", "elsewhere")}
    with open(f"{folder}/keys", "w") as keys:
        keys.write("# who may log in\n\n" + public["id"] + 'command="zombies",no-pty ' + public["forced"])
        keys.write('from="10.9.8.7" ' + public["elsewhere"] + 'expiry-time="20200101" ssh-rsa AAAA old\nnonsense\n')
    os.chmod(f"{folder}/keys", 0o600)


# ---- who gets in, what is answered ----


def commands(check, d):
    with child(sys.executable, "-c", ZOMBIE) as holder:
        becomes(lambda: open(f"/proc/{holder.pid}/task/{holder.pid}/children").read().strip())
        dead = open(f"/proc/{holder.pid}/task/{holder.pid}/children").read().split()[0]
        check(becomes(lambda: f" {dead} " in d.ask("zombies")[1]), "zombies lists a dead child")
    for command, wanted, code in (
        ("top", "pressure: cpu", 0), ("services", "SERVICE", 0), ("help", "freeze SERVICE", 0),
        ("help freeze", "thaws by itself", 0), ("actions", "", 0),
        ("bogus", "no command bogus", 2), ("kill 1", "other than PID 1", 2), ("services no/such", "no service no/such", 1),
        ("freeze no/such", "no: ", 1), ("thaw no/such", "no: no service", 1),
    ):  # fmt: skip
        got, said, _ = d.ask(*command.split())
        check(got == code and wanted in said, f"{command}: {code}", said)
    check(becomes(lambda: "exit" in d.ask("deaths", "50")[1]), "deaths tells of those who died")
    got, said, _ = d.ask("why")
    check(got in (0, 1) and len(said) > 40, "why answers", said)
    got, said, _ = d.ask("dmesg", "3")
    check((got == 0 and said.count("\n") in (1, 2, 3)) or "can't be read" in said, "dmesg answers or says why not", said)
    got, said, _ = d.ask(stdin=b"help top\nservices\nbogus")
    check("the host and its services" in said and "SERVICE" in said and "no command" in said and got == 2, "lines by a pipe", said)
    verb = [d.program, "rescue", "--config", f"{d.folder}/sexton.yaml", "--socket", d.socket, "--identity", f"{d.folder}/id"]
    done = subprocess.run([*verb, "help", "why"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=WAIT)
    check(done.returncode == 0 and b"who causes it" in done.stdout, "sexton rescue reaches it, and knows its host key")


def doors(check, d):
    for name, how in (
        ("an unknown key", {"key": "stranger"}),
        ("another user", {"user": "root"}),
        ("a key from elsewhere", {"key": "elsewhere"}),
        ("no key", {"options": ["-o", "PubkeyAuthentication=no"]}),
        ("a password", {"options": ["-o", "PreferredAuthentications=password,keyboard-interactive"]}),
    ):
        got, said, _ = d.ask("top", **how)
        check(got == 255 and "Permission denied (publickey)" in said, f"refused: {name}", said)
    guesses = [word for name in GUESSES for word in ("-i", f"{d.folder}/{name}")]
    got, said, took = d.ask("top", key="stranger", options=[*guesses, "-i", f"{d.folder}/id"])
    check(got == 255 and "pressure" not in said, "six wrong keys end the connection, whatever comes then", said)
    check(took >= 0.1 + 0.2 + 0.4 + 0.8 + 1.6, "each was answered later than the one before", f"{took:.2f} s")
    got, said, took = d.ask("top", key="stranger", options=[*guesses[:2], "-i", f"{d.folder}/id"])
    check(got == 0 and took >= 0.1 + 0.2, "after two of them the right one is in time", f"{took:.2f} s: {said}")
    got, said, _ = d.ask("top", key="forced")
    check(got in (0, 1) and "pressure" not in said, "a key's own command rules", said)
    got, said, _ = d.ask(options=["-o", "SessionType=subsystem"])
    check(got not in (0, None), "no subsystem", said)
    got, said, _ = d.ask("-W", "127.0.0.1:22")
    check(got not in (0, None), "no forwarding", said)
    check("option expiry-time is not known here" in d.said() and "keys:7" in d.said(), "lines that let nobody in are told")


class Terminal:
    """A program on a terminal of its own, or what is at the other end of one."""

    def __init__(self, fd):
        self.fd, self.seen = fd, ""

    def type(self, text):
        os.write(self.fd, text.encode())

    def read(self):
        while select.select([self.fd], [], [], 0)[0]:
            try:
                got = os.read(self.fd, 65536)
            except OSError:
                return
            if not got:
                return
            self.seen += got.decode(errors="replace")

    def shows(self, pattern, times=1):
        def found():
            self.read()
            return len(re.findall(pattern, self.seen)) >= times

        return becomes(found)


def person(check, d):
    pid, fd = pty.fork()
    if pid == 0:
        command = d.ssh()
        os.execvp(command[0], command)
    t = Terminal(fd)
    check(t.shows("sexton .*> "), "a prompt on a terminal", t.seen)
    t.type("servicex\x7fs\r")
    check(t.shows("SERVICE +TASKS"), "an edited line", t.seen)
    t.type("top\r")
    check(t.shows("pressure: cpu", 3), "top is shown again and again", t.seen)
    t.type("q")
    t.seen = ""
    t.type("bogus\r")
    check(t.shows("no command bogus"), "q ends top", t.seen)
    t.type("\x04")
    ended = []
    check(becomes(lambda: (t.read(), ended.extend(filter(None, [os.waitpid(pid, os.WNOHANG)[0]])), ended)[2]), "Ctrl-D leaves")
    if not ended:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    os.close(fd)


def serial(check, program, folder, group):
    master, slave = pty.openpty()
    t = Terminal(master)
    d = Daemon(program, folder, extra=f", serial: {os.ttyname(slave)}")
    try:
        check(t.shows("rescue console"), "a serial line is greeted", d.said())
        t.type("top\r")
        check(t.shows("pressure: cpu", 2), "and served", t.seen)
        t.type("q")
        if group:
            t.type(f"freeze {ACTED} because it is me\r")
            check(t.shows(f"freeze of {ACTED}: done") and is_frozen(group), "it freezes from there, too", t.seen)
            t.type(f"thaw {ACTED}\r")
            check(becomes(lambda: not is_frozen(group)), "and thaws", t.seen)
        t.type("exit\r")
        check(t.shows("rescue console", 2), "and greeted anew after exit", t.seen)
    finally:
        d.end()
        os.close(master)
        os.close(slave)


def is_frozen(group):
    return group.file("freezer.state") == "FROZEN"


def acts(check, d, group):
    """What it says that it does is done to a control group of this test's own."""
    check(becomes(lambda: f" {ACTED} " in d.ask("services")[1].replace("\n", " ")), "the service is known", d.ask("services")[1])
    code, said, _ = d.ask("freeze", ACTED, "for", "5m", "because", "load", "is", "40")
    check(code == 0 and is_frozen(group), "freeze freezes", said)
    code, said, _ = d.ask("actions")
    check(code == 0 and "load is 40" in said and "id@test" in said, "actions tells whose key, and why", said)
    code, said, _ = d.ask("thaw", ACTED)
    check(code == 0 and not is_frozen(group), "thaw thaws", said)
    d.ask("freeze", ACTED)
    code, said, _ = d.ask("release", ACTED)
    check(code == 0 and not is_frozen(group), "release undoes", said)
    extra = group.run("sleep", "600")
    becomes(lambda: read(f"/proc/{extra.pid}/comm") == "sleep")
    code, said, _ = d.ask("kill", str(extra.pid), "--dry-run")
    check(code == 0 and extra.poll() is None, "a dry run kills nobody", said)
    code, said, _ = d.ask("kill", str(extra.pid))
    check(code == 0 and extra.wait(WAIT) == -signal.SIGKILL, "kill kills", said)
    with child("sleep", "600") as other:
        code, said, _ = d.ask("kill", str(other.pid))
        check(code == 1 and other.poll() is None, "but nobody that may not be touched", said)
    for word, wanted in (("open", "is open"), ("close", "is closed"), ("auto", "automatic")):
        code, said, _ = d.ask("breaker", word)
        check(code == 0 and wanted in said, f"breaker {word}", said)


# ---- under attack, and with everything else gone ----


def connect(d):
    s = socket.create_connection(("127.0.0.1", d.port), WAIT)
    s.settimeout(WAIT)
    return s


def send_all(d, data):
    with contextlib.suppress(OSError), connect(d) as s:
        s.sendall(data)
        while s.recv(4096):
            pass


def still_answers(check, d, name):
    """Its own tries may have to wait for what the attack has used up."""
    pid = d.rescue
    check(becomes(lambda: d.ask("top")[0] == 0, 40), f"it answers after {name}")
    if d.pid("rescue") != pid:
        check(False, f"it is still the same process after {name}", d.said())
        d.rescue = d.pid("rescue")


def resident(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])


def cpu_seconds(pid):
    with open(f"/proc/{pid}/schedstat") as file:
        return int(file.read().split()[0]) / 1e9


def attacks(check, d):
    d.rescue = d.pid("rescue")
    before = resident(d.rescue)
    banner = b"SSH-2.0-OpenSSH_9.2\r\n"
    for name, data in (
        ("a garbage banner", b"\0\xff" * 5000),
        ("an endless banner", b"SSH-2.0-" + b"x" * 100000),
        ("a huge packet", banner + b"\xff\xff\xff\xf0" + b"A" * 300000),
        ("a packet of nothing", banner + b"\0" * 4096),
        ("half a key exchange", banner + b"\0\0\1\x2c\4\x14" + b"curve25519-sha256," * 20),
        ("an HTTP request", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    ):
        send_all(d, data)
        still_answers(check, d, name)
    silent = [connect(d) for _ in range(30)]
    still_answers(check, d, "30 silent connections")
    for s in silent:
        s.close()
    start, opened, used = time.monotonic(), 0, cpu_seconds(d.rescue)
    while time.monotonic() - start < 3:
        with contextlib.suppress(OSError):
            connect(d).close()
            opened += 1
    share = (cpu_seconds(d.rescue) - used) / (time.monotonic() - start)
    # 0.3 s in each second; a turn of the loop may end beyond, and the windows are not those of this clock
    check(share < 0.5, f"a flood costs it {share:.2f} of a core, and not a whole one")
    still_answers(check, d, f"a flood of {opened} connections")
    slow = connect(d)
    slow.sendall(banner)
    with contextlib.suppress(OSError):
        for byte in b"\0\0\1\x2c\4\x14" * 10:
            slow.send(bytes([byte]))
    still_answers(check, d, "a slow client")
    slow.close()
    after = resident(d.rescue)
    check(after - before < 8 << 10, f"its memory stays: {before} KiB before, {after} after")


def alone(check, d, group):
    recorder, guard = d.pid("recorder"), d.pid("guard")
    os.kill(recorder, signal.SIGSTOP)
    try:
        got, said, took = d.ask("top")
        check(got == 0 and "!" not in said, f"with the recorder stopped, top takes {took:.2f} s", said)
        if group:
            frozen = d.ask("freeze", ACTED)[0] == 0 and is_frozen(group)
            check(frozen and d.ask("thaw", ACTED)[0] == 0 and not is_frozen(group), "and it freezes and thaws")
        os.kill(guard, signal.SIGSTOP)
        check(becomes(lambda: "last wrote" in d.ask("top")[1]), "with the guard stopped, it says how old that is")
        got, said, took = d.ask("freeze", "some/service")
        check(got == 3 and "did not answer" in said and took < 10, "and that nobody answers", said)
    finally:
        os.kill(guard, signal.SIGCONT)
        os.kill(recorder, signal.SIGCONT)


@contextlib.contextmanager
def exhausted(pid, killer):
    """The process in a control group without memory left, with the OOM killer at work there or without; yields why
    not, or None."""
    group = f"{MEMORY}/sexton-rescue-{os.getpid()}"
    hog = None
    try:
        os.mkdir(group)
        settings = (("memory.limit_in_bytes", 48 << 20), ("memory.oom_control", int(not killer)), ("cgroup.procs", pid))
        for name, value in settings:
            with open(f"{group}/{name}", "w") as file:
                file.write(str(value))
        eat = f'echo $$ >{group}/cgroup.procs; while :; do "$@"; done'
        hog = subprocess.Popen(["sh", "-c", eat, "sh", sys.executable, "-c", HOG], start_new_session=True,
                               stderr=subprocess.DEVNULL)  # fmt: skip
        full = becomes(lambda: int(open(f"{group}/memory.failcnt").read()) > 0)
        yield None if full else "the hog finds memory all the same"
    except OSError as e:
        yield f"no memory control group of version 1: {e}"
    finally:
        if hog:
            os.killpg(hog.pid, signal.SIGKILL)
            hog.wait()
        with contextlib.suppress(OSError):
            with contextlib.suppress(OSError), open(f"{MEMORY}/cgroup.procs", "w") as file:
                file.write(str(pid))
            becomes(lambda: not open(f"{group}/cgroup.procs").read())
            os.rmdir(group)


@contextlib.contextmanager
def busy(loops, seconds):
    with contextlib.ExitStack() as stack:
        for _ in range(loops):
            stack.enter_context(child("timeout", str(seconds), "sh", "-c", "while :; do :; done"))
        yield


def times(took):
    return " ".join(f"{t:.2f}" for t in took)


def faults(pid):
    """Minor and major page faults ever."""
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return int(fields[7]), int(fields[9])


# The client has what one on another machine would have: its share of a CPU.
ELSEWHERE = ["chrt", "-f", "1"]


def starving(check, d, group):
    rescue = d.pid("rescue")
    with exhausted(rescue, killer=True) as why_not, busy(200, 20):
        took, codes, end = [], [], time.monotonic() + 12
        while len(took) < 15 and time.monotonic() < end:
            code, _, seconds = d.ask("top", before=ELSEWHERE)
            codes.append(code)
            took.append(seconds)
        if group:
            code, said, _ = d.ask("freeze", ACTED, before=ELSEWHERE)
            check(code == 0 and becomes(lambda: is_frozen(group)), "and freezes", said)  # each task when it is its turn
            d.ask("thaw", ACTED, before=ELSEWHERE)
    print(f"# from connect to the answer of top: {times(took)} s; memory: {why_not or 'none left'}", flush=True)
    check(took and set(codes) == {0}, f"with 200 busy loops and no memory it answers {len(took)} times", str(codes))
    check(took and max(took) < 5, f"the slowest answer takes {max(took):.2f} s")
    check(d.pid("rescue") == rescue, "it is the same process as before", d.said())


def starving_inside(check, d):
    """Somebody is logged in when the last memory goes, and nobody gives any back."""
    rescue = d.pid("rescue")
    client = subprocess.Popen(d.ssh(before=ELSEWHERE), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    t = Terminal(client.stdout.fileno())
    try:
        for wanted in (1, 2):
            client.stdin.write(b"top\n")
            client.stdin.flush()
            t.shows("pressure: cpu", wanted)
        before, took = faults(rescue), []
        with exhausted(rescue, killer=False) as why_not, busy(200, 20):
            for k in range(10):
                start = time.monotonic()
                client.stdin.write(b"top\n")
                client.stdin.flush()
                if t.shows("pressure: cpu", 3 + k):
                    took.append(time.monotonic() - start)
            after = faults(rescue)
        print(f"# answers of top: {times(took)} s; memory: {why_not or 'none left'}; faults {before}, {after}", flush=True)
        check(len(took) == 10, "without any memory at all, who is logged in is answered")
        check(after[1] == before[1], "no page had to be read from a disk")
    finally:
        client.kill()
        client.communicate()


def full_disk(check, program, folder, group):
    disk = f"{folder}/disk"
    os.mkdir(disk)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "sexton-rescue", disk], stderr=subprocess.DEVNULL).returncode:
        check(True, "a full disk # SKIP tmpfs can't be mounted")
        return
    try:
        with contextlib.suppress(OSError), open(f"{disk}/fill", "wb") as file:
            while True:
                file.write(b"x" * 4096)
                file.flush()
        with daemon(program, folder, data=disk) as d:
            got, said, _ = d.ask("top")
            check(got == 0, "it starts and answers with a full disk", said)
            if group:
                becomes(lambda: ACTED in d.ask("services")[1])
                check(d.ask("freeze", ACTED)[0] == 0 and is_frozen(group), "and freezes")
            check("can't be kept" in d.said(), "and says that its host key will be another next time", d.said())
    finally:
        subprocess.run(["umount", disk], check=True)


def look(check, program, folder, group):
    make_keys(folder)
    with daemon(program, folder) as d:
        rescue = d.pid("rescue")
        status = open(f"/proc/{rescue}/status").read()
        verb = [program, "status", "--json", "--socket", d.socket]

        def own():
            return json.loads(subprocess.run(verb, stdout=subprocess.PIPE).stdout or "{}").get("self", {})

        real_time = os.sched_getscheduler(rescue) & ~os.SCHED_RESET_ON_FORK == os.SCHED_FIFO
        known = becomes(lambda: own().get("rescue_pid") == rescue and own()["rescue_real_time"] == real_time)
        check(known, "status knows it, and whether it has a real-time share", str(own()))
        check(re.search(r"CapEff:\s+0+\n", status) and re.search(r"Seccomp:\s+[02]\n", status), "it has no capabilities")
        check(os.geteuid() != 0 or not re.search(r"Uid:\s+0\s", status), "and isn't root")
        check(oct(os.stat(f"{folder}/data/rescue_host_key").st_mode & 0o777) == "0o600", "its host key is its own")
        commands(check, d)
        doors(check, d)
        person(check, d)
        if group:
            acts(check, d, group)
        alone(check, d, group)
        starving(check, d, group)
        starving_inside(check, d)
        attacks(check, d)
        rescue = d.pid("rescue")
        d.child.send_signal(signal.SIGHUP)
        check(becomes(lambda: d.pid("rescue") not in (rescue, None)), "a reload starts it anew")
        check(becomes(lambda: d.ask("help")[0] == 0), "with the same host key")
        os.kill(d.pid("rescue"), signal.SIGKILL)
        check(becomes(lambda: d.ask("help")[0] == 0), "killed, it is started again")
        check(d.end() == 0 and not d.pid("rescue"), "SIGTERM ends it")
        check(os.listdir(f"{folder}/run") == [], "and leaves nothing beside the socket", str(os.listdir(f"{folder}/run")))
    serial(check, program, folder, group)
    full_disk(check, program, folder, group)
    for listen in ("0.0.0.0:9722", "[::]:9722", "127.0.0.1", "127.0.0.1:0", "example.org:9722"):
        with open(f"{folder}/wrong.yaml", "w") as file:
            file.write(f'rescue: {{listen: "{listen}"}}\n')
        done = subprocess.run([program, "check-config", "--config", f"{folder}/wrong.yaml"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        check(done.returncode == 1 and b"rescue.listen" in done.stdout, f"refused as an address: {listen}", done.stdout.decode())


def main():
    tap = Tap()
    if os.geteuid() != 0 or not all(map(shutil.which, ("ssh", "ssh-keygen", "chrt"))):
        print("1..0 # SKIP needs root and openssh-client")
        return 0
    with tempfile.TemporaryDirectory(prefix="sexton-rescue-") as folder:
        os.chmod(folder, 0o755)  # its parts run as users of their own
        group = Group(ACTED) if possible() else None
        try:
            look(tap.check, os.path.abspath(sys.argv[1]), folder, group)
        finally:
            if group:
                group.remove()
        tap.check(not group or not group.left(), "no group is left")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
