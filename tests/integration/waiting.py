"""Waiting for a condition, never for a length of time."""

import time

WAIT = 60  # seconds, at most


def becomes(condition, seconds=WAIT):
    """Whether it comes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
