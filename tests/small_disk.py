"""A disk that gets full: a small file system in memory, in a mount namespace of its own, where
this machine lets us make one (Linux, root, util-linux)."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_NEEDED = ("unshare", "nsenter", "mount")


class SmallDisk:
    """`prefix` runs a command that sees it."""

    def __init__(self, folder: Path, pid: int) -> None:
        self._folder = folder
        self.prefix: Sequence[str] = ("nsenter", "-t", str(pid), "-m", f"--wd={os.getcwd()}")

    def resize(self, kibibytes: int) -> None:
        """Make it larger."""
        options = f"remount,size={kibibytes}k"
        subprocess.run([*self.prefix, "mount", "-o", options, self._folder], check=True)


@contextmanager
def small_disk(folder: Path, kibibytes: int) -> Iterator[SmallDisk | None]:
    """A disk of that size in `folder`, gone in the end; None where none can be made."""
    can = sys.platform == "linux" and os.geteuid() == 0 and all(map(shutil.which, _NEEDED))
    folder.mkdir()
    script = 'mount -t tmpfs -o "size=$1k" none "$2" && echo ready && read end'
    keeper = subprocess.Popen(
        ["unshare", "-m", "sh", "-c", script, "sh", str(kibibytes), folder] if can else ["true"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert keeper.stdout is not None
        is_ready = keeper.stdout.readline() == b"ready\n"
        yield SmallDisk(folder, keeper.pid) if is_ready else None
    finally:
        keeper.communicate()  # the end of its input ends it, and the namespace with it
