"""What leads to a file's content: rows, one a stripe, and the root that an entry holds.

    row   k 1 | n 1 | share bytes 4 | last bytes 4 | n addresses of 32 | k keys of 32
    root  version 1 | kind 1 | levels 1 | k 1 | n 1 | size 8 | reference 16 | rows
                                                                        integers little-endian

The rows of a file in order are its manifest of level 1. If it does not fit the root it is stored as
a file itself, whose rows are the manifest of level 2, and so on: the root holds the highest level.

Size and code in the root fix everything but the hashes: how many rows each level has, and the shape
of each (`Level`). So a reader knows where a byte of the content stands without reading what comes
before it, and a hostile manifest has nothing to say about how much memory it takes.
"""

from enum import IntEnum
from struct import Struct
from typing import NamedTuple, Self

from dave.crypto import hashes
from dave.errors import WireError
from dave.share_limits import (
    BLOCK_BYTES,
    CODE_SHARES_MAX,
    FILE_BYTES_MAX,
    MANIFEST_LEVELS_MAX,
    REFERENCE_BYTES,
    ROOT_HEADER_BYTES,
    ROW_HEADER_BYTES,
    SHARE_ADDRESS_BYTES,
)
from dave.wire.stripe import Shape, check_shape

ROOT_VERSION = 1

_row = Struct("<BBII")
_root = Struct(f"<BBBBBQ{REFERENCE_BYTES}s")
assert _row.size == ROW_HEADER_BYTES
assert _root.size == ROOT_HEADER_BYTES


class Row(NamedTuple):
    """One stripe of a file: where its shares are, and the keys of its blocks."""

    shape: Shape
    addresses: tuple[bytes, ...]
    """Of the n shares, 32 bytes each."""
    keys: tuple[bytes, ...]
    """Of the k blocks, 32 bytes each."""

    @property
    def stripe_id(self) -> bytes:
        """32 bytes. Computed anew at each call."""
        return hashes.stripe_id(_row.pack(*self.shape) + b"".join(self.addresses))

    def encode(self) -> bytes:
        return _row.pack(*self.shape) + b"".join(self.addresses) + b"".join(self.keys)

    @classmethod
    def read(cls, data: bytes) -> Self:
        """The row that `data` is. Raises WireError unless it is exactly one."""
        if len(data) < ROW_HEADER_BYTES:
            raise WireError(f"a row has more than {len(data)} bytes")
        shape = Shape(*_row.unpack_from(data))
        check_shape(*shape)
        if shape.k > 1 and shape.share_bytes != BLOCK_BYTES:
            raise WireError("only the last block of a file is smaller than the others")
        if len(data) != shape.row_bytes:
            raise WireError(f"a row of {shape.k} of {shape.n} has {shape.row_bytes} bytes")
        keys_at = ROW_HEADER_BYTES + shape.n * SHARE_ADDRESS_BYTES
        return cls(
            shape,
            tuple(data[i : i + 32] for i in range(ROW_HEADER_BYTES, keys_at, 32)),
            tuple(data[i : i + 32] for i in range(keys_at, len(data), 32)),
        )


class Level(NamedTuple):
    """How `size` bytes (0 or more) are cut into blocks, stripes and rows by a code of k of n."""

    size: int
    k: int
    n: int

    @property
    def blocks(self) -> int:
        """How many, the last one perhaps short."""
        return -(-self.size // BLOCK_BYTES)

    @property
    def stripes(self) -> int:
        """How many, the last one perhaps of fewer blocks: so many rows."""
        return -(-self.blocks // self.k)

    def shape(self, number: int) -> Shape:
        """Of stripe `number`, below `stripes`. All have n - k shares of parity."""
        assert 0 <= number < self.stripes
        size = min(self.size - number * self.k * BLOCK_BYTES, self.k * BLOCK_BYTES)
        k = -(-size // BLOCK_BYTES)
        share_bytes = min(size, BLOCK_BYTES)
        return Shape(k, k + self.n - self.k, share_bytes, size - (k - 1) * share_bytes)

    def row_offset(self, number: int) -> int:
        """Where row `number`, up to `stripes`, begins among the rows: bytes."""
        if number < self.stripes or not number:
            return number * Shape(self.k, self.n, BLOCK_BYTES, BLOCK_BYTES).row_bytes
        return self.row_offset(number - 1) + self.shape(number - 1).row_bytes

    @property
    def above(self) -> "Level":
        """The rows of this level, in order, as bytes to be cut in their turn."""
        return Level(self.row_offset(self.stripes), self.k, self.n)


def read_row(data: bytes, shape: Shape) -> Row:
    """The row that `data` is, of a stripe that must have that shape. Raises WireError."""
    row = Row.read(data)
    if row.shape != shape:
        raise WireError("a row of the manifest contradicts the size of the file")
    return row


class FileKind(IntEnum):
    """What the content is."""

    FILE = 0
    FOLDER = 1
    """A PAX tar stream (POSIX.1-2001)."""


class Root(NamedTuple):
    """The value of an entry with the flag BLOB."""

    kind: FileKind
    levels: int
    """How many manifests lead to the content, this one included: 1 to 6."""
    k: int
    n: int
    """The code of all full stripes, of content and manifests."""
    size: int
    """Bytes of the content."""
    reference: bytes
    """Of the upload, 16 bytes."""
    rows: bytes
    """The manifest of the highest level: rows, joined. None in an empty file."""

    def level(self, number: int) -> Level:
        """Level 0 is the content, level i the bytes of the manifest of level i; up to `levels`."""
        level = Level(self.size, self.k, self.n)
        for _ in range(number):
            level = level.above
        return level

    def encode(self) -> bytes:
        """What `read` takes."""
        head = (ROOT_VERSION, self.kind, self.levels, self.k, self.n, self.size, self.reference)
        return _root.pack(*head) + self.rows

    @classmethod
    def read(cls, data: bytes) -> Self:
        """The root that `data` is. Raises WireError unless it is exactly one; the rows in it are
        checked too."""
        if len(data) < ROOT_HEADER_BYTES:
            raise WireError(f"the root of a file has more than {len(data)} bytes")
        version, kind, levels, k, n, size, reference = _root.unpack_from(data)
        if version != ROOT_VERSION or kind not in _KINDS:
            raise WireError("a file of a newer version of Dave")
        if not 1 <= k <= n <= CODE_SHARES_MAX:
            raise WireError(f"no file has {k} of {n} shares")
        if size > FILE_BYTES_MAX or not 1 <= levels <= MANIFEST_LEVELS_MAX:
            raise WireError("the root of a file has numbers out of range")
        root = cls(FileKind(kind), levels, k, n, size, reference, data[ROOT_HEADER_BYTES:])
        if root.level(levels).size != len(root.rows) or (levels > 1 and not size):
            raise WireError("the rows in the root of a file contradict its size")
        root.top_rows()
        return root

    def top_rows(self) -> tuple[Row, ...]:
        """The rows in the root. Raises WireError where they are not what size and code say."""
        below = self.level(self.levels - 1)
        return tuple(
            read_row(self.rows[below.row_offset(i) : below.row_offset(i + 1)], below.shape(i))
            for i in range(below.stripes)
        )


_KINDS = frozenset(FileKind)
