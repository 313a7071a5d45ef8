"""Headless Chromium, driven through its DevTools protocol over a pair of pipes: no driver, no socket, no port."""

import base64
import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import time

WAIT = 30  # seconds, at most, for anything
INTERRUPTED = "ERR_NETWORK_CHANGED"  # the browser breaks off what it loads when a network interface comes or goes
TRIES = 5
NAMES = ("chromium-headless-shell", "chromium")


class Broken(Exception):
    """The browser ended, answered with an error, or did not come to what was waited for."""


def program():
    """The browser's path, or None where there is none."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Browser:
    """A browser of its own with an empty profile; ends with the block."""

    def __enter__(self):
        self.profile = tempfile.mkdtemp(prefix="sexton-browser-")
        to_read, self._out = os.pipe()
        self._in, to_write = os.pipe()
        command = [
            program(), "--headless", "--remote-debugging-pipe", f"--user-data-dir={self.profile}", "--no-first-run",
            "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--hide-scrollbars", "--lang=en", "--no-proxy-server", "about:blank",
        ]  # fmt: skip
        if os.geteuid() == 0:
            command.insert(1, "--no-sandbox")

        # The protocol wants its pipes at 3 and 4; the shell puts them there.
        os.set_inheritable(to_read, True)
        os.set_inheritable(to_write, True)
        self.log = open(f"{self.profile}/log", "wb")
        self.child = subprocess.Popen(
            ["/bin/sh", "-c", f'exec "$@" 3<&{to_read} 4>&{to_write}', "sh", *command], close_fds=False,
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env={**os.environ, "TZ": "UTC"},
        )  # fmt: skip
        os.close(to_read)
        os.close(to_write)
        self._answers = {}
        self._events = {}  # session -> list of listeners
        self._lock = threading.Lock()
        self._last = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_):
        try:
            self.call("Browser.close")
            self.child.wait(10)
        except (Broken, subprocess.TimeoutExpired):
            self.child.kill()
            self.child.wait()
        os.close(self._out)
        self._reader.join(10)
        self.log.close()
        shutil.rmtree(self.profile, ignore_errors=True)

    def _read(self):
        rest = b""
        with os.fdopen(self._in, "rb", 0) as stream:
            while data := stream.read(1 << 16):
                *whole, rest = (rest + data).split(b"\0")
                for message in map(json.loads, whole):
                    if "id" in message:
                        self._answers.pop(message["id"]).put(message)
                    else:
                        for listener in self._events.get(message.get("sessionId"), []):
                            listener(message["method"], message["params"])
        with self._lock:
            for waiting in self._answers.values():
                waiting.put({"error": "the browser ended"})

    def call(self, method, session=None, **params):
        answer = queue.Queue()
        with self._lock:
            self._last += 1
            message = {"id": self._last, "method": method, "params": params}
            if session:
                message["sessionId"] = session
            self._answers[self._last] = answer
            try:
                os.write(self._out, json.dumps(message).encode() + b"\0")
            except OSError as error:
                raise Broken(f"{method}: {error}") from error
        try:
            result = answer.get(timeout=WAIT)
        except queue.Empty:
            raise Broken(f"{method}: no answer") from None
        if "error" in result:
            raise Broken(f"{method}: {result['error']}")
        return result["result"]

    def page(self, width=1440, height=900, phone=False):
        return Page(self, width, height, phone)


class Page:
    """One tab. Keeps every request, console message and error."""

    def __init__(self, browser, width, height, phone):
        self.browser = browser
        context = browser.call("Target.createBrowserContext")["browserContextId"]
        self.target = browser.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        self.requests = []
        self.problems = []
        browser._events[self.session] = [self._take]
        for domain in ("Page", "Runtime", "Network", "Log", "Performance"):
            self.call(f"{domain}.enable")
        self.size(width, height, phone)

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)

    def _take(self, method, params):
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.problems.append(" ".join(str(one.get("value", one.get("description"))) for one in params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            entry = params["entry"]
            self.problems.append(f"{entry['source']}: {entry['text']} {entry.get('url', '')}")

    def size(self, width, height, phone=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=2 if phone else 1, mobile=phone)  # fmt: skip

    def dark(self, dark):
        value = "dark" if dark else "light"
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": value}])

    def goto(self, url):
        """To another page, which is loaded then; or to another place on this one."""
        for _ in range(TRIES):
            known = len(self.problems)
            self.js("window.left = true")
            if "loaderId" not in self.call("Page.navigate", url=url):
                return
            self.becomes("!window.left && document.readyState === 'complete'")
            if not any(INTERRUPTED in one for one in self.problems[known:]):
                return

    def reload(self):
        self.js("window.left = true")
        self.call("Page.reload")
        self.becomes("!window.left && document.body")

    def js(self, expression):
        """The value of a JavaScript expression, promises awaited."""
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise Broken(f"{expression}: {details.get('exception', {}).get('description', details['text'])}")
        return result["result"].get("value")

    def becomes(self, expression, seconds=WAIT):
        """Whether the expression becomes true in time; pages on their way count as not yet."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if self.js(f"Boolean({expression})"):
                    return True
            except Broken as error:
                last = error
                if "ReferenceError" in str(last) or "SyntaxError" in str(last):
                    raise
            time.sleep(0.05)
        return False

    def text(self, selector):
        return self.js(f"document.querySelector({json.dumps(selector)})?.innerText ?? null")

    def texts(self, selector):
        return self.js(f"[...document.querySelectorAll({json.dumps(selector)})].map((one) => one.innerText)")

    def click(self, selector):
        """A real click in the middle of the first one, once it is there."""
        find = (
            f"(() => {{ const one = document.querySelector({json.dumps(selector)}); if (!one?.getClientRects().length) return null;"
            "one.scrollIntoView({block: 'center'}); const b = one.getBoundingClientRect();"
            "return [b.left + b.width / 2, b.top + b.height / 2]; })()"
        )
        self.becomes(find)
        box = self.js(find)
        if not box:
            raise Broken(f"nothing to click: {selector}: {self.js('document.body.innerText.slice(0, 1500)')}")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def key(self, key, text=None):
        codes = {"Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38, "Tab": 9, "Home": 36, "End": 35}
        text = text if text is not None else key if len(key) == 1 else "\r" if key == "Enter" else ""
        common = {"key": key, "windowsVirtualKeyCode": codes.get(key, ord(key[0].upper()))}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def screenshot(self, path, whole=False):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
