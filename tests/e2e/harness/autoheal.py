"""What docker-autoheal does, which is an image that tests can't pull: it restarts what is labelled and unhealthy."""

import json
import threading
import urllib.parse

from .engine import EngineError

FILTERS = {"health": ["unhealthy"], "label": ["autoheal=true"]}


class Autoheal:
    """Works for the length of a with block. `restarted` has the names of those it has healed, `rounds` how often it looked."""

    def __init__(self, engine):
        self.restarted = []
        self.rounds = 0
        self._engine = engine
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _work(self):
        query = urllib.parse.quote(json.dumps(FILTERS))
        while not self._over.wait(1):
            for one in self._engine.api("GET", f"/containers/json?filters={query}"):
                self._heal(one)
            self.rounds += 1

    def _heal(self, container):
        try:
            self._engine.api("POST", f"/containers/{container['Id']}/restart?t=1")
            self.restarted.append(container["Names"][0].lstrip("/"))
        except EngineError:
            pass  # it went meanwhile: its test is over
