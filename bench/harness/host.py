"""What the host grants the observer for the time of a measure: the CPU before all others, a console that is silent."""

import contextlib
import os

PRINTK = "/proc/sys/kernel/printk"


@contextlib.contextmanager
def first_in_line(heirs=False):
    """Whoever looks while tasks fight for the CPUs must get one, or measures itself. heirs: what it starts, too."""
    policy = os.SCHED_RR if heirs else os.SCHED_RR | os.SCHED_RESET_ON_FORK
    try:
        os.sched_setscheduler(0, policy, os.sched_param(1))
    except OSError as error:
        print(f"         without real-time scheduling for the observer ({error})", flush=True)
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@contextlib.contextmanager
def silent_console():
    """The kernel tells of each process that it kills for memory. On a serial console that takes milliseconds, in which the
    CPU does nothing else."""
    with open(PRINTK) as file:
        before = file.read().split()
    _set_console([str(min(1, int(before[0]))), *before[1:]])
    try:
        yield
    finally:
        _set_console(before)


def _set_console(levels):
    try:
        with open(PRINTK, "w") as file:
            file.write(" ".join(levels))
    except OSError as error:
        print(f"         the console stays as it is ({error})", flush=True)
