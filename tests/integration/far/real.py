"""Real far sides from Debian, each with a folder and a configuration of its own on loopback: Alertmanager, and the mail
server Exim with TLS and a password."""

import glob
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request

WAIT = 30  # seconds, at most


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until_open(port, child):
    end = time.monotonic() + WAIT
    while time.monotonic() < end and child.poll() is None:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{child.args[0]} doesn't listen")


class Program:
    """Something that runs until the end of the with block."""

    def start(self, port, *command):
        self.log = f"{self.folder}/{os.path.basename(command[0])}.log"
        with open(self.log, "wb") as log:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until_open(port, self.child)

    def __exit__(self, *unused):
        self.child.terminate()
        try:
            self.child.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


class Alertmanager(Program):
    missing = None if shutil.which("prometheus-alertmanager") else "there is no prometheus-alertmanager"

    def __init__(self, folder, receiver="http://127.0.0.1:9/", wait="1h"):
        self.folder = f"{folder}/alertmanager"
        self.receiver = receiver
        self.wait = wait

    def __enter__(self):
        os.makedirs(self.folder)
        port = free_port()
        with open(f"{self.folder}/config.yml", "w") as file:
            json.dump({"route": {"receiver": "r", "group_wait": self.wait},
                       "receivers": [{"name": "r", "webhook_configs": [{"url": self.receiver}]}]}, file)  # fmt: skip
        self.url = f"http://127.0.0.1:{port}"
        self.start(port, "prometheus-alertmanager", f"--config.file={self.folder}/config.yml",
                   f"--storage.path={self.folder}/data", f"--web.listen-address=127.0.0.1:{port}",
                   "--cluster.listen-address=")  # fmt: skip
        return self

    def alerts(self):
        """Those it holds to be firing."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts?active=true", timeout=10) as answer:
            return json.load(answer)


EXIM = """
primary_hostname = localhost
spool_directory = {folder}/spool
log_file_path = {folder}/log-%slog
pid_file_path = {folder}/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
acl_smtp_rcpt = rcpt
tls_advertise_hosts = *
tls_certificate = {folder}/cert.pem
tls_privatekey = {folder}/key.pem
auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}
keep_environment =
host_lookup =
begin acl
rcpt:
  deny message = no such person here
    local_parts = nobody-here
  {rule}
begin routers
all:
  driver = accept
  transport = box
begin transports
box:
  driver = appendfile
  directory = {folder}/mail
  user = Debian-exim
  group = Debian-exim
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{sexton}}}}{{eq{{$auth3}}{{m41lpassw0rd}}}}}}}}
  server_set_id = $auth2
"""


class Exim(Program):
    missing = None if shutil.which("exim4") and shutil.which("openssl") else "there is no exim4, or no openssl"

    def __init__(self, folder, needs_password):
        self.folder = f"{folder}/exim-{needs_password}"
        self.needs_password = needs_password

    def __enter__(self):
        for name in ("", "/spool", "/mail"):
            os.makedirs(self.folder + name)
            os.chmod(self.folder + name, 0o777)
        self.certificate = f"{self.folder}/cert.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-keyout", f"{self.folder}/key.pem", "-out", self.certificate],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
        )  # fmt: skip
        os.chmod(f"{self.folder}/key.pem", 0o644)
        self.port = free_port()
        with open(f"{self.folder}/config", "w") as file:
            file.write(EXIM.format(folder=self.folder, port=self.port,
                                   rule="accept authenticated = *" if self.needs_password else "accept"))  # fmt: skip
        self.start(self.port, "exim4", "-C", f"{self.folder}/config", "-bdf", "-odi", "-oX", f"127.0.0.1:{self.port}")
        return self

    def mails(self):
        texts = []
        for path in sorted(glob.glob(f"{self.folder}/mail/*"), key=os.path.getmtime):
            with open(path) as file:
                texts.append(file.read())
        return texts
