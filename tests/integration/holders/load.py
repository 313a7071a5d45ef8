"""Load on a holder, with every answer checked."""

import http.client
import subprocess
import threading


class Load:
    """Four clients that ask for /N over connections that they keep."""

    CLIENTS = 4

    def __init__(self, port, expected):
        self._port = port
        self._expected = expected
        self._enough = threading.Event()
        self._good = [0] * self.CLIENTS
        self.wrong = []

    def once(self):
        """One question, for as long as the holder starts."""
        self._ask(http.client.HTTPConnection("127.0.0.1", self._port, timeout=5), 3)

    def _ask(self, connection, n):
        connection.request("GET", f"/{n}")
        answer = connection.getresponse().read()
        if answer != self._expected(n):
            raise ValueError(f"/{n} is answered by {answer!r}")

    def _client(self, number):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        n = number
        while not self._enough.is_set():
            n += self.CLIENTS
            try:
                self._ask(connection, n)
                self._good[number] += 1
            except (OSError, ValueError, http.client.HTTPException) as error:
                self.wrong.append(repr(error))
                return
        connection.close()

    def start(self):
        self._threads = [threading.Thread(target=self._client, args=(k,)) for k in range(self.CLIENTS)]
        for thread in self._threads:
            thread.start()

    def good(self):
        return sum(self._good)

    def stop(self):
        """(right answers, what went wrong)."""
        self._enough.set()
        for thread in self._threads:
            thread.join()
        return self.good(), self.wrong


class TaskLoad:
    """A client in the room that sends tasks and wants their results."""

    def __init__(self, room):
        self._room = room
        self._client = None
        self._right = 0
        self.wrong = []

    def _read(self):
        line = self._client.stdout.readline().strip()
        self._right += line == b"good"
        return line

    def once(self):
        self._client = self._client or self._room.run_beside(["python3", "/holders/tasks.py"], subprocess.PIPE)
        line = self._read()
        if line != b"good":
            raise ValueError(repr(line))

    def _listen(self):
        while line := self._read():
            if line != b"good":
                self.wrong.append(line)

    def start(self):
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def good(self):
        return self._right

    def stop(self):
        self._client.terminate()
        self._client.wait(30)
        self._thread.join()
        self._client.stdout.close()
        return self.good(), self.wrong
