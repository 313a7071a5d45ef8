"""Programs made of the daemon's own parts, and folders on a real disk for what they write."""

import contextlib
import os
import subprocess
import tempfile


def natives(bench, *names):
    """Builds them; the folder they are in."""
    build = os.path.dirname(os.path.abspath(bench.program))
    subprocess.run(["ninja", "-C", build, *(f"bench/{one}" for one in names)], check=True, stdout=subprocess.DEVNULL)
    return f"{build}/bench"


@contextlib.contextmanager
def on_disk():
    """/tmp may be in memory."""
    with tempfile.TemporaryDirectory(prefix="sexton-bench-", dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)
        yield folder
