#!/usr/bin/env python3
"""The Debian package in a root file system of its own: built, installed, run, upgraded over a changed configuration,
removed and purged, with nothing left.

Prints TAP.

    package.py PROGRAM
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from package_root import HERE, build, said, unpack_root, why_not
from tap import Tap
from waiting import becomes


def older(deb, folder):
    """The same package as if it were an older version with another configuration file."""
    said("dpkg-deb", "-R", deb, f"{folder}/older")
    with open(f"{folder}/older/DEBIAN/control") as file:
        control = file.read()
    with open(f"{folder}/older/DEBIAN/control", "w") as file:
        file.write(re.sub(r"^Version: .*", "Version: 0.0.1", control, flags=re.MULTILINE))
    with open(f"{folder}/older/etc/sexton/sexton.yaml", "a") as file:
        file.write("# from before\n")
    said("dpkg-deb", "--root-owner-group", "-b", f"{folder}/older", f"{folder}/older.deb")
    return f"{folder}/older.deb"


def look_at_file(check, deb):
    done = subprocess.run(["lintian", "--allow-root", deb], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    check(not re.search("^[EW]:", done.stdout, re.MULTILINE), "lintian finds no mistake", done.stdout)
    with open(f"{HERE}/meson.build") as file:
        version = re.search(r"version: '([^']+)'", file.read())[1]
    check(said("dpkg-deb", "-f", deb, "Version") == version, "its version is that of meson.build")
    os.mkdir(f"{os.path.dirname(deb)}/again")
    again = build(sys.argv[1], f"{os.path.dirname(deb)}/again")
    check(digest(again) == digest(deb), "two builds are the same to the byte")


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def look_at_configuration(check, root):
    with open(root.at("/etc/sexton/sexton.yaml")) as file:
        lines = file.read().splitlines()
    switched_on = [re.sub(r"^#(?=( {2})*[a-z])", "", line) for line in lines]
    check(lines != switched_on, "the configuration explains keys")
    with open(root.at("/tmp/on.yaml"), "w") as file:
        file.write("\n".join(switched_on) + "\n")
    code, text = root.run("sexton", "check-config", "--config", "/tmp/on.yaml")
    os.unlink(root.at("/tmp/on.yaml"))
    check(code == 0 and "nothing" in text, "each line that is switched on is valid, and the default", text)


def look_at_unit(check, root):
    code, text = root.run("systemd-analyze", "verify", "--man=no", "/lib/systemd/system/sexton.service")
    check(code == 0 and not text, "systemd finds nothing wrong with the unit", text)
    code, text = root.run("systemd-analyze", "security", "--offline=true", "--threshold=45", "/lib/systemd/system/sexton.service")
    check(code == 0, "its exposure is at most 4.5 of 10", text)


def look_at_run(check, root):
    """The installed program, without a service manager."""
    child = subprocess.Popen(root.command("sexton", "run", "--listen", ""), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
    try:
        recorder = []

        def answers():
            code, text = root.run("sexton", "status", "--json")
            recorder[:] = [json.loads(text)["self"]["recorder_pid"]] if code in (0, 1) else []
            return any(recorder)

        # its parts are known by pid a second after the start at the latest
        if not check(becomes(answers), "installed, it answers"):
            return
        with open(root.at("/etc/passwd")) as file:
            uid = re.search(r"^sexton:[^:]*:(\d+)", file.read(), re.MULTILINE)[1]
        with open(f"/proc/{recorder[0]}/status") as file:
            check(re.search(r"^Uid:\s+(\d+)", file.read(), re.MULTILINE)[1] == uid, "its recorder is the user sexton")
    finally:
        child.send_signal(signal.SIGTERM)
        output = child.communicate()[0].decode(errors="replace")
    check(child.returncode == 0, "SIGTERM ends it", output)


def look_at_life(check, root, deb, old):
    """Install, upgrade, remove, purge."""
    for path in (deb, old):
        shutil.copy(path, root.at(f"/tmp/{'new' if path == deb else 'old'}.deb"))
    wants = root.at("/etc/systemd/system/multi-user.target.wants/sexton.service")
    before = root.files()
    code, text = root.run("dpkg", "-i", "/tmp/new.deb")
    check(code == 0, "it is installed", text)
    folder = os.stat(root.at("/var/lib/sexton"))
    check(folder.st_uid != 0 and folder.st_mode & 0o777 == 0o750, "its data folder belongs to its user")
    check(os.path.islink(wants), "its unit is enabled")
    look_at_configuration(check, root)
    look_at_unit(check, root)
    look_at_run(check, root)
    code, text = root.run("dpkg", "--purge", "sexton")
    left = root.files() - before
    check(code == 0 and not left, "purged, nothing is left", f"{text} {sorted(left)}")

    code, text = root.run("dpkg", "-i", "/tmp/old.deb")
    check(code == 0, "an older one is installed", text)
    with open(root.at("/etc/sexton/sexton.yaml"), "a") as file:
        file.write("grace: 7s\n")
    root.run("systemctl", "disable", "sexton.service")
    code, text = root.run("dpkg", "--force-confdef", "--force-confold", "-i", "/tmp/new.deb")
    check(code == 0, "it is upgraded", text)
    with open(root.at("/etc/sexton/sexton.yaml")) as file:
        check("grace: 7s" in file.read(), "a changed configuration is kept")
    check(not os.path.islink(wants), "what was disabled stays disabled")
    with open(root.at("/var/lib/sexton/history"), "w") as file:
        file.write("kept")
    code, text = root.run("dpkg", "--remove", "sexton")
    check(code == 0 and not os.path.exists(root.at("/usr/bin/sexton")), "it is removed", text)
    check(os.path.exists(root.at("/etc/sexton/sexton.yaml")) and os.path.exists(root.at("/var/lib/sexton/history")),
          "removed, configuration and history are kept")  # fmt: skip
    code, text = root.run("dpkg", "--purge", "sexton")
    left = root.files() - before
    check(code == 0 and not left, "purged after an upgrade, nothing is left", f"{text} {sorted(left)}")


def main():
    reason = why_not()
    if reason:
        print(f"1..0 # SKIP {reason}")
        return 0
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="sexton-package-") as folder:
        os.chmod(folder, 0o755)
        deb = build(sys.argv[1], folder)
        look_at_file(tap.check, deb)
        look_at_life(tap.check, unpack_root(deb, folder), deb, older(deb, folder))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
