"""Memory and CPU of process trees, in windows in which others did next to nothing."""

import statistics
import time

from . import procfs
from .report import percent

# Each window holds one scrape of each exporter. Those in which others started more processes than this don't count,
# because they measure the others.
WINDOW, QUIET = 15, 30


def measure(roots, windows):
    """{name: (PSS in bytes, cores)}, births a second by others, whether enough windows were quiet, and what Sexton
    uses at no births at all and for each, by a straight line through all windows."""
    quiet, noisy = [], []
    while len(quiet) < windows and len(quiet) + len(noisy) < 2 * windows:
        meter = procfs.CpuMeter(roots)
        births = procfs.births()
        time.sleep(WINDOW)
        births = (procfs.births() - births) / WINDOW
        (quiet if births <= QUIET else noisy).append((meter.ratios(), births))
    counted = quiet if len(quiet) >= windows else quiet + noisy
    cpu = {name: statistics.mean(ratios[name] for ratios, _ in counted) for name in roots}
    line = ""
    if len(noisy) + len(quiet) > 2 and noisy:
        every = [(births, ratios["sexton"]) for ratios, births in quiet + noisy]
        slope, base = statistics.linear_regression([one[0] for one in every], [one[1] for one in every])
        line = f"{percent(max(0.0, base))} and {max(0.0, slope) * 1e6:.0f} µs for each birth"
    births = statistics.mean(births for _, births in counted)
    return {name: (procfs.memory_of(pid), cpu[name]) for name, pid in roots.items()}, births, counted is quiet, line
