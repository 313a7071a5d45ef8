"""Waiting on conditions instead of on the clock."""

import time


class Timeout(Exception):
    pass


def wait_until(predicate, timeout, what, every=0.25):
    """The first true value of predicate(). An exception in it counts as "not yet" and is told if time runs out."""
    deadline = time.monotonic() + timeout
    while True:
        problem = None
        try:
            value = predicate()
            if value:
                return value
        except Exception as error:  # whatever it is, it may pass, and it is named if it doesn't
            value, problem = None, error
        if time.monotonic() >= deadline:
            last = f"{type(problem).__name__}: {problem}" if problem else repr(value)
            raise Timeout(f"{what}: not within {timeout:g} s; last seen: {last}")
        time.sleep(every)
