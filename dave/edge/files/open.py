"""What stands under a name, opened: a value, or a file of any size to be read in order.

The entry is unsealed where it is private; what is under the seal is a value, compressed perhaps, or
the root of a file, whose size and rows are checked before anything is fetched (wire/manifest.py).
"""

from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Protocol

from dave.crypto import hashes
from dave.edge.driver import Driver
from dave.edge.files.byte_range import ByteRange, parse_range
from dave.edge.files.read import FileReader
from dave.edge.files.shares import Shares
from dave.edge.keyfile import Key
from dave.edge.receipt import Value, value_of
from dave.errors import IsFile, WrongKey
from dave.files.blocks import Buffer
from dave.files.private import open_value
from dave.node.requests import Peer
from dave.node.results import GetResult
from dave.share_limits import REFERENCE_BYTES
from dave.uri import format_uri
from dave.wire.compression import inflated
from dave.wire.entry import Entry
from dave.wire.manifest import FileKind, Root


class Reader(Protocol):
    """Hands over a content in order."""

    @property
    def corrupting(self) -> list[Peer]:
        """The nodes that sent damaged shares, which were fetched elsewhere."""

    async def next(self) -> list[Buffer]:
        """The next bytes in pieces; none at the end."""

    def close(self) -> None:
        """Stop what is under way."""


class OpenFile:
    """What `open_file` returns: `async for piece in file`, once, gives its bytes in order.

    Iterating raises NotWhole if parts cannot be found, NetworkError, and WireError for a file that
    its owner made wrongly.
    """

    def __init__(
        self,
        driver: Driver,
        shares: Shares | None,
        about: Value,
        of: Root | bytes,
        span: ByteRange | None,
    ) -> None:
        self.about = about
        """Owner, key, time and so on; its `value` is empty where the content has a place of its
        own."""
        self.is_folder = isinstance(of, Root) and of.kind is FileKind.FOLDER
        """Whether the content is a tar stream."""
        self.size = of.size if isinstance(of, Root) else len(of)
        """Bytes of the whole content, whatever range of it is read."""
        self.start, self.stop = (0, self.size) if span is None else span.within(self.size)
        """Where in it reading begins, and ends (exclusive)."""
        self.reader: Reader | None = None
        """Once it is being read."""
        self._driver = driver
        self._shares = shares
        self._of = of
        self._pieces: deque[Buffer] = deque()

    @property
    def is_blob(self) -> bool:
        """Whether the content is at nodes as shares, not in the entry."""
        return isinstance(self._of, Root)

    @property
    def identity(self) -> str:
        """The same for the same bytes of the same upload, however often its entry is put anew."""
        of = self._of
        if isinstance(of, Root):
            of = of._replace(reference=bytes(REFERENCE_BYTES)).encode()
        return f"{hashes.entry_digest(of).hex()}:{self.start}-{self.stop}"

    def read_from(self, offset: int) -> Reader:
        """Begin to read, `offset` bytes after `start`."""
        start = self.start + offset
        if isinstance(self._of, Root):
            assert self._shares is not None
            self.reader = FileReader(self._driver, self._shares, self._of, start, self.stop)
        else:
            self.reader = _Inline(self._of[start : self.stop])
        return self.reader

    def close(self) -> None:
        """Stop what is under way. Reading to the end closes by itself."""
        if self.reader is not None:
            self.reader.close()

    def __aiter__(self) -> "OpenFile":
        self.read_from(0)
        return self

    async def __anext__(self) -> Buffer:
        assert self.reader is not None
        if not self._pieces:
            self._pieces.extend(await self.reader.next())
        if not self._pieces:
            raise StopAsyncIteration
        return self._pieces.popleft()

    async def whole(self, limit: int) -> Value:
        """All of it as a value. Raises IsFile for a folder, and a file beyond `limit` bytes."""
        if self.is_folder:
            raise IsFile(f"{self.about.uri} is a folder: get_file unpacks it")
        if self.is_blob and self.size > limit:
            raise IsFile(
                f"{self.about.uri} has {self.size:,} bytes, and get returns {limit:,} at most: use "
                "get_file or open_file"
            )
        content = b"".join([bytes(piece) async for piece in self])
        return self.about._replace(value=content, is_closed=False)


class SyncFile:
    """An OpenFile whose iteration blocks; everything else as there. run: of the driver."""

    def __init__(self, file: OpenFile, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._file = file
        self._run = run

    def __iter__(self) -> Iterator[Buffer]:
        pieces = aiter(self._file)
        while (piece := self._run(anext(pieces, None))) is not None:
            yield piece

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class _Inline:
    """The value of an entry, read like a file."""

    def __init__(self, value: bytes) -> None:
        self._left: list[Buffer] = [value] if value else []

    @property
    def corrupting(self) -> list[Peer]:
        return []

    async def next(self) -> list[Buffer]:
        left, self._left = self._left, []
        return left

    def close(self) -> None:
        self._left = []


def unsealed(entry: Entry, key: Key | None, link_key: bytes | None) -> bytes:
    """The value of an entry without its seal, as its other flags say. key: one's own. link_key: 32
    bytes. Raises WrongKey if neither opens it."""
    if not entry.is_private:
        return entry.value
    if link_key is not None:
        return open_value(link_key, entry.value)
    if key is None or key.owner != entry.owner:
        raise WrongKey(
            f"{format_uri(entry.owner, entry.key)} is private: only its owner's key opens it, or "
            "the link that the owner gives (`dave share`), with what stands after its #"
        )
    return open_value(key.private_key(entry.key), entry.value)


def opened(
    driver: Driver,
    found: GetResult,
    key: Key | None,
    link_key: bytes | None,
    seconds: float,
    span: ByteRange | str | None = None,
) -> OpenFile:
    """The content behind the entry that was found, after so long. Raises WrongKey, WireError, and
    UsageError for a range beyond its end."""
    entry = found.entry
    assert entry is not None
    if isinstance(span, str):
        span = parse_range(span)
    value = unsealed(entry, key, link_key)
    about = value_of(entry, driver.core.network, found.replicas, seconds)
    if entry.is_blob:
        root = Root.read(value)
        return OpenFile(driver, Shares(driver), about, root, span)
    plain = inflated(value) if entry.is_compressed else value
    return OpenFile(driver, None, about._replace(value=plain, is_closed=False), plain, span)
