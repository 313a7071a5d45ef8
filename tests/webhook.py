"""A webhook's far end on loopback: takes every notification, and keeps what came where and when. Tests and the bench
use it."""

import http.server
import json
import threading
import time


class Webhook:
    def __init__(self):
        self.got = got = []  # (time, path, body), in the order they came

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                got.append((time.monotonic(), self.path, body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *unused):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def told(self):
        """The bodies, as JSON."""
        return [json.loads(body) for _, _, body in self.got]

    def of(self, identity):
        """(state, severity) of each notification of one incident."""
        return [(one["state"], one["severity"]) for one in self.told if one["id"] == identity]

    def first(self, path, word):
        """When a body with that word came first; None while it didn't."""
        return next((at for at, where, body in self.got if where == path and word in body), None)

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()
