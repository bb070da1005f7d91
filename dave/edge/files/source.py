"""Where the content of a file to be put comes from: a path, a stream or a folder, read in threads.

Each source has `size` (bytes, None where only the end tells), `is_folder`, and `read`, which gives
exactly as many bytes as asked, fewer only at the end. That a file is not what it was when it was
opened is noticed before its entry is put.
"""

import io
import os
import select
import stat
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from typing import BinaryIO, NamedTuple, Protocol

from dave.edge.driver import Driver
from dave.edge.files.folder_pack import pack, packed_size
from dave.edge.limits import PIPE_LOOK_SECONDS
from dave.errors import FileChanged, UsageError


class Begun(NamedTuple):
    """A binary file of which the beginning, `head`, has been read."""

    head: bytes
    file: BinaryIO


Content = str | os.PathLike[str] | BinaryIO | AsyncIterable[bytes] | Begun
"""What can be put: a path of a file or folder, a binary file open for reading or begun already, or
pieces of bytes as an asynchronous iterator."""


class Source(Protocol):
    """Bytes in order, once."""

    size: int | None
    is_folder: bool

    async def read(self, count: int) -> bytes:
        """The next `count` bytes; fewer only at the end. Raises FileChanged, OSError."""
        ...

    def close(self) -> None: ...


async def open_source(content: Content, driver: Driver) -> Source:
    """The source of `content`. Raises OSError for a path that cannot be read, UsageError."""
    if isinstance(content, str | os.PathLike):
        return await driver.offload(_of_path, os.fspath(content), driver)
    if isinstance(content, Begun):
        return BegunSource(content.head, StreamSource(content.file, driver))
    if hasattr(content, "__aiter__"):
        return PiecesSource(aiter(content))
    if not hasattr(content, "read"):
        raise UsageError(
            "a file to put is a path, a binary file or an asynchronous iterator of bytes, not "
            f"{type(content).__name__}"
        )
    return StreamSource(content, driver)


def _of_path(path: str, driver: Driver) -> Source:
    if os.path.isdir(path):
        return FolderSource(path, driver)
    file: BinaryIO = open(path, "rb", buffering=0)  # noqa: SIM115  (the source closes it)
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        return StreamSource(file, driver, owned=True)
    return PathSource(path, file, driver)


class PathSource:
    """A regular file."""

    is_folder = False

    def __init__(self, path: str, file: BinaryIO, driver: Driver) -> None:
        self._path = path
        self._file = file
        self._driver = driver
        self._status = os.fstat(file.fileno())
        self._left = self._status.st_size
        self.size: int | None = self._left

    async def read(self, count: int) -> bytes:
        """As Source."""
        return await self._driver.offload(self._read, count)

    def _read(self, count: int) -> bytes:
        wanted = min(count, self._left)
        data = _read_all(self._file, wanted)
        self._left -= len(data)
        if len(data) < wanted:
            raise FileChanged(self._words("shrank"))
        if not self._left:
            if self._file.read(1):
                raise FileChanged(self._words("grew"))
            if os.fstat(self._file.fileno()).st_mtime_ns != self._status.st_mtime_ns:
                raise FileChanged(self._words("was written to"))
        return data

    def _words(self, what: str) -> str:
        return (
            f"{self._path} {what} while it was read, so nothing was put under its name: put it "
            "again once it is at rest"
        )

    def close(self) -> None:
        """As Source."""
        self._file.close()


class StreamSource:
    """A pipe, a device, or a file that the caller has opened."""

    is_folder = False
    size: int | None = None

    def __init__(self, file: BinaryIO, driver: Driver, *, owned: bool = False) -> None:
        self._file = file
        self._driver = driver
        self._owned = owned
        self._is_closed = False

    async def read(self, count: int) -> bytes:
        """As Source."""
        return await self._driver.offload(self._read, count)

    def _read(self, count: int) -> bytes:
        if not isinstance(self._file, io.RawIOBase):
            return _read_all(self._file, count)
        # A thread that waits in a read cannot be ended: so it waits for what there is to read.
        pieces: list[bytes] = []
        while count and not self._is_closed:
            if not select.select([self._file], [], [], PIPE_LOOK_SECONDS)[0]:
                continue
            piece = self._file.read(count)
            if not piece:
                break
            pieces.append(piece)
            count -= len(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """As Source."""
        self._is_closed = True
        if self._owned:
            self._file.close()


class PiecesSource:
    """An application's asynchronous iterator."""

    is_folder = False
    size: int | None = None

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    async def read(self, count: int) -> bytes:
        """As Source."""
        taken, length = [self._rest], len(self._rest)
        while length < count:
            try:
                piece = await anext(self._pieces)
            except StopAsyncIteration:
                break
            if not isinstance(piece, bytes | bytearray | memoryview):
                raise UsageError(f"a file to put is made of bytes, not {type(piece).__name__}")
            taken.append(bytes(piece))
            length += len(piece)
        data = b"".join(taken)
        self._rest = data[count:]
        return data[:count]

    def close(self) -> None:
        """As Source."""


class FolderSource:
    """A folder as a tar stream (folder_pack.py)."""

    is_folder = True

    def __init__(self, path: str, driver: Driver) -> None:
        self._path = path
        self.size: int | None = packed_size(path)
        self._left = self.size
        self._pieces: Iterator[bytes] = pack(path)
        self._rest = b""
        self._driver = driver

    async def read(self, count: int) -> bytes:
        """As Source."""
        return await self._driver.offload(self._read, count)

    def _read(self, count: int) -> bytes:
        taken, length = [self._rest], len(self._rest)
        while length < count and (piece := next(self._pieces, None)) is not None:
            taken.append(piece)
            length += len(piece)
        data = b"".join(taken)
        self._rest = data[count:]
        data = data[:count]
        self._left -= len(data)
        if self._left < 0 or (self._left and len(data) < count):
            raise FileChanged(f"{self._path} changed while it was read: put it again")
        return data

    def close(self) -> None:
        """As Source."""


class BytesSource:
    """A value that the caller has in memory."""

    is_folder = False

    def __init__(self, data: bytes) -> None:
        self.size: int | None = len(data)
        self._rest = memoryview(data)

    async def read(self, count: int) -> bytes:
        """As Source."""
        data, self._rest = self._rest[:count], self._rest[count:]
        return bytes(data)

    def close(self) -> None:
        """As Source."""


class BegunSource:
    """A source of which the first bytes have been read."""

    def __init__(self, head: bytes, source: Source) -> None:
        self.size = source.size
        self.is_folder = source.is_folder
        self._head = head
        self._source = source

    async def read(self, count: int) -> bytes:
        """As Source."""
        head, self._head = self._head[:count], self._head[count:]
        return head if len(head) == count else head + await self._source.read(count - len(head))

    def close(self) -> None:
        """As Source."""
        self._source.close()


def _read_all(file: BinaryIO, count: int) -> bytes:
    """`count` bytes, fewer only at the end: an unbuffered file gives what it has."""
    pieces: list[bytes] = []
    while count and (piece := file.read(count)):
        if not isinstance(piece, bytes):
            raise UsageError("a file to put must be opened in binary mode")
        pieces.append(piece)
        count -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
