#!/usr/bin/env python3
"""Sexton on a kernel with cgroup v2 and nothing else: Debian's cloud kernel in a small virtual machine.

Takes the kernel from Debian's archive into a folder of its own, makes an initramfs with the program, Python and the
tests of guest/, boots it with qemu (with KVM where there is one), and passes on the TAP that comes over a serial line.

    run.py PROGRAM [--kernel FILE] [--only CASE,CASE] [--keep]
"""

import argparse
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

from initramfs import Initramfs, add_python, libraries, opened_libraries

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
META = "linux-image-cloud-amd64"  # depends on the newest of its kind
QEMU = "qemu-system-x86_64"
MEMORY_MB = 1024
CPU = {"kvm": "host", "tcg": "max"}
BOOT_SECONDS = 90
SECONDS = {"kvm": 180, "tcg": 900}  # at most; a kernel without KVM is some twenty times slower


class Missing(Exception):
    """What this machine lacks."""


def output(*command, cwd=None):
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise Missing(f"{' '.join(command[:2])}: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout


def fetch_kernel(folder):
    """The newest cloud kernel of the archive; installed nowhere."""
    found = re.search(r"^Depends: (linux-image-\S+)", output("apt-cache", "show", "--no-all-versions", META), re.MULTILINE)
    if not found:
        raise Missing(f"apt-cache knows no kernel of {META}")
    for attempt in range(3):
        try:
            output("apt-get", "-o", "Acquire::Retries=3", "-o", "APT::Sandbox::User=", "download", found[1], cwd=folder)
            break
        except Missing:
            if attempt == 2:
                raise
    output("dpkg", "-x", glob.glob(f"{folder}/{found[1]}_*.deb")[0], f"{folder}/kernel")
    return glob.glob(f"{folder}/kernel/boot/vmlinuz-*")[0]


def compile_into(folder, pattern, *flags):
    """Small static programs for the guest."""
    os.makedirs(folder, exist_ok=True)
    for source in glob.glob(f"{ROOT}/{pattern}"):
        name = os.path.splitext(os.path.basename(source))[0]
        command = [*os.environ.get("CC", "cc").split(), "-O2", "-static", "-pthread", *flags, "-o", f"{folder}/{name}"]
        subprocess.run([*command, source], check=True)


def make_initramfs(path, program, folder, only):
    image = Initramfs()
    image.device("/dev/console", 5, 1)  # the kernel wants it before anything is mounted
    image.program("/bin/busybox", shutil.which("busybox"))
    image.file("/init", f"{HERE}/guest/init")
    image.text("/etc/passwd", "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n")
    image.text("/etc/group", "root:x:0:\nnogroup:x:65534:\n")
    image.text("/etc/hosts", "127.0.0.1 localhost\n")
    image.text("/t/only", only)
    add_python(image)
    image.program("/usr/bin/sexton", program)
    for library in opened_libraries(f"{ROOT}/src", program):
        for one in [library, *libraries(library)]:
            image.file(one, one)
    compile_into(f"{folder}/programs", "tests/e2e/workloads/*.c")
    compile_into(f"{folder}/programs", "bench/workloads/*.c", "-D_GNU_SOURCE")
    image.tree("/t/programs", f"{folder}/programs")
    for part in ("tests/vm/guest", "tests/e2e/harness", "tests/integration", "bench/harness"):
        image.tree(f"/t/{part}", f"{ROOT}/{part}", {"__pycache__", "far"})
    image.write(path)


def accelerators():
    """What qemu can run the machine with, best first. /dev/kvm alone says little: it may be there without hardware for it."""
    with open("/proc/cpuinfo") as file:
        hardware = re.search(r"^flags\s*:.*\b(vmx|svm)\b", file.read(), re.MULTILINE)
    return [*(["kvm"] if hardware and os.access("/dev/kvm", os.R_OK | os.W_OK) else []), "tcg"]


def boot(accelerator, kernel, initramfs, console):
    """Starts the machine. Its second serial line, which carries the TAP, is qemu's standard output."""
    command = [
        QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-accel", accelerator, "-cpu", CPU[accelerator], "-smp", "2", "-m", str(MEMORY_MB),
        "-kernel", kernel, "-initrd", initramfs, "-append", "console=ttyS0 panic=-1 psi=1 cgroup_no_v1=all",
        "-chardev", f"file,id=console,path={console}", "-device", "isa-serial,chardev=console",
        "-chardev", "stdio,id=tap,signal=off", "-device", "isa-serial,chardev=tap",
    ]  # fmt: skip
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace")


def listen(machine, accelerator):
    """Passes on what the machine's tests say: (whether it came up, whether they reached their end, whether all passed)."""
    watch = threading.Timer(BOOT_SECONDS, machine.kill)
    end = threading.Timer(SECONDS[accelerator], machine.kill)
    up, planned, passed = False, False, True
    watch.start()
    end.start()
    try:
        for line in machine.stdout:
            line = line.rstrip("\r\n")
            watch.cancel()
            up |= line.startswith("#")
            planned |= line.startswith("1..")
            passed &= not line.startswith("not ok")
            print(line, flush=True)
    finally:
        watch.cancel()
        end.cancel()
    return up, planned, passed


def show(console):
    with open(console, errors="replace") as file:
        for line in file.read().splitlines()[-60:]:
            print("# console: " + "".join(c for c in line if c.isprintable()))


def run(program, kernel, only, folder):
    if not shutil.which(QEMU):
        raise Missing(f"there is no {QEMU}")
    if os.uname().machine != "x86_64":
        raise Missing("only written for x86-64")
    kernel = kernel or fetch_kernel(folder)
    make_initramfs(f"{folder}/initramfs", program, folder, only)
    for accelerator in accelerators():
        print(f"# {os.path.basename(kernel)} with {accelerator}", flush=True)
        with boot(accelerator, kernel, f"{folder}/initramfs", f"{folder}/console") as machine:
            try:
                up, planned, passed = listen(machine, accelerator)
            finally:
                machine.kill()  # whoever ends us ends it
        if up:
            break
    if not (planned and passed):
        show(f"{folder}/console")
    if not planned:
        print(f"Bail out! the machine ended with {machine.returncode} before its tests did")
    return 0 if planned and passed else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--kernel", help="a kernel image to boot instead of the archive's newest")
    parser.add_argument("--only", default="", help="names of cases, with commas between them")
    parser.add_argument("--keep", action="store_true", help="keep the folder with kernel, initramfs and console")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    folder = tempfile.mkdtemp(prefix="sexton-vm-")
    try:
        return run(given.program, given.kernel, given.only, folder)
    except Missing as lack:
        print(f"1..0 # SKIP {' '.join(str(lack).split())}")
        return 0
    finally:
        if given.keep:
            print(f"# kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
