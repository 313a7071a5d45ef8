"""An HTTP server on loopback whose paths behave badly, each in a way of its own, and which keeps what it is sent."""

import http.server
import json
import threading
import time


class Liars:
    def __init__(self):
        self.got = []  # (time, path, headers, body)
        self.changed = threading.Condition()
        self.failures = {}  # path -> how many more times it fails
        self.stop = threading.Event()

    def __enter__(self):
        liars = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with liars.changed:
                    liars.got.append((time.monotonic(), self.path, dict(self.headers), body))
                    liars.changed.notify_all()
                getattr(self, "on_" + self.path.strip("/").split("/")[0].split("?")[0], self.on_ok)(body)

            def say(self, status, text="", headers=()):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def failing(self):
                with liars.changed:
                    left = liars.failures.get(self.path, 0)
                    liars.failures[self.path] = max(0, left - 1)
                return left > 0

            def on_ok(self, body):
                self.say(200, "ok")

            def on_broken(self, body):  # 500 for a while, and repeats the secret it was told
                self.say(500, f"oops {self.headers.get('Authorization')}") if self.failing() else self.say(200, "ok")

            def on_busy(self, body):
                self.say(429, "slow down", [("Retry-After", "3")]) if self.failing() else self.say(200, "ok")

            def on_refuses(self, body):
                self.say(400, "no such thing")

            def on_elsewhere(self, body):
                self.say(302, "", [("Location", "/ok/stolen")])

            def on_hangs(self, body):
                liars.stop.wait(60)
                self.close_connection = True

            def on_closes(self, body):
                self.close_connection = True

            def on_half(self, body):
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
                self.close_connection = True

            def on_trickles(self, body):
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
                while not liars.stop.wait(0.2):
                    try:
                        self.wfile.write(b".")
                        self.wfile.flush()
                    except OSError:
                        break
                self.close_connection = True

            def on_floods(self, body):
                self.send_response(200)
                self.end_headers()
                try:
                    for _ in range(20000):
                        self.wfile.write(b"x" * 4096)
                except OSError:
                    pass
                self.close_connection = True

            def on_slack(self, body):
                self.say(200, "no_service") if self.failing() else self.say(200, "ok")

            def on_ntfy(self, body):
                said = json.loads(body)
                if self.failing():
                    self.say(200, "<html>please log in</html>", [("Content-Type", "text/html")])
                else:
                    self.say(200, json.dumps({"id": "x1", "event": "message", "topic": said["topic"]}))

            def on_pagerduty(self, body):
                said = json.loads(body)
                if said.get("routing_key") != "r0utingkey":
                    self.say(400, json.dumps({"status": "invalid event", "message": "Event object is invalid"}))
                else:
                    self.say(202, json.dumps({"status": "success", "dedup_key": said["dedup_key"]}))

            def log_message(self, *unused):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *unused):
        self.stop.set()
        self.server.shutdown()
        self.server.server_close()

    def of(self, path):
        """(reason or None, body) of what came to a path, in order, tests left out."""
        with self.changed:
            return [
                (headers.get("X-Sexton-Reason"), json.loads(body) if body else None)
                for _, at, headers, body in self.got
                if at == path and headers.get("X-Sexton-Reason") != "test"
            ]

    def forget(self):
        with self.changed:
            self.got.clear()
