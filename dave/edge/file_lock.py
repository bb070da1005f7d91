"""A file or folder that one process at a time works on, under a name that it loses at the end."""

import fcntl
import os
from contextlib import suppress


def open_alone(path: str | os.PathLike[str], flags: int, mode: int = 0o600) -> int:
    """A descriptor of what is at `path`, opened with `flags`, that nobody else gets this way until
    it is closed. Raises BlockingIOError while another has it, OSError."""
    while True:
        fd = os.open(path, flags | os.O_CLOEXEC, mode)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Who had it until now may have renamed or removed it in between.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.stat(path), os.fstat(fd)):
                    return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
