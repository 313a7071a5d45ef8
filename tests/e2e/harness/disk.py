"""A small file system of its own, in memory, that fills up and becomes free again."""

import contextlib
import errno
import os
import subprocess


class SmallDisk:
    def __init__(self, folder, size):
        os.mkdir(folder)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "sexton-e2e", folder], check=True)
        self.folder = folder
        self._ballast = f"{folder}/ballast"

    def fill(self):
        """To the last byte; again and again, as what is freed meanwhile is room."""
        descriptor = os.open(self._ballast, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            for size in (1 << 16, 1 << 10, 1):
                while self._write(descriptor, bytes(size)):
                    pass
        finally:
            os.close(descriptor)

    @staticmethod
    def _write(descriptor, piece):
        try:
            return os.write(descriptor, piece)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return 0

    def free(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._ballast)

    def close(self):
        subprocess.run(["umount", self.folder], check=True)
