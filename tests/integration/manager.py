#!/usr/bin/env python3
"""What a service manager is told: ready, reloading, stopping, and the watchdog only while guard and recorder work.
And that lines have levels where standard error is the journal, and only there.

Prints TAP.

    manager.py PROGRAM
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

from tap import Tap
from waiting import WAIT, becomes

WATCHDOG = 4  # seconds; it is told every two


class Manager:
    """A socket that hears, and a `sexton run` that speaks to it."""

    def __init__(self, program, folder, journal, options=(), group=None):
        self.program = program
        self.socket = f"{folder}/sock"
        self.heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.heard.bind(f"{folder}/notify")
        self.log = open(f"{folder}/log", "w+b")
        stat = os.fstat(self.log.fileno())
        stream = f"{stat.st_dev}:{stat.st_ino}" if journal else "1:1"
        environment = {
            **os.environ, "NOTIFY_SOCKET": f"{folder}/notify", "WATCHDOG_USEC": str(WATCHDOG * 1000000), "JOURNAL_STREAM": stream,
        }  # fmt: skip
        command = [program, "run", "--data-dir", f"{folder}/data", "--socket", self.socket, "--listen", "", *options]
        if group:
            command = ["sh", "-c", f'echo $$ >{group}/cgroup.procs; exec "$@"', "sh", *command]
        self.child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def says(self, what, within=WAIT):
        """The first message that has this line; None when it doesn't come."""
        end = time.monotonic() + within
        while (left := end - time.monotonic()) > 0:
            self.heard.settimeout(left)
            try:
                message = self.heard.recv(4096).decode()
            except TimeoutError:
                break
            if re.search(f"^{what}", message, re.MULTILINE):
                return message
        return None

    def forget(self):
        """Passes over what was said until now."""
        self.heard.setblocking(False)
        try:
            while self.heard.recv(4096):
                pass
        except BlockingIOError:
            pass

    def part(self, role):
        """Its pid, which is known a second after the start at the latest."""
        end = time.monotonic() + WAIT
        while True:
            done = subprocess.run([self.program, "status", "--json", "--socket", self.socket], stdout=subprocess.PIPE)
            pid = json.loads(done.stdout)["self"][f"{role}_pid"] if done.stdout else None  # while a part is started again
            if pid or time.monotonic() > end:
                return pid
            time.sleep(0.05)

    def lines(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace").splitlines()


def look_at_hanging(check, manager, role):
    pid = manager.part(role)
    os.kill(pid, signal.SIGSTOP)
    try:
        check(manager.says("STATUS=Hanging"), f"a {role} that hangs is told")
        manager.forget()
        check(not manager.says("WATCHDOG=1", WATCHDOG), f"the watchdog hears nothing while the {role} hangs")
    finally:
        os.kill(pid, signal.SIGCONT)
    check(manager.says("WATCHDOG=1"), f"the watchdog hears again once the {role} goes on")
    told = becomes(lambda: any(f"the {role} " in line and line.endswith(": no longer") for line in manager.lines()))
    check(told, "and the log tells that it does", *manager.lines()[-5:])


def look(check, program, folder):
    manager = Manager(program, folder, journal=True)
    try:
        check("STATUS=Watching" in (manager.says("READY=1") or ""), "it is ready, and says what it does")
        done = subprocess.run([program, "status", "--socket", manager.socket], stdout=subprocess.DEVNULL)
        check(done.returncode in (0, 1), "and it answers then")
        check(manager.says("WATCHDOG=1"), "the watchdog is told")
        for role in ("recorder", "guard"):
            look_at_hanging(check, manager, role)
        with open(f"/proc/{manager.part('guard')}/environ", "rb") as file:
            check(b"NOTIFY_SOCKET" not in file.read(), "its parts can't speak for it")
        manager.forget()
        manager.child.send_signal(signal.SIGHUP)
        check("MONOTONIC_USEC=" in (manager.says("RELOADING=1") or ""), "a reload is told, with its time")
        check(manager.says("READY=1"), "and its end")
        manager.child.terminate()
        check(manager.says("STOPPING=1"), "stopping is told")
        check(manager.child.wait(WAIT) == 0, "and it stops")
    finally:
        if manager.child.poll() is None:
            manager.child.kill()
    lines = manager.lines()
    check(lines and all(re.match(r"<[3-7]>[a-z]+: ", line) for line in lines), "in the journal each line has its level", *lines)
    check(any(line.startswith("<4>run: ") for line in lines), "a warning is one", *lines)


def look_elsewhere(check, program, folder):
    manager = Manager(program, folder, journal=False)
    try:
        check(manager.says("READY=1"), "with standard error elsewhere it is ready, too")
    finally:
        manager.child.terminate()
        manager.child.wait(WAIT)
    check(all(line.startswith("sexton-") for line in manager.lines()), "and lines have names instead of levels", *manager.lines())


class Device:
    """A FIFO in the place of the kernel's watchdog."""

    def __init__(self, path):
        os.mkfifo(path)
        self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def heard(self):
        try:
            return os.read(self.fd, 4096)
        except BlockingIOError:
            return b""


def look_without_manager(check, program, folder):
    """Sexton's own watchdog: who hangs is started again, alone; and the kernel's is fed while the guard moves."""
    device = Device(f"{folder}/watchdog")
    with open(f"{folder}/sexton.yaml", "w") as file:
        file.write(f"watchdog: {{hang: 5s, device: {folder}/watchdog}}\n")
    manager = Manager(program, folder, journal=False, options=("--config", f"{folder}/sexton.yaml"))
    try:
        check(manager.says("READY=1"), "it is ready")
        check(becomes(lambda: device.heard() == b"\0"), "the kernel's watchdog is fed")
        pids = {role: manager.part(role) for role in ("guard", "recorder", "supervisor")}
        for role in ("guard", "recorder"):
            os.kill(pids[role], signal.SIGSTOP)
            check(becomes(lambda role=role: any(f"the {role} hangs" in line for line in manager.lines())), f"a {role} that hangs is ended")
            check(becomes(lambda role=role: manager.part(role) not in (0, pids[role])), "and there is another")
            pids[role] = manager.part(role)
        check({role: manager.part(role) for role in pids} == pids, "the others stayed", pids)
        device.heard()
        check(becomes(lambda: device.heard() == b"\0"), "the kernel's watchdog is fed again")
    finally:
        manager.child.terminate()
        manager.child.wait(WAIT)
    check(device.heard().endswith(b"V"), "and told at the end that it is no longer wanted")
    os.close(device.fd)


def may_lower_oom_score():
    child = os.fork()
    if not child:
        try:
            with open("/proc/self/oom_score_adj", "w") as file:
                file.write("-999")
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def is_real_time(pid):
    return os.sched_getscheduler(pid) & ~os.SCHED_RESET_ON_FORK == os.SCHED_FIFO


def look_in_a_small_group(check, program, folder):
    """A control group of version 1 that has no real-time share."""
    root = "/sys/fs/cgroup/cpu"
    if os.geteuid() or not os.path.exists(f"{root}/cpu.rt_runtime_us"):
        print("# skipped: this kernel's CPU groups have no real-time shares of their own, or I am not root")
        return
    group = f"{root}/sexton-test-{os.getpid()}"
    os.mkdir(group)
    manager = Manager(program, folder, journal=False, group=group)
    try:
        check(manager.says("READY=1"), "it is ready in a group without a real-time share")
        pid = manager.part("guard")
        check(becomes(lambda: is_real_time(pid)), "its guard has one all the same")
        if may_lower_oom_score():
            with open(f"/proc/{pid}/oom_score_adj") as file:
                check(file.read() == "-999\n", "and is far from the OOM killer")
        else:
            print("# skipped: nobody may lower oom_score_adj here")
        done = subprocess.run([program, "status", "--json", "--socket", manager.socket], stdout=subprocess.PIPE)
        check(json.loads(done.stdout)["self"]["guard_real_time"] is True, "status says so")
        with open(f"/proc/{pid}/limits") as file:
            bound = next(line for line in file if line.startswith("Max realtime timeout")).split()[3]
        check(bound == "1000000", "which the kernel bounds to a second without a pause", bound)
        os.kill(pid, signal.SIGXCPU)  # as the kernel does then
        check(becomes(lambda: not is_real_time(pid)), "who takes longer is one among many")
        told = becomes(lambda: any("a second without a pause" in line for line in manager.lines()))
        check(told, "which is told", *manager.lines()[-5:])
        check(becomes(lambda: is_real_time(pid)), "and gets its share back")
    finally:
        manager.child.terminate()
        manager.child.wait(WAIT)
        os.rmdir(group)


def main():
    tap = Tap()
    for scene in (look, look_elsewhere, look_without_manager, look_in_a_small_group):
        with tempfile.TemporaryDirectory(prefix="sexton-manager-") as folder:
            os.chmod(folder, 0o755)  # its parts run as users of their own
            scene(tap.check, os.path.abspath(sys.argv[1]), folder)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
