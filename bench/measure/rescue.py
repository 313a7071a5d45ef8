"""From connect to the answer of the rescue console while 200 tasks fight for the CPUs and a hog uses up its memory
group; beside it, in turn, the host's usual way in: sshd and `ps`.

Clients run at real time: they stand for somebody on another machine.
"""

import contextlib
import math
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from harness.host import first_in_line
from harness.report import Row
from harness.sexton import Sexton

LOOPS, LIMIT, AT_ONCE = 200, 256 << 20, 15  # s that one round of load may last
MEMORY = "/sys/fs/cgroup/memory"
HOG = "kept = []\nwhile True:\n    kept.append(bytearray(1 << 20))\n"


def _port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def _child(*command):
    p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         start_new_session=True)  # fmt: skip
    try:
        yield p
    finally:
        os.killpg(p.pid, signal.SIGKILL)
        p.wait()


@contextlib.contextmanager
def _load():
    """Bounded by itself, too, should this process be killed."""
    group = f"{MEMORY}/sexton-bench-{os.getpid()}"
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            os.mkdir(group)
            with open(f"{group}/memory.limit_in_bytes", "w") as file:
                file.write(str(LIMIT))
            eat = f'echo $$ >{group}/cgroup.procs; while :; do "$@"; done'
            hog = _child("timeout", str(2 * AT_ONCE), "sh", "-c", eat, "sh", sys.executable, "-c", HOG)
            stack.callback(_remove, group)
            stack.enter_context(hog)
        for _ in range(LOOPS):
            stack.enter_context(_child("timeout", str(2 * AT_ONCE), "sh", "-c", "while :; do :; done"))
        yield


def _remove(group):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            os.rmdir(group)
            return
        time.sleep(0.05)


def _ssh(folder, port, user, *words):
    return ["ssh", "-F", "none", "-p", str(port), "-i", f"{folder}/id", "-o", "BatchMode=yes",
            "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "StrictHostKeyChecking=no",
            "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", f"{user}@127.0.0.1", *words]  # fmt: skip


def _ask(command, most=20):
    """Seconds until it had answered; infinite when it didn't."""
    start = time.monotonic()
    try:
        with first_in_line(heirs=True):
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=most)
    except subprocess.TimeoutExpired:
        return float("inf")
    return time.monotonic() - start if done.returncode == 0 and done.stdout else float("inf")


@contextlib.contextmanager
def _sshd(folder):
    """A port, or None without the package."""
    port, program = _port(), shutil.which("sshd") or "/usr/sbin/sshd"
    if not os.path.exists(program):
        yield None
        return
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{folder}/host"], check=True)
    os.makedirs("/run/sshd", exist_ok=True)
    with open(f"{folder}/sshd_config", "w") as file:
        file.write(f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/keys\n"
                   f"PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin prohibit-password\n")  # fmt: skip
    with _child(program, "-D", "-f", f"{folder}/sshd_config"):
        end = time.monotonic() + 10
        while time.monotonic() < end and _ask(_ssh(folder, port, "root", "ps", "-e")) > 5:
            time.sleep(0.1)
        yield port


def _rounds(bench, ways):
    """{way: seconds}: the ways in turn, in rounds of load that end before long."""
    wanted = 10 if bench.quick else 100
    took = {way: [] for way in ways}
    for _ in range(30):
        if all(len(one) >= (wanted if way == "rescue" else wanted / 10) for way, one in took.items()):
            break
        with _load():
            time.sleep(1)
            end = time.monotonic() + AT_ONCE
            while time.monotonic() < end and len(took["rescue"]) < wanted:
                for _ in range(10):
                    took["rescue"].append(_ask(ways["rescue"]))
                for way in set(ways) - {"rescue"}:
                    took[way].append(_ask(ways[way]))
        time.sleep(1)
    return {way: sorted(one) for way, one in took.items()}


def _say(took):
    late = [one for one in took if one == float("inf")]
    known = [one for one in took if one != float("inf")]
    text = f"median {statistics.median(known):.2f} s, slowest {known[-1]:.2f} s" if known else "no answer"
    return f"{text}, {len(late)} of {len(took)} without an answer in 20 s" if late else f"{text}, {len(took)} times"


def run(bench):
    with tempfile.TemporaryDirectory(prefix="sexton-bench-", dir="/var/tmp") as folder:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{folder}/id"], check=True)
        shutil.copy(f"{folder}/id.pub", f"{folder}/keys")
        os.chmod(f"{folder}/keys", 0o600)
        port = _port()
        config = {"rescue": {"listen": f"127.0.0.1:{port}", "authorized_keys": f"{folder}/keys"}, "engine": {"enabled": False}}
        with Sexton(bench.program, config), _sshd(folder) as sshd:
            ways = {"rescue": _ssh(folder, port, "rescue", "top")}
            end = time.monotonic() + 10
            while _ask(ways["rescue"]) > 5 and time.monotonic() < end:
                time.sleep(0.1)
            if sshd:
                ways["sshd"] = _ssh(folder, sshd, "root", "ps", "-e")
            took = _rounds(bench, ways)
    p99 = took["rescue"][math.ceil(len(took["rescue"]) * 0.99) - 1]
    rows = [Row("rescue console, from connect to the answer of `top`, p99", "≤ 1 s", f"{p99:.2f} s", p99 <= 1)]
    bench.report.rows(
        "rescue",
        rows,
        f"While {LOOPS} busy tasks fight for the CPUs and a hog uses up its memory group of {LIMIT >> 20} MiB, again and again."
        f" The console: {_say(took['rescue'])}. An sshd of the same host and `ps -e` in the same run:"
        f" {_say(took['sshd']) if sshd else 'not installed'}. The client has a real-time share, as one on another machine has its own"
        " CPU; its start is part of the time.",
    )
