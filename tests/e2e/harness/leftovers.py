"""Finds what a run left on the machine, and takes away what engines are known to leave."""

import glob
import os
import re

from .procfs import cgroup_mounts, mounts, read
from .waiting import Timeout, wait_until

# Folders that containerd and dockerd make outside those they were given, innermost first.
_KNOWN_FOLDERS = ("/run/containerd/s", "/run/containerd", "/run/docker/plugins", "/run/docker")
# The engine raises the first two for its containers and may switch on the third.
_KNOWN_SYSCTLS = ("kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes", "net/ipv4/ip_forward")
_VOLATILE_SYSCTLS = re.compile(
    r"fs/(dentry-state|inode-|file-nr|aio-nr|quota/)|kernel/(ns_last_pid|random/|pty/nr|tainted)|net/netfilter/nf_conntrack_count"
    r"|net/ipv4/tcp_fastopen_key"  # made up by the kernel when somebody first wants it
    r"|net/ipv[46]/(conf|neigh)/(?!all/|default/)"
)
_OURS = re.compile(r"docker|containerd|runc|sexton")


class Leftovers:
    """Made before anything is started. Only what can be told to be ours counts: other engines may be at work beside us."""

    def __init__(self):
        self._files = _files()
        self._sysctls = _sysctls()
        self._links = set(os.listdir("/sys/class/net"))
        self._cgroups = _cgroups()

    def tidy(self):
        for path in _KNOWN_FOLDERS:
            if path not in self._files:
                _rmdir(path)
        for path in sorted(_cgroups() - self._cgroups, reverse=True):
            if os.path.basename(path) == "docker":
                _rmdir(path)
        for name in _KNOWN_SYSCTLS:
            if name in self._sysctls and read(f"/proc/sys/{name}") != self._sysctls[name]:
                with open(f"/proc/sys/{name}", "wb") as file:
                    file.write(self._sysctls[name])

    def found(self, folder, engine, pids):
        """What is left, as a list of sentences. The kernel takes a moment to put things away: it is given some seconds."""
        left = []

        def none():
            left[:] = self._search(folder, engine, pids)
            return not left

        try:
            wait_until(none, 10, "nothing left")
        except Timeout:
            pass
        return left

    def _search(self, folder, engine, pids):
        ids = engine.container_ids
        yield from _processes(folder, ids, pids)
        for path, _, line in mounts():
            if folder in line or any(one in line for one in ids):
                yield f"mount {path}"
        for path in sorted(_cgroups() - self._cgroups):
            name = os.path.basename(path)
            if "sexton" in path or any(one in name for one in ids):
                yield f"cgroup {path}"
        for path in sorted(_files() - self._files):
            yield f"file {path}"
        for link in sorted(set(os.listdir("/sys/class/net")) - self._links):
            if any(link == f"br-{one[:12]}" for one in engine.network_ids):
                yield f"network interface {link}"
        now = _sysctls()
        for name, value in self._sysctls.items():
            if now.get(name, value) != value:
                yield f"sysctl {name} changed from {value!r} to {now[name]!r}"


def _processes(folder, ids, pids):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if int(pid) == os.getpid():
            continue
        where = read(f"/proc/{pid}/cmdline") + b"\n" + read(f"/proc/{pid}/cgroup")
        if int(pid) in pids or folder.encode() in where or any(one.encode() in where for one in ids):
            yield f"process {pid} {read(f'/proc/{pid}/comm').strip()!r} {read(f'/proc/{pid}/cmdline')[:200]!r}"


def _files():
    patterns = ("/run/*", "/run/*/*", "/etc/docker/*", "/etc/cni", "/opt/*", "/var/lib/*", "/var/run/*", "/dev/shm/*")
    patterns += ("/sys/fs/bpf/*", "/etc/sexton*", "/var/log/*")
    return {path for pattern in patterns for path in glob.glob(pattern) if _OURS.search(path)}


def _cgroups():
    return {path for mount in cgroup_mounts() for path, _, _ in os.walk(mount)}


def _sysctls():
    values = {}
    for path, _, names in os.walk("/proc/sys"):
        for name in names:
            key = os.path.join(path, name)[len("/proc/sys/") :]
            if not _VOLATILE_SYSCTLS.search(key):
                values[key] = read(f"/proc/sys/{key}")
    return {key: value for key, value in values.items() if value}


def _rmdir(path):
    try:
        os.rmdir(path)
    except OSError:
        pass  # somebody uses it, or it isn't there
