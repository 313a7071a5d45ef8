"""A webhook's far end: takes every notification and keeps it."""

import http.server
import json
import threading


class Hook:
    def __init__(self):
        self.told = []  # bodies, in the order they came
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.told.append(json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *unused):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def of(self, identity):
        """(state, severity) of each notification of one incident."""
        return [(one["state"], one["severity"]) for one in self.told if one["id"] == identity]

    def close(self):
        self._server.shutdown()
        self._server.server_close()
