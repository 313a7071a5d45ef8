"""A Docker Engine of our own: containerd and dockerd in a temporary folder, and the little of its API that we need."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import urllib.parse

from . import procfs
from .waiting import wait_until

IMAGE = "sexton-e2e:1"


class EngineError(Exception):
    pass


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def seconds(value):
    """The engine wants nanoseconds."""
    return int(value * 1e9)


class Engine:
    """Started with its own sockets, folders and no default bridge, so that it meets no other engine on the machine."""

    def __init__(self, folder):
        self.folder = folder
        self.socket = f"{folder}/docker.sock"
        self.container_ids, self.network_ids = [], []  # all that ever were, for the search for leftovers
        self._children = []
        self._init = self._dockerd = None
        self._logs = []

    # The daemons

    @staticmethod
    def missing():
        """Why no engine can be started here, or None."""
        if os.geteuid() != 0:
            return "starting an engine needs root"
        for program in ("dockerd", "containerd", "runc", "docker-init"):
            if not shutil.which(program):
                return f"{program} isn't installed"
        return None

    def start(self):
        at = self.folder
        _write(
            f"{at}/containerd.toml",
            f"version = 2\nroot = '{at}/containerd'\nstate = '{at}/containerd-run'\n"
            "disabled_plugins = ['io.containerd.grpc.v1.cri']\n"
            f"[grpc]\naddress = '{at}/containerd.sock'\n"
            f"[plugins.'io.containerd.internal.v1.opt']\npath = '{at}/opt'\n",
        )
        # Without this key the daemon writes one to /etc/docker.
        settings = {"deprecated-key-path": f"{at}/key.json", "live-restore": True}
        _write(f"{at}/daemon.json", json.dumps(settings))
        # The shims are daemons: orphans that the host's PID 1 has to reap. Not every machine's does so at once, and then
        # they are zombies, which no scenario wants. Below an init of our own they are reaped.
        self._init = self._spawn(
            "docker-init", "-s", "--", "containerd", "--config", f"{at}/containerd.toml", "--log-level", "warn"
        )
        wait_until(lambda: self._alive() and os.path.exists(f"{at}/containerd.sock"), 60, "containerd's socket")
        self.start_dockerd()

    def start_dockerd(self):
        at = self.folder
        self._dockerd = self._spawn(
            "dockerd", "--config-file", f"{at}/daemon.json", "--host", f"unix://{self.socket}",
            "--containerd", f"{at}/containerd.sock", "--data-root", f"{at}/data", "--exec-root", f"{at}/exec",
            "--pidfile", f"{at}/docker.pid", "--bridge", "none", "--iptables=false", "--ip-forward=false",
            "--ip-masq=false", "--userland-proxy=false", "--log-level", "warn",
        )  # fmt: skip
        wait_until(self._ready, 60, "dockerd answering")

    def _spawn(self, *command):
        log = open(f"{self.folder}/{command[0]}.log", "ab")
        if log.name not in self._logs:
            self._logs.append(log.name)
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        log.close()
        self._children.append(child)
        return child

    def _alive(self):
        for child in self._children:
            if child.poll() is not None:
                raise EngineError(f"{child.args[0]} ended with {child.returncode}: {self.log_tail()}")
        return True

    def _ready(self):
        return self._alive() and self.api("GET", "/_ping", raw=True) == b"OK"

    def _shims(self):
        below = (procfs.process(pid) for pid in procfs.children(self._init.pid))
        return [one for one in below if one and one.comm.startswith(b"containerd-shim")]

    def log_tail(self, lines=15):
        tails = []
        for path in self._logs:
            with open(path, errors="replace") as file:
                tails.append(f"{path}:\n" + "".join(file.readlines()[-lines:]))
        return "\n".join(tails)

    def suspend(self):
        self._dockerd.send_signal(signal.SIGSTOP)

    def resume(self):
        self._dockerd.send_signal(signal.SIGCONT)

    def kill_dockerd(self):
        """As if it had crashed: the containers live on."""
        self._dockerd.kill()
        self._dockerd.wait()
        self._children.remove(self._dockerd)

    def stop(self):
        if not self._children:
            return
        if self._children[-1] is self._dockerd and self._dockerd.poll() is None:
            self._dockerd.send_signal(signal.SIGCONT)
            for container in self.api("GET", "/containers/json?all=1"):
                self.remove(container["Id"])
            for network in self.api("GET", "/networks"):
                if network["Id"] in self.network_ids or network["Driver"] == "bridge":
                    self.network_ids.append(network["Id"])
                    self.api("DELETE", f"/networks/{network['Id']}")
            wait_until(lambda: len(self._shims()) == 0, 30, "the shims' ends")
        for child in reversed(self._children):  # dockerd before containerd
            child.terminate()
            try:
                child.wait(60)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        # A dockerd that was killed couldn't undo the mount it makes of its folder.
        if f"{self.folder}/data" in [path for path, _, _ in procfs.mounts()]:
            subprocess.run(["umount", f"{self.folder}/data"], check=False)

    # The API

    def api(self, method, path, body=None, raw=False, timeout=120):
        connection = _UnixConnection(self.socket, timeout)
        try:
            headers = {}
            if isinstance(body, dict):
                body, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
            elif body is not None:
                headers = {"Content-Type": "application/x-tar"}
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status >= 400:
            raise EngineError(f"{method} {path}: {response.status} {answer.decode(errors='replace').strip()}")
        if raw:
            return answer
        return json.loads(answer) if answer else None

    def import_image(self, tarball):
        repository, tag = IMAGE.split(":")
        query = urllib.parse.urlencode({"fromSrc": "-", "repo": repository, "tag": tag})
        with open(tarball, "rb") as file:
            self.api("POST", f"/images/create?{query}", file, raw=True)

    def network(self, name):
        identity = self.api("POST", "/networks/create", {"Name": name, "CheckDuplicate": True})["Id"]
        self.network_ids.append(identity)
        return name

    def run(self, name, command, *, project=None, service=None, labels=None, init=False, restart=None, health=None,
            memory=None, cpus=None, network="none", alias=None, mount=None, environment=None, binds=(), pids="",
            pids_limit=None,
        ):  # fmt: skip
        """Creates and starts a container. PROJECT and SERVICE become the labels that compose would give it."""
        labels = dict(labels or {})
        if project:
            labels["com.docker.compose.project"] = project
            labels["com.docker.compose.service"] = service
            labels["com.docker.compose.container-number"] = "1"
        body = {
            "Image": IMAGE,
            "Cmd": command,
            "Labels": labels,
            "WorkingDir": "/w",
            "Env": [f"{key}={value}" for key, value in (environment or {}).items()],
            "HostConfig": {
                "Init": init,
                "NetworkMode": network,
                "Binds": [*binds, *([f"{mount}:/w:ro"] if mount else [])],
                "PidMode": pids,
                "PidsLimit": pids_limit,
                "NanoCpus": int((cpus or 0) * 1e9),
                "Memory": memory or 0,
                "MemorySwap": memory or 0,
                "RestartPolicy": {"Name": restart or "no"},
            },
        }
        if health:
            body["Healthcheck"] = health
        if alias:
            body["NetworkingConfig"] = {"EndpointsConfig": {network: {"Aliases": [alias]}}}
        identity = self.api("POST", f"/containers/create?name={name}", body)["Id"]
        container = self.adopt(name, identity)
        self.api("POST", f"/containers/{identity}/start")
        return container

    def adopt(self, name, identity):
        self.container_ids.append(identity)
        return Container(self, name, identity)

    def remove(self, identity):
        if identity not in self.container_ids:
            self.container_ids.append(identity)
        try:
            self.api("DELETE", f"/containers/{identity}?force=1&v=1")
        except EngineError as error:
            if " 404 " not in str(error):
                raise


class Container:
    def __init__(self, engine, name, identity):
        self._engine = engine
        self.name = name
        self.id = identity

    def inspect(self):
        return self._engine.api("GET", f"/containers/{self.id}/json")

    def pid(self):
        """The PID, on the host, of the container's PID 1; 0 while it isn't running."""
        return self.inspect()["State"]["Pid"]

    def restarts(self):
        return self.inspect()["RestartCount"]

    def health(self):
        return self.inspect()["State"].get("Health", {})

    def execute(self, *command):
        """(exit code, what it printed) of a command in the container."""
        body = {"Cmd": command, "AttachStdout": True, "AttachStderr": True}
        identity = self._engine.api("POST", f"/containers/{self.id}/exec", body)["Id"]
        printed = self._engine.api("POST", f"/exec/{identity}/start", {"Detach": False}, raw=True)
        return self._engine.api("GET", f"/exec/{identity}/json")["ExitCode"], _text_of(printed)

    def stop(self):
        """As a person would; its exit code."""
        self._engine.api("POST", f"/containers/{self.id}/stop?t=30")
        return self.inspect()["State"]["ExitCode"]

    def pause(self):
        self._engine.api("POST", f"/containers/{self.id}/pause")

    def unpause(self):
        self._engine.api("POST", f"/containers/{self.id}/unpause")

    def logs(self):
        stream = self._engine.api("GET", f"/containers/{self.id}/logs?stdout=1&stderr=1", raw=True)
        return _text_of(stream)

    def remove(self):
        self._engine.remove(self.id)


def _text_of(stream):
    text = b""
    while len(stream) >= 8:  # frames of a header (stream, 3 × 0, length) and text
        size = int.from_bytes(stream[4:8], "big")
        text, stream = text + stream[8 : 8 + size], stream[8 + size :]
    return text.decode(errors="replace")


def _write(path, text):
    with open(path, "w") as file:
        file.write(text)
