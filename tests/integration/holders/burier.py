"""Asks the process that buries, over its link, as the guard does (act/bury.h)."""

import os
import socket
import struct
import subprocess
from collections import namedtuple

UNKNOWN, ADOPTED, OWN = range(3)
_TICK_NS = 10**9 // os.sysconf("SC_CLK_TCK")
_HEAD, _DEAD, _RESULT = "=IiQQQ??2xI", "=iIQQ", "=8I4Qi"
Answer = namedtuple("Answer", "end buried skipped refused verdict left stops held held_max queued waited_faults text")


def stat(pid):
    """(state, parent, start time in ns)."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return fields[0], int(fields[1]), int(fields[19]) * _TICK_NS


def start_ns(pid):
    return stat(pid)[2]


def children(pid):
    """Of every thread."""
    found = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/children") as file:
            found += map(int, file.read().split())
    return found


def dead_of(pid):
    """[(pid, start time)] of its children that are dead."""
    found = []
    for child in children(pid):
        try:
            state, _, start = stat(child)
        except OSError:
            continue
        if state == "Z":
            found.append((child, start))
    return found


class Burier:
    """`sexton child bury`; ended with the with block."""

    def __init__(self, program):
        self._program = program

    def __enter__(self):
        self._link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._link.settimeout(60)
        alive, self._alive = os.pipe()
        command = [self._program, "child", "bury", f"bury={theirs.fileno()}", f"alive={alive}"]
        self.child = subprocess.Popen(command, pass_fds=[theirs.fileno(), alive], stdin=subprocess.DEVNULL)
        theirs.close()
        os.close(alive)
        return self

    def __exit__(self, *unused):
        os.close(self._alive)
        self._link.close()
        self.child.wait(30)

    def ask(self, holder, dead, birth=ADOPTED, forced=False, start=None, waited_faults=0, restarting=True):
        head = struct.pack(_HEAD, 1, holder, start or start_ns(holder), 0, waited_faults, forced, restarting, len(dead))
        self._link.send(head + b"".join(struct.pack(_DEAD, pid, birth, born, 0) for pid, born in dead))

    def bury(self, *args, **options):
        self.ask(*args, **options)
        message = self._link.recv(4096)
        numbers = struct.unpack_from(_RESULT, message)[1:]
        text = message[struct.calcsize(_RESULT) :].split(b"\0")[0].decode()
        times = [ns / 10**9 for ns in numbers[7:10]]
        return Answer(*numbers[:7], *times, numbers[10], text)
