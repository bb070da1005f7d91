"""An owner's directory: entries of the owner's own that say which names there are.

Their keys begin with a zero byte, which no user's key may. One entry lists the owner's devices;
each device keeps pages of its own, so that devices do not write over each other:

    key of the devices  00 "devices"               value: version 1 | count 1 | devices
    key of a page       00 "names" | device 8 | depth 1 | path 4
                                                   value: version 1 | split 1 | count 1 | statements

A name belongs to the page whose path has the first bits of the name's hash; 4 bits make 16 pages.
A page that overflows is split: its value says so, and each half goes to one of two pages of one
more bit.

A statement says that a name was put, or removed, at some time. Of several about one name the newest
wins (`join`); so pages of all devices, read in any order, give one answer.
"""

from collections.abc import Iterable
from itertools import pairwise
from struct import Struct
from typing import NamedTuple, Self

from dave.crypto import hashes
from dave.errors import EntryError, WireError
from dave.limits import (
    DEVICES_MAX,
    DIRECTORY_DEPTH_FIRST,
    DIRECTORY_DEPTH_MAX,
    KEY_AND_VALUE_BYTES_MAX,
    KEY_BYTES_MAX,
    TTL_SECONDS_MAX,
)
from dave.names import HybridTime, Owner, UnixMs, hybrid_ms
from dave.wire.cursor import Reader

DIRECTORY_VERSION = 1
RESERVED = 0
"""The first byte of keys that are Dave's own."""
DEVICE_BYTES = 8
DEVICES_KEY = b"\0devices"
_PAGE_KEY = b"\0names"
_PATH_BITS = 32

_device = Struct("<8sHI")
_statement = Struct("<QII6sB")
_HEAD_BYTES = 3
PAGE_KEY_BYTES = len(_PAGE_KEY) + DEVICE_BYTES + 5
PAGE_BYTES_MAX = KEY_AND_VALUE_BYTES_MAX - PAGE_KEY_BYTES


class Statement(NamedTuple):
    """What an owner's device says of a name."""

    key: bytes
    """1 to 255 bytes, the first not 0."""
    time: HybridTime
    """Of the version that was put, or of the tombstone."""
    ttl: int
    """Seconds from `time` that the name lives; 0: it was removed."""
    kept: int
    """Seconds from `time` that the statement is kept; at least `ttl`, so that it outlives whatever
    older statement it contradicts."""
    size: int = 0
    """Bytes of the value as a reader gets it; 0 where it was removed."""

    @property
    def ends_ms(self) -> UnixMs:
        """Until when the statement is kept, in Unix milliseconds."""
        return hybrid_ms(self.time) + self.kept * 1000

    @property
    def expires_ms(self) -> UnixMs:
        """Until when the name lives, in Unix milliseconds."""
        return hybrid_ms(self.time) + self.ttl * 1000


def join(one: Statement, other: Statement) -> Statement:
    """What two statements about one name say together: the newer, kept as long as either.

    Associative, commutative and idempotent, so that the order of reading does not matter.
    """
    if _rank(one) < _rank(other):
        one, other = other, one
    # Rounded up: a statement may be kept too long, not too short.
    longer = min(TTL_SECONDS_MAX, -(-(other.ends_ms - hybrid_ms(one.time)) // 1000))
    return one._replace(kept=longer) if longer > one.kept else one


def united(*many: Iterable[Statement]) -> dict[bytes, Statement]:
    """All statements, one a name."""
    found: dict[bytes, Statement] = {}
    for statements in many:
        for statement in statements:
            held = found.get(statement.key)
            found[statement.key] = statement if held is None else join(held, statement)
    return found


def _rank(statement: Statement) -> tuple[HybridTime, bool, int, int]:
    return statement.time, not statement.ttl, statement.ttl, statement.size


class PageName(NamedTuple):
    """Which page: of whom, and for which first bits of the names' hashes."""

    device: bytes
    """8 bytes."""
    depth: int
    """How many bits, 4 to 32."""
    path: int
    """A number of 32 bits: those bits first, then zeros."""

    @property
    def key(self) -> bytes:
        """The key of the page's entry."""
        return _PAGE_KEY + self.device + bytes((self.depth,)) + self.path.to_bytes(4, "big")

    @property
    def halves(self) -> tuple["PageName", "PageName"]:
        """The two pages that take its place once it is split. Raises EntryError at 32 bits."""
        if self.depth == DIRECTORY_DEPTH_MAX:
            raise EntryError("the directory has no room for so many names of one hash")
        low = self._replace(depth=self.depth + 1)
        return low, low._replace(path=self.path | 1 << _PATH_BITS - low.depth)

    def covers(self, owner: Owner, key: bytes) -> bool:
        """Whether a name belongs to this page, or to one below it."""
        return (name_hash(owner, key) ^ self.path) >> _PATH_BITS - self.depth == 0


def name_hash(owner: Owner, key: bytes) -> int:
    """The first 4 bytes of the name's entry id, big-endian."""
    return int.from_bytes(hashes.entry_id_of(owner, key)[:4], "big")


def first_page(device: bytes, bucket: int) -> PageName:
    """The page of a bucket (0 to 15), above all that it may be split into."""
    return PageName(device, DIRECTORY_DEPTH_FIRST, bucket << _PATH_BITS - DIRECTORY_DEPTH_FIRST)


def bucket_of(owner: Owner, key: bytes) -> int:
    """Which of the 16 buckets a name is in."""
    return name_hash(owner, key) >> _PATH_BITS - DIRECTORY_DEPTH_FIRST


class Page(NamedTuple):
    """The value of a page's entry."""

    statements: tuple[Statement, ...] = ()
    """In the order of their keys, each name once."""
    is_split: bool = False
    """The two halves hold the statements, this page none."""

    @property
    def size(self) -> int:
        """Bytes of its encoding; at most PAGE_BYTES_MAX fit an entry."""
        return _HEAD_BYTES + sum(_statement.size + len(s.key) for s in self.statements)

    def encode(self) -> bytes:
        """The value that `read` reads."""
        head = bytes((DIRECTORY_VERSION, self.is_split, len(self.statements)))
        return head + b"".join(
            _statement.pack(s.time, s.ttl, s.kept, s.size.to_bytes(6, "little"), len(s.key)) + s.key
            for s in self.statements
        )

    @classmethod
    def read(cls, data: bytes) -> Self:
        """The page of that encoding. Raises WireError for anything else."""
        reader = Reader(data)
        _expect_version(reader)
        is_split, count = reader.uint(1), reader.uint(1)
        if is_split > 1 or (is_split and count):
            raise WireError("a page that is split and holds names, or is neither")
        statements = tuple(_read_statement(reader) for _ in range(count))
        reader.done()
        _expect_order([statement.key for statement in statements])
        return cls(statements, bool(is_split))


class Device(NamedTuple):
    """One of an owner's devices."""

    id: bytes
    """8 bytes."""
    buckets: int
    """A bitmap of the buckets in which it has written a page, the lowest bit for bucket 0."""
    until: int
    """Unix seconds after which no page of it stands."""


def encode_devices(devices: Iterable[Device]) -> bytes:
    """The value of the entry that lists an owner's devices; at most 64, in the order of ids."""
    listed = list(devices)
    return bytes((DIRECTORY_VERSION, len(listed))) + b"".join(_device.pack(*d) for d in listed)


def read_devices(data: bytes) -> tuple[Device, ...]:
    """An owner's devices. Raises WireError for what is no such list."""
    reader = Reader(data)
    _expect_version(reader)
    count = reader.uint(1)
    if count > DEVICES_MAX:
        raise WireError(f"{count} devices; at most {DEVICES_MAX}")
    devices = tuple(Device._make(_device.unpack(reader.take(_device.size))) for _ in range(count))
    reader.done()
    if not all(device.buckets for device in devices):
        raise WireError("a device without a page")
    _expect_order([device.id for device in devices])
    return devices


def _read_statement(reader: Reader) -> Statement:
    time, ttl, kept, size, key_length = _statement.unpack(reader.take(_statement.size))
    key = reader.take(key_length)
    if not 1 <= key_length <= KEY_BYTES_MAX or key[0] == RESERVED:
        raise WireError("a directory names a key that nobody can put")
    if not max(1, ttl) <= kept <= TTL_SECONDS_MAX:
        raise WireError("a directory's statement is kept for too long or too short")
    number = int.from_bytes(size, "little")
    if number and not ttl:
        raise WireError("a directory tells the size of what was removed")
    return Statement(key, time, ttl, kept, number)


def _expect_version(reader: Reader) -> None:
    version = reader.uint(1)
    if version != DIRECTORY_VERSION:
        raise WireError(f"a directory of version {version}, which this Dave does not know")


def _expect_order(keys: list[bytes]) -> None:
    if any(one >= other for one, other in pairwise(keys)):
        raise WireError("a directory out of order, or one that names something twice")
