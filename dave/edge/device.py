"""The id of a device: 8 random bytes in a file beside the owner's key.

It keeps the directories of an owner's devices apart (wire/directory.py). It is no secret, and
nothing breaks if two devices share one, or a device gets another: they only write in each other's
way, or leave a page behind that runs out.
"""

import os

from dave.crypto import hashes
from dave.wire.directory import DEVICE_BYTES

SUFFIX = ".device"


def device_id(key_path: str | None, seed: bytes) -> bytes:
    """The id beside the key file, made at first use; where there is no place for one, the id that
    follows from the key's seed (32 bytes)."""
    if key_path is not None:
        path = key_path + SUFFIX
        made = _read(path) or _make(path)
        if made is not None:
            return made
    return hashes.device_id(seed)


def _read(path: str) -> bytes | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        found = os.read(fd, DEVICE_BYTES + 1)
    except OSError:
        return None
    finally:
        os.close(fd)
    return found if len(found) == DEVICE_BYTES else None


def _make(path: str) -> bytes | None:
    """Written beside and linked in one step, so that of two processes both take the first's."""
    beside = f"{path}.{os.getpid()}"
    try:
        fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, os.urandom(DEVICE_BYTES))
            os.link(beside, path)
        finally:
            os.close(fd)
            os.unlink(beside)
    except OSError:
        pass  # Another was first, or nothing can be written here; what stands there tells.
    return _read(path)
