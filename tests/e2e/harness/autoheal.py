"""What docker-autoheal does, which is an image that tests can't pull: it restarts what is labelled and unhealthy."""

import contextlib
import json
import threading
import urllib.parse

FILTERS = {"health": ["unhealthy"], "label": ["autoheal=true"]}


@contextlib.contextmanager
def autoheal(engine):
    """Works for the length of a with block. Yields the list of those that it has restarted."""
    restarted, over = [], threading.Event()

    def work():
        query = urllib.parse.quote(json.dumps(FILTERS))
        while not over.wait(1):
            for one in engine.api("GET", f"/containers/json?filters={query}"):
                restarted.append(one["Names"][0].lstrip("/"))
                engine.api("POST", f"/containers/{one['Id']}/restart?t=1")

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield restarted
    finally:
        over.set()
        thread.join()
