"""A folder as a tar stream, made while it is read: names, modes, times and symbolic links as is.

The format is PAX (POSIX.1-2001, pax interchange). Members come in the order of their names, a
folder before what is in it, without the folder itself and without owners, so that the same folder
is always the same stream. It is walked twice: once for the size and for what cannot be read,
before anything leaves; then for the bytes.
"""

import os
import stat
import tarfile
from collections.abc import Iterator

from dave.errors import FileChanged, UsageError

READ_BYTES = 1 << 20
_END = bytes(2 * tarfile.BLOCKSIZE)


def packed_size(folder: str) -> int:
    """Bytes of the stream of a folder. Raises UsageError, naming it, for whatever in the folder
    cannot be read or is neither file, folder nor symbolic link."""
    total = len(_END)
    for path, info in _members(folder):
        if info.isreg() and not os.access(path, os.R_OK):
            raise UsageError(
                f"{path} cannot be read: nothing was put; make it readable, or move it"
            )
        total += len(_header(info)) + _padded(info.size)
    return total


def pack(folder: str) -> Iterator[bytes]:
    """The stream, in pieces of any size. Raises FileChanged where a file is not what the walk saw,
    and UsageError as `packed_size`."""
    for path, info in _members(folder):
        yield _header(info)
        if info.isreg():
            yield from _content(path, info.size)
            yield bytes(_padded(info.size) - info.size)
    yield _END


def _members(folder: str) -> Iterator[tuple[str, tarfile.TarInfo]]:
    """Each member's path and header, from a stack of folders: no depth is too much."""
    waiting = _listed(folder, "")
    while waiting:
        path, name = waiting.pop()
        try:
            status = os.lstat(path)
        except OSError as error:
            raise FileChanged(f"{path}: {error.strerror}; nothing was put: try again") from error
        info = _described(path, name, status)
        yield path, info
        if info.isdir():
            waiting += _listed(path, name + "/")


def _listed(folder: str, prefix: str) -> list[tuple[str, str]]:
    """What is in a folder, the last name first."""
    try:
        names = os.listdir(folder)
    except OSError as error:
        raise UsageError(f"{folder} cannot be read: {error.strerror}; nothing was put") from error
    names.sort(key=os.fsencode, reverse=True)
    return [(os.path.join(folder, name), prefix + name) for name in names]


def _described(path: str, name: str, status: os.stat_result) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode = stat.S_IMODE(status.st_mode)
    seconds, nanoseconds = divmod(abs(status.st_mtime_ns), 1_000_000_000)
    is_before_1970 = status.st_mtime_ns < 0
    info.mtime = -seconds if is_before_1970 else seconds
    if nanoseconds:
        # A float holds no nanoseconds; the text does, a decimal number with its sign.
        sign = "-" if is_before_1970 else ""
        info.pax_headers = {"mtime": f"{sign}{seconds}.{nanoseconds:09d}"}
    if stat.S_ISREG(status.st_mode):
        info.size = status.st_size
    elif stat.S_ISDIR(status.st_mode):
        info.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(status.st_mode):
        info.type = tarfile.SYMTYPE
        info.linkname = os.readlink(path)
    else:
        raise UsageError(
            f"{path} is neither a file nor a folder nor a symbolic link: nothing was put; move it"
        )
    return info


def _header(info: tarfile.TarInfo) -> bytes:
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _padded(size: int) -> int:
    return -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE


def _content(path: str, size: int) -> Iterator[bytes]:
    """Exactly `size` bytes of a file."""
    try:
        # A symbolic link or pipe that took the file's place in the meantime is not followed.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise FileChanged(f"{path}: {error.strerror}; nothing was put: try again") from error
    with open(fd, "rb", buffering=0) as file:
        left = size
        while left and (data := file.read(min(left, READ_BYTES))):
            left -= len(data)
            yield data
        if left or file.read(1):
            how = "grew" if not left else "shrank"
            raise FileChanged(f"{path} {how} while it was read: nothing was put; try again")
