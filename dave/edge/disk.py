"""All that the journal asks of a disk, as one small class: so that a test can fail the n-th write,
or keep only what a crash would have left, by overriding a method."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from dave.limits import JOURNAL_READ_BYTES

_sync_data = getattr(os, "fdatasync", os.fsync)


class Disk:
    """The real disk. Every method raises OSError as the system does."""

    def names(self, folder: Path) -> list[str]:
        """Names of the files in a folder, sorted."""
        return sorted(os.listdir(folder))

    def pieces(self, path: Path) -> Iterator[bytes]:
        """A file's bytes in pieces of at most a mebibyte. Read, not mapped: a bad sector is then
        an error and not a signal that ends the process."""
        with open(path, "rb", buffering=0) as file:
            while piece := file.read(JOURNAL_READ_BYTES):
                yield piece

    def sizes(self, folder: Path) -> dict[str, int]:
        """Names and sizes in bytes of the files in a folder; nothing where there is no folder."""
        try:
            with os.scandir(folder) as found:
                return {each.name: each.stat().st_size for each in found if each.is_file()}
        except FileNotFoundError:
            return {}

    def read(self, path: Path, offset: int, size: int) -> bytes:
        """Up to `size` bytes of a file, fewer where it ends; negative offsets are from its end."""
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if offset < 0:
                offset = max(0, os.fstat(handle).st_size + offset)
            return os.pread(handle, size, offset)
        finally:
            os.close(handle)

    def make_folder(self, path: Path) -> None:
        """A folder of mode 0700 where there is none; durable once its parent is synced."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def room(self, folder: Path) -> tuple[int, int]:
        """Bytes that can be written to a folder's file system, and its size."""
        found = os.statvfs(folder)
        return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize

    def create(self, path: Path) -> int:
        """A handle to append to a new file of mode 0600."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        return os.open(path, flags, 0o600)

    def write(self, handle: int, data: bytes) -> None:
        """Append all of `data`; after an error any part of it may be there."""
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]

    def write_pieces(self, handle: int, pieces: Sequence[bytes]) -> None:
        """Append all pieces, at most some hundred, in one call if the system takes them."""
        size, written = sum(map(len, pieces)), os.writev(handle, pieces)
        if written < size:
            self.write(handle, b"".join(pieces)[written:])

    def sync(self, handle: int) -> None:
        """Return once what was written would survive a loss of power."""
        _sync_data(handle)

    def sync_file(self, path: Path) -> None:
        """Make durable what was written to a file that is closed."""
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.sync(handle)
        finally:
            os.close(handle)

    def close(self, handle: int) -> None:
        """Give the handle back."""
        os.close(handle)

    def truncate(self, path: Path, size: int) -> None:
        """Cut a file to `size` bytes, durably."""
        handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.ftruncate(handle, size)
            os.fsync(handle)
        finally:
            os.close(handle)

    def rename(self, path: Path, target: Path) -> None:
        """Give a file another name in its folder; durable after `sync_folder`."""
        os.rename(path, target)

    def remove(self, path: Path) -> None:
        """Remove a file; durable after `sync_folder`."""
        os.unlink(path)

    def sync_folder(self, folder: Path) -> None:
        """Make creations, renames and removals in a folder durable."""
        sync_folder(folder)


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """As Disk.sync_folder. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
