#!/usr/bin/env python3
"""The unit under a real systemd, which is PID 1 of namespaces of its own: started with all its hardening, reloaded,
killed, hung, and stopped. And what becomes of a limit when systemd sets all limits of units anew.

Prints TAP.

    unit.py PROGRAM
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from groups.yard import Daemon  # noqa: E402
from package_root import build, unpack_root, why_not  # noqa: E402
from tap import Tap  # noqa: E402
from waiting import becomes  # noqa: E402

# A host as systemd wants to find it: fresh /proc, /sys, /run, a small /dev, a control group as the root of all, and mounts
# that are shared, because it hands over credentials by them.
BOOT = """
root=$1; mount --make-rprivate /; mount --bind "$root" "$root"; cd "$root"
mount -t proc proc proc; mount -t sysfs sysfs sys; mount -t tmpfs tmpfs run; mount -t tmpfs tmpfs dev
for name in null zero full random urandom tty kmsg; do touch dev/$name; mount --bind /dev/$name dev/$name; done
mkdir dev/pts dev/shm dev/mqueue dev/hugepages
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts; mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd; eval "$2"
mkdir -p old; pivot_root . old; umount -l old; mount --make-rshared /
exec env -i container=sexton-test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --show-status=no --log-target=journal
"""


V2 = "mount -t cgroup2 cgroup2 sys/fs/cgroup"
# Controllers of version 1 are mounted by systemd itself.
V1 = """mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup; mkdir sys/fs/cgroup/unified sys/fs/cgroup/systemd
mount -t cgroup2 cgroup2 sys/fs/cgroup/unified; mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd"""


def hierarchies(*kinds):
    """Where those are mounted that a new group can be made in without ado."""
    with open("/proc/self/mounts") as file:
        mounts = [line.split() for line in file]
    return [mount[1] for mount in mounts if mount[2] in kinds and "cpuset" not in mount[3].split(",")]


class Host:
    """A systemd of our own."""

    def __init__(self, root, v1=False):
        tops = hierarchies("cgroup", "cgroup2") if v1 else hierarchies("cgroup2")[:1] or ["/nonexistent"]
        self.groups = [f"{top}/sexton-unit-{os.getpid()}" for top in tops]
        for group in self.groups:
            os.mkdir(group)
        self.log = open(f"{root}.log", "w+")
        enter = "".join(f"echo $$ >{group}/cgroup.procs; " for group in self.groups)
        enter += 'exec unshare -m -p -C -u -i -n --kill-child --fork sh -ec "$0" sh "$1" "$2"'
        self.child = subprocess.Popen(
            ["sh", "-ec", enter, BOOT, root, V1 if v1 else V2], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
        )

    def run(self, *command):
        with open(f"/proc/{self.child.pid}/task/{self.child.pid}/children") as file:
            init = file.read().split()
        if not init:
            return 1, ""
        done = subprocess.run(
            ["nsenter", "-t", init[0], "-a", *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        return done.returncode, done.stdout.strip()

    def is_up(self):
        return becomes(lambda: self.run("systemctl", "is-system-running")[1] in ("running", "degraded"))

    def property(self, name):
        return self.run("systemctl", "show", "--value", "-p", name, "sexton.service")[1]

    def status(self):
        code, text = self.run("sexton", "status", "--json")
        return json.loads(text) if code in (0, 1) else {}

    def kill(self, role, signal):
        return self.run("sh", "-c", f"kill -{signal} {self.status()['self'][f'{role}_pid']}")

    def end(self):
        self.child.kill()
        self.child.wait()
        # a group is empty once the kernel has buried all that was in it
        for group in self.groups:
            becomes(lambda group=group: not remove_groups(group))


def remove_groups(top):
    """Removes a tree of control groups; true while something is left."""
    for folder, _, _ in os.walk(top, topdown=False):
        try:
            os.rmdir(folder)
        except OSError:
            pass
    return os.path.exists(top)


def write(host, path, text):
    host.run("sh", "-c", f"mkdir -p $(dirname {path}); printf '%s\\n' '{text}' >{path}; systemctl daemon-reload")


def look(check, host):
    # The namespaces have no network, and patience is shortened.
    write(host, "/etc/sexton/conf.d/test.yaml", 'listen: ""')
    write(host, "/run/systemd/system/sexton.service.d/test.conf", "[Service]\nWatchdogSec=4\nLoadCredential=pager:/etc/pager")
    host.run("sh", "-c", "umask 077; echo t0kens3cret >/etc/pager")
    hook = '{name: hook, type: webhook, url: "http://127.0.0.1:9/", token_file: pager}'
    write(host, "/etc/sexton/conf.d/notify.yaml", f"notify: [{hook}]")
    code, text = host.run("dpkg", "-i", "/opt/sexton.deb")
    check(code == 0, "the package is installed", text)
    journal = ("journalctl", "-b", "-u", "sexton", "--no-pager", "-o", "short-monotonic")
    if not check(becomes(lambda: host.property("ActiveState") == "active"), "the unit is active", host.run(*journal)[1]):
        return
    check(becomes(lambda: host.status().get("self", {}).get("recorder_pid")), "and answers")
    check(host.property("StatusText").startswith("Watching by"), "systemctl status says what it does")
    check(host.property("ControlGroup") == "/sexton.slice/sexton.service", "it is in its own slice")
    check(host.property("NRestarts") == "0", "it was started once", host.run(*journal)[1])
    code, text = host.run("sexton", "doctor")
    sources = host.status().get("sources", {})
    outside = subprocess.run(["sh", "-c", f"{sys.argv[1]} doctor"], stdout=subprocess.PIPE, text=True).stdout
    if "ok      bpf" in outside:
        # They are loaded, and then not used: they tell the host's pids, and this systemd has others.
        check("pid namespace" in (sources.get("why_not_bpf") or ""), "its hardening lets it load BPF programs", json.dumps(sources))
    guard = host.status()["self"]["guard_pid"]
    limits = host.run("sh", "-c", f"grep VmLck /proc/{guard}/status; cut -d' ' -f41 /proc/{guard}/stat")[1].split()
    check(int(limits[1]) > 0, "its guard is locked into memory", limits)
    check(limits[-1] == "1" or "ok      realtime" not in outside, "and has its share of real time", limits)
    held = host.run("sh", "-c", f"readlink /proc/{guard}/fd/*")[1].split()
    check("/dev/kmsg" in held, "and reads the kernel's log", held)
    written = 'test -n "$(find /var/lib/sexton -type f -user sexton -size +0)"'
    check(becomes(lambda: host.run("sh", "-c", written)[0] == 0), "it keeps history on disk, as its user", host.run(*journal)[1])
    told = host.run("sexton", "notify", "test")[1]
    check("onnect" in told and "t0kens" not in told, "it gets a notifier's secret as a credential, and tries to tell", told)
    code, text = host.run("systemctl", "reload", "sexton")
    check(code == 0, "it is reloaded", host.run(*journal)[1])
    check("configuration reloaded" in host.run(*journal)[1], "and says so in the journal")
    write(host, "/etc/sexton/conf.d/wrong.yaml", "grac: 5s")
    check(host.run("systemctl", "reload", "sexton")[0] != 0, "a reload with a mistake fails")
    check("did you mean grace?" in host.run(*journal)[1], "and the journal has the mistake")
    host.run("rm", "/etc/sexton/conf.d/wrong.yaml")
    check(host.property("ActiveState") == "active" and host.status(), "and it goes on")
    host.kill("recorder", "KILL")
    check(becomes(lambda: host.status().get("self", {}).get("recorder_pid")), "a killed recorder is replaced")
    errors = host.run(*journal, "-p", "err")[1]
    check("recorder ended by signal 9" in errors, "which is an error in the journal", errors)
    check(host.property("NRestarts") == "0", "without systemd's help")
    units_obey(check, host)
    host.kill("guard", "STOP")
    check(becomes(lambda: host.property("NRestarts") == "1"), "a hung guard makes the watchdog start all anew", host.run(*journal)[1])
    check(becomes(host.status), "and it answers again")
    code, text = host.run("systemctl", "stop", "sexton")
    check(code == 0 and host.property("Result") == "success", "it is stopped", host.run(*journal)[1])
    check(host.run("dpkg", "--purge", "sexton")[0] == 0, "and purged")


def knows(host, service):
    def known():
        code, text = host.run("sexton", "services", "--json")
        listed = json.loads(text)["services"] if code in (0, 1) else []
        return any(one["service"] == service and one["processes"] for one in listed)

    return becomes(known)


def demo(host, name):
    return host.run("systemctl", "show", "--value", "-p", name, "demo.service")[1]


def units_obey(check, host):
    """A unit is stopped, restarted and started by systemd, which then doesn't bring it back, or does."""
    write(host, "/run/systemd/system/demo.service", "[Service]\nExecStart=/bin/sleep infinity\nRestart=always\nRestartSec=0")
    host.run("systemctl", "start", "demo")
    if not check(knows(host, "demo.service"), "another unit is known", host.run("systemctl", "status", "--no-pager", "demo")[1],
                 host.run("sexton", "services", "--all")[1]):  # fmt: skip
        return
    before = demo(host, "MainPID")
    code, text = host.run("sexton", "restart", "demo.service")
    check(code == 0 and demo(host, "ActiveState") == "active", "it is restarted", text)
    check(demo(host, "MainPID") not in ("0", before) and demo(host, "NRestarts") == "0", "by systemd, at a word")
    knows(host, "demo.service")
    code, text = host.run("sexton", "stop", "demo.service")
    check(code == 0 and demo(host, "ActiveState") == "inactive", "it is stopped", text)
    check(demo(host, "Result") == "success", "and systemd, which was asked, doesn't bring it back", demo(host, "Result"))
    host.run("systemctl", "start", "demo")
    knows(host, "demo.service")
    code, text = host.run("sexton", "quarantine", "demo.service")
    check(code == 0 and demo(host, "ActiveState") == "inactive", "it is quarantined", text)
    code, text = host.run("sexton", "release", "demo.service")
    check(becomes(lambda: demo(host, "ActiveState") == "active"), "and started again at its release", text)


def stands_through_reload(check, host):
    """systemd writes its own value into the group of every unit at a daemon-reload. The daemon is one outside: inside it
    would see but a part of the control groups, which it leaves alone."""
    write(host, "/run/systemd/system/demo.service", "[Service]\nExecStart=/bin/sleep infinity\nTasksMax=300")
    host.run("systemctl", "start", "demo")
    unit = f"/{os.path.basename(host.groups[0])}/system.slice/demo.service"  # as it is called from outside

    def limit():
        return host.run("cat", "/sys/fs/cgroup/pids/system.slice/demo.service/pids.max")[1]

    with tempfile.TemporaryDirectory(prefix="sexton-reload-") as folder:
        os.chmod(folder, 0o755)
        daemon = Daemon(os.path.abspath(sys.argv[1]), folder, unit)
        try:
            if not check(becomes(lambda: daemon.knows(unit)), "a unit is known from outside", daemon.said()):
                return
            answer = daemon.verb("limit", unit, "--pids", "50")
            check(answer[0] == 0 and limit() == "50", "one that may have 300 tasks is limited to 50", answer)
            host.run("systemctl", "daemon-reload")

            def put_back():
                return any(one["reasserted"] for one in daemon.json("actions")["actions"]) and limit() == "50"

            check(becomes(put_back), "systemctl daemon-reload undoes that, and it is put back", limit())
            daemon.verb("release", unit)
            check(limit() == "300", "its own limit comes back at the release", limit())
        finally:
            daemon.end()


def with_systemd(tap, root, look, v1=False):
    try:
        host = Host(root.path, v1)
    except OSError as error:
        tap.skip("systemd", f"no control groups of our own: {error}")
        return
    try:
        if host.is_up():
            look(tap.check, host)
        else:
            host.log.seek(0)
            said = " ".join(host.log.read().split())[-200:].replace("#", "")
            tap.skip("systemd", f"it can't be PID 1 of namespaces here: {said}")
    finally:
        host.end()
    tap.check(not any(map(os.path.exists, host.groups)), "no control group is left")


def main():
    reason = why_not()
    if reason:
        print(f"1..0 # SKIP {reason}")
        return 0
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="sexton-unit-") as folder:
        os.chmod(folder, 0o755)
        deb = build(sys.argv[1], folder)
        root = unpack_root(deb, folder)
        shutil.copy(deb, root.at("/opt/sexton.deb"))
        with_systemd(tap, root, look)
        if any(top.endswith("/pids") for top in hierarchies("cgroup")):
            with_systemd(tap, root, stands_through_reload, v1=True)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
