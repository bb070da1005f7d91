"""A folder that comes as a tar stream (POSIX.1-2001 pax), unpacked as it comes.

It goes into a temporary folder beside the target and gets the target's name when it is whole. What
its owner packed may be hostile: nothing may end up, or be read, outside. So every name is walked
from the target's own descriptor, a step at a time and never through a symbolic link; that holds
whatever the checks of names before it overlook. Symbolic links are made as they are where they stay
inside; others are left out and told of. Set-user-id bits, devices and hard links are never made,
nor files that others may write to.

What is whole so far is noted now and then: an interrupted unpacking goes on at that member.
"""

import contextlib
import errno
import os
import re
import shutil
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from queue import Full, Queue
from threading import Thread
from typing import Any

from dave.edge.disk import sync_folder
from dave.edge.files.tar_input import TarEnded, TarInput
from dave.edge.files.target import (
    Notes,
    check_parent,
    check_room,
    disk_full,
    open_folder_alone,
    part_of,
)
from dave.errors import FolderRefused, UsageError
from dave.files.blocks import Buffer
from dave.share_limits import FOLDER_DEPTH_MAX, FOLDER_QUEUE_PIECES

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MODES = 0o755
"""What of a mode is taken over, as by the data filter of tarfile (PEP 706)."""
_TIME = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,9})\d*)?")

_Opened = tuple[str, int | None, int]
"""A folder being filled: name, mode (None: as it was made) and time in nanoseconds."""


class FolderTarget:
    """Takes a tar stream in order (`write`), and makes it the folder `path` (`finish`).

    identity: what the stream is of; what was unpacked of another is thrown away. size: of the
    stream, in bytes. `start` is where in it it goes on. All methods may wait for the disk.

    Raises UsageError if there is something in the way or not room enough, OSError.
    """

    def __init__(self, path: Path, identity: str, size: int = 0) -> None:
        _check_place(path)
        self.path = path
        self.skipped: list[str] = []
        self.started_anew = False
        self.start = 0
        self._part = part_of(path)
        self._notes = Notes(path, identity)
        self._notes.begin(self._part)
        self._part.mkdir(exist_ok=True)
        self._root = open_folder_alone(self._part)
        try:
            noted = self._notes.load()
            if noted is None:
                self.started_anew = self._notes.are_of_another
                _empty(self._part)
                self._notes.save(0)
            elif noted["done"]:
                self.start = int(noted["done"])
            else:
                noted = None
            check_room(self._root, path, size - self.start)
            self._unpacker = _Unpacker(self._root, self._part, self._notes, self.skipped, noted)
        except BaseException:
            self._close()
            raise
        self._queue: Queue[Buffer | None] = Queue(FOLDER_QUEUE_PIECES)
        self._error: Exception | None = None
        self._stopped = False
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def write(self, data: Buffer) -> None:
        """The next bytes of the stream. Raises FolderRefused, OSError."""
        self._put(data)

    def finish(self) -> None:
        """The stream has ended: the folder gets its name. Raises FolderRefused, OSError."""
        self._put(None)
        self._thread.join()
        self._raise()
        self._notes.wait()
        os.sync()
        self._part.rename(self.path)
        self._notes.remove()
        with contextlib.suppress(OSError):  # not every folder can be synced
            sync_folder(self.path.parent)
        self._close()

    def stop(self) -> None:
        """Leave what there is for the next time. What was refused is refused for ever, so nothing
        is left of it."""
        if self._root < 0:
            return
        self._stopped = True
        refused = isinstance(self._error, FolderRefused)
        while self._thread.is_alive():
            with contextlib.suppress(Full):
                self._queue.put(None, timeout=0.01)
        self._notes.wait()
        if refused or not self._unpacker.reached[0]:
            _empty(self._part)
            self._part.rmdir()
            self._notes.remove()
        else:
            os.sync()
            with contextlib.suppress(OSError):
                self._notes.save(self._unpacker.reached[0], open=self._unpacker.reached[1])
        self._close()

    def _put(self, data: Buffer | None) -> None:
        while not self._stopped:
            self._raise()
            with contextlib.suppress(Full):
                self._queue.put(data, timeout=0.1)
                return

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _close(self) -> None:
        os.close(self._root)
        self._root = -1

    def _run(self) -> None:
        try:
            self._unpacker.run(TarInput(self._queue, self.start))
        except FolderRefused as error:
            self._error = error
        except OSError as error:
            self._error = disk_full(error, self._part)
        except (tarfile.TarError, ValueError, OverflowError, RecursionError, MemoryError) as error:
            self._error = FolderRefused(f"this is no folder that Dave packed: {error}")
        except BaseException as error:  # told to whoever writes, who would else wait for ever
            self._error = RuntimeError(f"unpacking failed: {error!r}")
            raise


class _Unpacker:
    """Makes members below the descriptor `root`, in the thread of a FolderTarget."""

    def __init__(self, root: int, path: Path, notes: Notes, skipped: list[str], noted: Any) -> None:
        self._root = root
        self._path = str(path)
        self._notes = notes
        self._skipped = skipped
        self._open: list[_Opened] = []
        """The folders that what comes may still be in, the outermost (the target) first. They get
        their modes and times when it has left them: a file made inside changes the one and may
        need the other."""
        self._again = noted is not None
        """What comes may be there already, whole or not."""
        if noted is not None:
            self._open = [(name, mode, mtime) for name, mode, mtime in noted.get("open", [])]
        self.reached: tuple[int, list[_Opened]] = (int(noted["done"]) if noted else 0, self._open)
        """Before this place of the stream all is unpacked, with these folders open."""

    def run(self, source: TarInput) -> None:
        """Unpack all of it. Raises FolderRefused, OSError, and whatever tarfile does."""
        self._reopen()
        tar = tarfile.TarFile(fileobj=source, mode="r")  # type: ignore[arg-type]
        member = tar.next()
        while member is not None:
            tar.members.clear()  # type: ignore[attr-defined]  # it would remember every one
            if tar.pax_headers:
                raise FolderRefused("a global header: this is no folder that Dave packed")
            self.reached = member.offset, list(self._open)
            self._notes.note(member.offset, os.sync, open=self.reached[1])
            self._make(member, source)
            member = tar.next()
        if source.last != bytes(tarfile.BLOCKSIZE):
            raise TarEnded("it has no end")
        source.drain()
        self._leave(0)

    def _reopen(self) -> None:
        """Folders that were open when it was interrupted may have got their modes since."""
        for count in range(1, len(self._open) + 1):
            parts = [name for name, _, _ in self._open[1:count]]
            with self._folder(parts, "/".join(parts)) as folder:
                os.fchmod(folder, 0o700)

    def _make(self, member: tarfile.TarInfo, source: TarInput) -> None:
        parts = _checked_parts(member)
        if not parts:
            if not member.isdir():
                raise FolderRefused("the folder itself is no folder in it")
            self._open[:1] = [("", member.mode, _time_ns(member))]
            return
        if not self._open:
            self._open.append(("", None, 0))
        self._enter(parts[:-1])
        if member.issym() and not _stays_inside(member.linkname, len(parts) - 1):
            self._skipped.append(f"{_shown(member.name)} -> {_shown(member.linkname)}")
            return
        if hasattr(tarfile, "data_filter"):  # Python 3.11.4 and later: a second opinion
            tarfile.data_filter(member, self._path)
        with self._folder(parts[:-1], member.name) as folder:
            if self._again:
                _make_room(parts[-1], folder)
            try:
                self._create(member, parts[-1], folder, source)
            except FileExistsError:
                raise FolderRefused(
                    f"{_shown(member.name)} is in it twice, perhaps in capitals and small letters, "
                    "which this disk does not tell apart"
                ) from None

    def _create(self, member: tarfile.TarInfo, name: str, folder: int, source: TarInput) -> None:
        """Make a member in a folder. Raises FileExistsError, OSError."""
        if member.isdir():
            if not (self._again and _is_folder(name, folder)):
                os.mkdir(name, 0o700, dir_fd=folder)
            self._open.append((name, member.mode, _time_ns(member)))
        elif member.issym():
            self._link(member, name, folder)
        else:
            self._file(member, name, folder, source)

    def _file(self, member: tarfile.TarInfo, name: str, folder: int, source: TarInput) -> None:
        made = os.open(name, _NEW_FILE, 0o600, dir_fd=folder)
        try:
            source.seek(member.offset_data)
            for piece in source.pieces(member.size):
                while len(piece):
                    piece = piece[os.write(made, piece) :]
            os.fchmod(made, member.mode & _MODES)
            os.utime(made, ns=_times(member))
        finally:
            os.close(made)

    def _link(self, member: tarfile.TarInfo, name: str, folder: int) -> None:
        os.symlink(member.linkname, name, dir_fd=folder)
        with contextlib.suppress(NotImplementedError):
            os.utime(name, ns=_times(member), dir_fd=folder, follow_symlinks=False)

    def _enter(self, parts: list[str]) -> None:
        """Leave the folders that this path is not in; come back to those it is in."""
        same = 0
        for (name, _, _), part in zip(self._open[1:], parts, strict=False):
            if name != part:
                break
            same += 1
        self._leave(same + 1)
        self._open += [(part, None, 0) for part in parts[same:]]

    def _leave(self, count: int) -> None:
        """Give all open folders but the first `count` their modes and times."""
        while len(self._open) > count:
            parts = [name for name, _, _ in self._open[1:]]
            _, mode, mtime = self._open.pop()
            with self._folder(parts, "/".join(parts)) as folder:
                if mode is not None:
                    os.fchmod(folder, mode & _MODES)
                    os.utime(folder, ns=(mtime, mtime))

    @contextlib.contextmanager
    def _folder(self, parts: list[str], shown: str) -> Iterator[int]:
        """A descriptor of a folder inside, reached without following a link."""
        folder = os.dup(self._root)
        try:
            for part in parts:
                inner = os.open(part, _FOLDER, dir_fd=folder)
                os.close(folder)
                folder = inner
            yield folder
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENOENT):
                raise FolderRefused(
                    f"{_shown(shown)} is in something that is no folder: refused"
                ) from error
            raise
        finally:
            os.close(folder)


def _checked_parts(member: tarfile.TarInfo) -> list[str]:
    """The steps of a member's name; none for the folder itself. Raises FolderRefused."""
    shown = _shown(member.name)
    if not (member.isdir() or member.issym() or (member.isreg() and not member.issparse())):
        raise FolderRefused(f"{shown} is neither file, folder nor symbolic link: refused")
    if member.name.startswith("/") or "\0" in member.name or "\0" in member.linkname:
        raise FolderRefused(f"{shown} leads out of the folder: refused")
    parts = [part for part in member.name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise FolderRefused(f"{shown} leads out of the folder: refused")
    if len(parts) > FOLDER_DEPTH_MAX:
        raise FolderRefused(f"{shown} is more than {FOLDER_DEPTH_MAX} folders deep: refused")
    return parts


def _stays_inside(link: str, depth: int) -> bool:
    """Whether a link, `depth` folders deep, cannot lead out, whatever other links do.

    Steps up come first and are few enough; they start at a folder that is no link. What follows
    goes down, through links of which the same is true. (A step up after a name could start
    anywhere that a link leads.)
    """
    parts = [part for part in link.split("/") if part not in ("", ".")]
    ups = 0
    while ups < len(parts) and parts[ups] == "..":
        ups += 1
    return bool(link) and link[0] != "/" and ups <= depth and ".." not in parts[ups:]


def _make_room(name: str, folder: int) -> None:
    """For what was begun before the interruption. A folder stays, and can be written to."""
    if _is_folder(name, folder):
        os.chmod(name, 0o700, dir_fd=folder)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)


def _is_folder(name: str, folder: int) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def _time_ns(member: tarfile.TarInfo) -> int:
    """When it was changed. A float, which is what tarfile makes of it, holds no nanoseconds."""
    exact = _TIME.fullmatch(member.pax_headers.get("mtime", ""))
    if exact is None:
        return int(member.mtime * 1_000_000_000)
    time_ns = int(exact[2]) * 1_000_000_000 + int((exact[3] or "").ljust(9, "0"))
    return -time_ns if exact[1] else time_ns


def _times(member: tarfile.TarInfo) -> tuple[int, int]:
    when = _time_ns(member)
    return when, when


def _empty(folder: Path) -> None:
    """Remove what an earlier unpacking left, whatever modes it has."""
    for where, folders, _ in os.walk(folder):
        for name in folders:
            if not os.path.islink(os.path.join(where, name)):
                os.chmod(os.path.join(where, name), 0o700)
    for each in folder.iterdir():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        else:
            each.unlink()


def _check_place(path: Path) -> None:
    check_parent(path)
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise UsageError(f"{path} is in the way and is no folder: name another with --out")
    if path.is_dir() and next(path.iterdir(), None) is not None:
        raise UsageError(f"{path} is a folder with something in it: name another with --out")


def _shown(name: str) -> str:
    return repr(name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))
