"""Where a file goes that is fetched: into PATH.part, which gets its name when it is whole.

Beside it PATH.part.json says of what it is a part, and up to where it is safely on the disk. An
interrupted fetch goes on from there, after a power cut too.
"""

import contextlib
import errno
import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock, Thread
from typing import Any, BinaryIO, Protocol

from dave.edge.disk import sync_folder
from dave.edge.file_lock import open_alone
from dave.errors import UsageError
from dave.files.blocks import Buffer
from dave.share_limits import TARGET_NOTE_BYTES, TARGET_NOTE_SECONDS

_PART = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
"""Whoever else may write to the folder, such as /tmp, has no say in where the part is."""


class Target(Protocol):
    """What takes a content in order. All methods may wait for the disk."""

    start: int
    """Where in the content it goes on, in bytes."""
    started_anew: bool
    """Whether there was a part of another content, which is gone now."""
    skipped: list[str]
    """What was left out, for a person."""

    def write(self, data: Buffer) -> None:
        """The next bytes."""

    def finish(self) -> None:
        """That was all: it gets its name."""

    def stop(self) -> None:
        """Leave what there is, so that the same again can go on."""


class FileTarget:
    """A file. identity: of what. size: how many bytes will come in all.

    Raises UsageError if there is something in the way or not room enough, OSError.
    """

    def __init__(self, path: Path, identity: str, size: int) -> None:
        _check_place(path)
        self.path = path
        self.started_anew = False
        self.skipped: list[str] = []
        self._part = part_of(path)
        self._notes = Notes(path, identity)
        self._notes.begin(self._part)
        self._fd = _open_alone(self._part, _PART)
        try:
            noted = self._notes.load()
            has = os.fstat(self._fd).st_size
            done = 0 if noted is None else int(noted["done"])
            self.start = done if 0 <= done <= min(has, size) else 0
            self.started_anew = has > 0 and self._notes.are_of_another
            os.ftruncate(self._fd, self.start)
            self._notes.save(self.start)
            check_room(self._fd, path, size - self.start)
        except BaseException:
            self._close()
            raise
        self._done = self.start
        self._lock = Lock()
        """Who is cancelled stops it while a thread may still write."""

    def write(self, data: Buffer) -> None:
        """The next bytes. Raises UsageError if the disk is full, OSError."""
        view = memoryview(data)
        with self._lock:
            if self._fd < 0:
                return
            try:
                while len(view):
                    written = os.pwrite(self._fd, view, self._done)
                    self._done += written
                    view = view[written:]
            except OSError as error:
                raise disk_full(error, self.path) from error
            self._notes.note(self._done, self._sync)

    def finish(self) -> None:
        """That was all. Raises OSError."""
        with self._lock:
            try:
                self._notes.wait()
                os.fsync(self._fd)
                os.replace(self._part, self.path)
                self._notes.remove()
                with contextlib.suppress(OSError):  # not every folder can be synced
                    sync_folder(self.path.parent)
            except OSError as error:
                raise disk_full(error, self.path) from error
            finally:
                self._close()

    def stop(self) -> None:
        """Leave what there is for the next time."""
        with self._lock:
            if self._fd >= 0:
                try:
                    self._leave()
                finally:
                    self._close()

    def _leave(self) -> None:
        self._notes.wait()
        if self._done:
            with contextlib.suppress(OSError):
                os.fsync(self._fd)
                self._notes.save(self._done)
        else:
            self._part.unlink(missing_ok=True)
            self._notes.remove()

    def _sync(self) -> None:
        os.fsync(self._fd)

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class StreamTarget:
    """Standard output, a pipe, a device: takes bytes as they come and keeps no part. is_ours:
    close it at the end."""

    def __init__(self, file: BinaryIO, *, is_ours: bool = False) -> None:
        self._file = file
        self._is_ours = is_ours
        self.start = 0
        self.started_anew = False
        self.skipped: list[str] = []

    def write(self, data: Buffer) -> None:
        """The next bytes. Raises BrokenPipeError where nobody wants more, OSError."""
        view = memoryview(data)
        while len(view):  # a file without a buffer may take a part
            view = view[self._file.write(view) or 0 :]

    def finish(self) -> None:
        """That was all."""
        self._file.flush()

    def stop(self) -> None:
        """Nothing is kept."""
        if self._is_ours:
            with contextlib.suppress(OSError):
                self._file.close()


class Notes:
    """The side file of a part: of what it is, and how much of it is safely on the disk."""

    def __init__(self, path: Path, identity: str) -> None:
        self._path = part_of(path).with_name(path.name + ".part.json")
        self._identity = identity
        self._thread: Thread | None = None
        self._bytes = 0
        self._due = time.monotonic() + TARGET_NOTE_SECONDS
        self._not_before = 0.0
        self.are_of_another = False
        """Whether those that were found are of another content."""

    def begin(self, part: Path) -> None:
        """Before a part is made: note that it is ours. Raises UsageError if there is one that is
        not, OSError."""
        if not os.path.lexists(part):
            self.save(0)
        elif not self._path.exists():
            raise UsageError(f"{part} is there, and not of an earlier fetch: move it away")

    def load(self) -> dict[str, Any] | None:
        """What was noted of the same content; None if nothing was."""
        try:
            noted = json.loads(self._path.read_bytes())
            if noted["identity"] != self._identity:
                self.are_of_another = True
                return None
            self._bytes = int(noted["done"])
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None
        return dict(noted)

    def note(self, done: int, sync: Callable[[], None], **more: Any) -> None:
        """All before `done` is written: `sync` it and note that, if it is time to, in a thread.

        Where a sync takes long, four fifths of the time are still spent on the file."""
        now = time.monotonic()
        is_due = now >= self._due or done - self._bytes >= TARGET_NOTE_BYTES
        if not is_due or now < self._not_before or (self._thread and self._thread.is_alive()):
            return
        self._bytes, self._due = done, now + TARGET_NOTE_SECONDS

        def save() -> None:
            # A disk that takes no notes will not take the file either, which is told there.
            with contextlib.suppress(OSError):
                sync()
                self.save(done, **more)
            self._not_before = 5 * time.monotonic() - 4 * now

        self._thread = Thread(target=save, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Until nothing is being noted."""
        if self._thread is not None:
            self._thread.join()

    def save(self, done: int, **more: Any) -> None:
        """Note it now. Raises OSError."""
        new = self._path.with_name(self._path.name + ".new")
        noted = {"identity": self._identity, "done": done, **more}
        with new.open("w", encoding="utf-8", errors="surrogateescape") as file:
            json.dump(noted, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self._path)

    def remove(self) -> None:
        """The part is whole, or gone."""
        self._path.unlink(missing_ok=True)


def part_of(path: Path) -> Path:
    """Where a file is until it is whole."""
    return path.with_name(path.name + ".part")


def target_for(path: Path, identity: str, size: int, *, is_folder: bool) -> Target:
    """What takes a content at `path`: a file, a folder, or whatever device or pipe is there."""
    if is_folder:
        from dave.edge.files.folder_unpack import FolderTarget

        return FolderTarget(path, identity, size)
    if path.exists() and not path.is_file() and not path.is_dir():
        return StreamTarget(path.open("wb", buffering=0), is_ours=True)
    return FileTarget(path, identity, size)


def write_whole(path: Path, identity: str, data: bytes) -> None:
    """Write a small content to `path`, whole or not at all. Raises as a Target does."""
    target = target_for(path, identity, len(data), is_folder=False)
    try:
        target.write(memoryview(data)[target.start :])
        target.finish()
    finally:
        target.stop()


def disk_full(error: OSError, path: Path) -> Exception:
    """The error for a person where a write failed for want of room; else the same."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return error
    return UsageError(
        f"{path}: {error.strerror}: make room, then the same command goes on from there"
    )


def _open_alone(part: Path, flags: int) -> int:
    """A descriptor of the part that nobody else has open this way. Raises UsageError, OSError."""
    try:
        return open_alone(part, flags, 0o666)
    except BlockingIOError:
        raise UsageError(f"{part} is being written by another dave: wait for it") from None


def open_folder_alone(part: Path) -> int:
    """As a descriptor, a folder that no other Dave is writing. Raises UsageError, OSError."""
    return _open_alone(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


def _check_place(path: Path) -> None:
    check_parent(path)
    if path.is_dir():
        raise UsageError(f"{path} is a folder: name the file, --out {path / 'NAME'}")


def check_parent(path: Path) -> None:
    """Raise UsageError unless `path` can be made where it is."""
    if not path.name:
        raise UsageError(f"{path} is no name for a file")
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}: make it first")


def check_room(fd: int, path: Path, needed: int) -> None:
    """Raise UsageError unless the disk that `fd` is on has so many bytes left."""
    found = os.fstatvfs(fd)
    free = found.f_bavail * found.f_frsize
    mode = os.fstat(fd).st_mode
    if needed > free and (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise UsageError(
            f"{path}: {needed:,} bytes more are needed and its disk has {free:,} left: make room, "
            "then the same command goes on"
        )
