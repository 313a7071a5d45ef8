"""An initramfs made by the test itself: the files that it is told, the libraries these need, in the kernel's "newc" format.

The guest has no disk and no network: all that it ever runs is in here. Nothing of it is installed on this host.
"""

import os
import re
import stat
import subprocess
import sys
import sysconfig

# Parts of Python's library that are large and that no test uses.
UNUSED = {"test", "idlelib", "lib2to3", "tkinter", "ensurepip", "distutils", "turtledemo", "pydoc_data", "unittest", "venv", "site-packages", "dist-packages"}


class Initramfs:
    """Entries by their path in the guest; write() makes the archive. Parent folders come by themselves."""

    def __init__(self):
        self._entries = {}  # path -> (mode, device, content as bytes or the path it is read from)

    def folder(self, path):
        path = path.strip("/")
        if path and path not in self._entries:
            self.folder(os.path.dirname(path))
            self._entries[path] = (stat.S_IFDIR | 0o755, (0, 0), b"")

    def _add(self, path, mode, content, device=(0, 0)):
        self.folder(os.path.dirname(path))
        self._entries[path.strip("/")] = (mode, device, content)

    def text(self, path, text, mode=0o644):
        self._add(path, stat.S_IFREG | mode, text.encode())

    def link(self, path, target):
        self._add(path, stat.S_IFLNK | 0o777, target.encode())

    def device(self, path, major, minor):
        self._add(path, stat.S_IFCHR | 0o600, b"", (major, minor))

    def file(self, path, source):
        """A copy of a file of this host; a link is followed."""
        mode = 0o755 if os.access(source, os.X_OK) else 0o644
        self._add(path, stat.S_IFREG | mode, os.path.realpath(source))

    def tree(self, path, source, without=frozenset()):
        """A folder of this host with all that is below it, but for folders of these names."""
        for folder, folders, names in os.walk(source):
            folders[:] = [one for one in folders if one not in without]
            for name in names:
                if os.path.isfile(os.path.join(folder, name)):
                    self.file(os.path.join(path, os.path.relpath(folder, source), name), os.path.join(folder, name))

    def program(self, path, source):
        """A program, and the libraries that it is linked with."""
        self.file(os.path.normpath(path), source)
        for library in libraries(source):
            self.file(library, library)

    def write(self, path):
        with open(path, "wb") as out:
            for number, (name, (mode, device, content)) in enumerate(sorted(self._entries.items()), 1):
                if isinstance(content, str):
                    with open(content, "rb") as file:
                        content = file.read()
                _record(out, number, os.path.normpath(name), mode, device, content)
            _record(out, 0, "TRAILER!!!", 0, (0, 0), b"")


def _record(out, number, name, mode, device, content):
    links = 2 if stat.S_ISDIR(mode) else 1
    name = name.encode() + b"\0"
    fields = [number, mode, 0, 0, links, 0, len(content), 0, 0, *device, len(name), 0]
    out.write(b"070701" + b"".join(b"%08X" % one for one in fields) + name)
    out.write(b"\0" * (-out.tell() % 4) + content)
    out.write(b"\0" * (-out.tell() % 4))


def libraries(program):
    """Paths of the shared libraries of a program or library; none of a static one."""
    done = subprocess.run(["ldd", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return [one for one in re.findall(r"(?:=> )?(/\S+) \(0x", done.stdout)]


def opened_libraries(source, program):
    """Paths of the libraries that the program opens itself at run time, by what its source says."""
    names = set()
    for folder, _, files in os.walk(source):
        for name in files:
            if name.endswith(".c"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    names |= set(re.findall(r'dlopen\("([^"]+)"', file.read()))
    places = {os.path.dirname(one) for one in libraries(program)}
    found = {name: os.path.join(place, name) for name in names for place in places if os.path.exists(os.path.join(place, name))}
    if names - set(found):
        raise FileNotFoundError(f"libraries opened at run time: {', '.join(sorted(names - set(found)))}")
    return sorted(found.values())


def add_python(image):
    """This interpreter with its library, so that what runs in the guest is written like all other tests."""
    image.program("/usr/bin/python3", sys.executable)
    library = sysconfig.get_path("stdlib")
    unused = UNUSED | {one for one in os.listdir(library) if one.startswith("config-")}
    image.tree(library, library, unused)
    modules = os.path.join(library, "lib-dynload")
    for name in os.listdir(modules):
        for one in libraries(os.path.join(modules, name)):
            image.file(one, one)
