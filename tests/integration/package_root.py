"""The Debian package, and root file systems to install it in: made by debootstrap once, and kept like the images of
tests/e2e."""

import glob
import hashlib
import os
import re
import shutil
import subprocess

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
CACHE = os.environ.get("SEXTON_E2E_CACHE", "/var/cache/sexton-e2e")
# What installing and removing any package leaves: own lists of dpkg and systemd, and the user, who stays.
KEPT = re.compile(
    r"/(run/systemd|var/lib/dpkg|var/log|var/cache|etc/(passwd|group|shadow|gshadow|subuid|subgid|\.pwd\.lock)|var/lib/systemd(/deb-systemd-[a-z-]*)?$)"
)


def said(*command, **options):
    """What a command prints; it has to succeed."""
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, **options).stdout.strip()


class Root:
    """A root file system; commands run in it with mounts that nobody else sees."""

    def __init__(self, path):
        self.path = path

    def command(self, *command):
        mounts = f"mount -t proc proc {self.path}/proc; mount --rbind /sys {self.path}/sys; mount --bind /dev {self.path}/dev"
        return ["unshare", "--mount", "sh", "-ec", f'{mounts}; exec chroot {self.path} "$@"', "sh", *command]

    def run(self, *command):
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            self.command(*command), env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        return done.returncode, done.stdout.strip()

    def at(self, path):
        return f"{self.path}{path}"

    def files(self):
        found = set()
        for folder, folders, names in os.walk(self.path):
            found.update(os.path.join(folder, name)[len(self.path) :] for name in folders + names)
        return {path for path in found if not KEPT.match(path)}


def unpack_root(deb, folder):
    """A fresh root with what the package depends on."""
    wanted = re.findall(r"(?:^|, )([a-z0-9.+-]+)", said("dpkg-deb", "-f", deb, "Depends"))
    tarball = f"{CACHE}/package-root-{hashlib.sha256(' '.join(wanted).encode()).hexdigest()[:16]}.tar"
    if not os.path.exists(tarball):
        os.makedirs(CACHE, exist_ok=True)
        targets = said("apt-get", "indextargets", "--format", "$(SITE) $(CODENAME) $(COMPONENT)", "Created-By: Packages")
        mirror = next(line.split()[0] for line in targets.splitlines() if line.endswith(" bookworm main"))
        made = f"{folder}/made"
        include = ",".join(sorted(set(wanted) | {"systemd", "dbus"}))
        said("debootstrap", "--variant=minbase", f"--include={include}", "bookworm", made, mirror)
        said("tar", "-C", made, "--numeric-owner", "-cf", f"{tarball}.new", ".")
        for outdated in glob.glob(f"{CACHE}/package-root-*.tar"):
            os.unlink(outdated)
        os.rename(f"{tarball}.new", tarball)
        shutil.rmtree(made)
    root = f"{folder}/root"
    os.mkdir(root)
    said("tar", "-C", root, "-xf", tarball)
    return Root(root)


def build(program, folder):
    """The package of the build folder that the program is in."""
    deb = f"{folder}/sexton.deb"
    made = said(f"{HERE}/tools/package", "--build", os.path.dirname(os.path.abspath(program)), stderr=subprocess.DEVNULL)
    shutil.copy(os.path.join(HERE, made), deb)
    return deb


def why_not():
    """Why this can't be tested here, or None."""
    missing = [tool for tool in ("debootstrap", "lintian", "dpkg-deb", "unshare", "nsenter") if not shutil.which(tool)]
    return f"needs {', '.join(missing)}" if missing else None if os.geteuid() == 0 else "needs root"
