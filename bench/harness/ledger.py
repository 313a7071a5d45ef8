"""Compares Sexton's ledger of zombies with full scans of /proc: a scan, the listing, a scan."""

import datetime
import time

from . import procfs

SETTLE = 0.25  # s between a scan and the listing: Sexton may gather events for 50 ms
MARGIN = 0.02  # s; clocks of listing and scan differ in resolution


def _unix(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Check:
    def __init__(self):
        self.observations = 0
        self.missing = []  # dead in both scans and not listed
        self.stale = []  # listed as dead since before the first scan, which didn't see it
        self.wrong_kind = []

    @property
    def wrong(self):
        return len(self.missing) + len(self.stale) + len(self.wrong_kind)

    def round(self, sexton, settle=SETTLE):
        started = time.time()
        before = procfs.dead()
        time.sleep(settle)
        listed = {one["pid"]: one for one in sexton.ask("zombies")["zombies"]}
        after = procfs.dead()
        for pid, (start, threads) in before.items():
            if after.get(pid, (None,))[0] != start:
                continue
            self.observations += 1
            if pid not in listed:
                self.missing.append(pid)
            elif threads == after[pid][1] and (threads > 1) != (listed[pid]["kind"] == "leader"):
                self.wrong_kind.append(pid)
        for pid, one in listed.items():
            if pid in before or pid in after or one["died_at"] is None:
                continue
            if _unix(one["died_at"]) < started - MARGIN:
                self.observations += 1
                self.stale.append(pid)
