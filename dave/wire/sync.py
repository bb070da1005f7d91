"""What travels on the streams by which a node pulls what it has missed (DESIGN section 8).

A pull asks three times. First for names: what does your journal hold, in this interval, that I
should hold? Then for the entries behind those names that it lacks: so an entry is not moved to who
had it from somebody else in the meantime. In the end it says which of the named it holds now: that
is a promise, and makes the naming one, as ANNOUNCE and WANT do.

    names request    kind 1 | op 1 | journal id 16 | since 8 | upto 8
    names piece      since 8 | upto 8 | (offset 4 | short digest 16) ...
    entries request  kind 1 | op 2 | journal id 16 | since 8 | (offset 4 | count 4) ...
    entries piece    upto 8 | (length 2 | entry) ...
    held request     kind 1 | op 3 | journal id 16 | since 8 | upto 8 | bitmap over the names
    held piece       count 2
                                                                        integers little-endian

A sequence is `since` and an offset. Each piece says up to which sequence it tells all, so that a
pull that was cut off goes on from there.
"""

from struct import Struct
from typing import NamedTuple, Self

from dave.errors import WireError
from dave.limits import (
    JOURNAL_ID_BYTES,
    SHORT_DIGEST_BYTES,
    STREAM_REQUEST_BYTES_MAX,
    SYNC_NAMES_MAX,
    SYNC_RUNS_MAX,
)
from dave.wire.cursor import expect_size
from dave.wire.entry import Entry
from dave.wire.stream_kind import StreamKind

NAMES = 1
ENTRIES = 2
HELD = 3

_head = Struct(f"<BB{JOURNAL_ID_BYTES}sQ")
_u16 = Struct("<H")
_u64 = Struct("<Q")
_interval = Struct("<QQ")
_name = Struct(f"<I{SHORT_DIGEST_BYTES}s")
_run = Struct("<II")
OFFSET_MAX = 2**32 - 1
_SEQUENCE_MAX = 2**64 - 1


class NamesRequest(NamedTuple):
    """Name what I should hold of the interval (since, upto] of your journal."""

    journal_id: bytes
    since: int
    upto: int

    def encode(self) -> bytes:
        return _head.pack(StreamKind.SYNC, NAMES, self.journal_id, self.since) + _u64.pack(
            self.upto
        )

    @classmethod
    def read(cls, data: bytes) -> Self:
        expect_size(data, _head.size + _u64.size)
        journal_id, since = _read_head(data, NAMES)
        upto = _u64.unpack_from(data, _head.size)[0]
        if since > upto:
            raise WireError("an interval that ends before it begins")
        return cls(journal_id, since, upto)


class EntriesRequest(NamedTuple):
    """Send me what I should hold of these runs of sequences of your journal."""

    journal_id: bytes
    since: int
    runs: tuple[tuple[int, int], ...]
    """(offset, count): `count` sequences, the first of them `since + offset`; ascending."""

    def encode(self) -> bytes:
        head = _head.pack(StreamKind.SYNC, ENTRIES, self.journal_id, self.since)
        return head + b"".join(_run.pack(*run) for run in self.runs)

    @classmethod
    def read(cls, data: bytes) -> Self:
        journal_id, since = _read_head(data, ENTRIES)
        count, rest = divmod(len(data) - _head.size, _run.size)
        if rest or not 1 <= count <= SYNC_RUNS_MAX:
            raise WireError(f"{count} runs and {rest} bytes; 1 to {SYNC_RUNS_MAX}, and none")
        runs = tuple(_run.iter_unpack(data[_head.size :]))
        end = 0
        for offset, length in runs:
            if offset <= end or not length:
                raise WireError("runs of sequences ascend, and none is empty")
            end = offset + length - 1
        if since + end > _SEQUENCE_MAX:
            raise WireError("a sequence beyond 64 bits")
        return cls(journal_id, since, runs)


class HeldRequest(NamedTuple):
    """Of what you have just named in the interval (since, upto] I hold these, and keep them."""

    journal_id: bytes
    since: int
    upto: int
    held: bytes
    """A bitmap over the names, the lowest bit of the first byte for the first of them."""

    def encode(self) -> bytes:
        head = _head.pack(StreamKind.SYNC, HELD, self.journal_id, self.since)
        return head + _u64.pack(self.upto) + self.held

    @classmethod
    def read(cls, data: bytes) -> Self:
        journal_id, since = _read_head(data, HELD)
        start = _head.size + _u64.size
        if not start < len(data) <= start + SYNC_NAMES_MAX // 8:
            raise WireError(f"{len(data)} bytes do not say which names are held")
        upto = _u64.unpack_from(data, _head.size)[0]
        if since > upto:
            raise WireError("an interval that ends before it begins")
        return cls(journal_id, since, upto, data[start:])


class NamesPiece(NamedTuple):
    """All names in the interval (since, upto]."""

    since: int
    upto: int
    names: tuple[tuple[int, bytes], ...]
    """(offset, short digest): of the entry stored under the sequence `since + offset`."""

    def encode(self) -> bytes:
        head = _interval.pack(self.since, self.upto)
        return head + b"".join(_name.pack(*name) for name in self.names)

    @classmethod
    def read(cls, data: bytes) -> Self:
        if len(data) < _interval.size or (len(data) - _interval.size) % _name.size:
            raise WireError(f"{len(data)} bytes are no piece of names")
        since, upto = _interval.unpack_from(data)
        names = tuple(_name.iter_unpack(data[_interval.size :]))
        end = 0
        for offset, _ in names:
            if offset <= end:
                raise WireError("names ascend by their sequence")
            end = offset
        if since + end > upto:
            raise WireError("a name beyond the interval")
        return cls(since, upto, names)


class EntriesPiece(NamedTuple):
    """Entries in order of their sequence; with these, all that was asked for up to `upto`."""

    upto: int
    entries: tuple[Entry, ...]

    def encode(self) -> bytes:
        return encode_entries(self.upto, [entry.data for entry in self.entries])

    @classmethod
    def read(cls, data: bytes) -> Self:
        if len(data) < _u64.size:
            raise WireError(f"{len(data)} bytes are no piece of entries")
        entries = []
        at = _u64.size
        while at < len(data):
            start = at + 2
            at = start + int.from_bytes(data[at:start], "little")
            if at > len(data):
                raise WireError("an entry is cut off")
            entries.append(Entry(data[start:at]))
        return cls(_u64.unpack_from(data)[0], tuple(entries))


def encode_entries(upto: int, entries: list[bytes]) -> bytes:
    """An EntriesPiece of entries that are encoded already."""
    parts = [_u64.pack(upto)]
    for data in entries:
        parts += len(data).to_bytes(2, "little"), data
    return b"".join(parts)


class HeldPiece(NamedTuple):
    """So many of those promises were noted."""

    noted: int

    def encode(self) -> bytes:
        return _u16.pack(self.noted)

    @classmethod
    def read(cls, data: bytes) -> Self:
        expect_size(data, _u16.size)
        return cls(_u16.unpack(data)[0])


SyncRequest = NamesRequest | EntriesRequest | HeldRequest
_READERS: dict[int, type[SyncRequest]] = {
    NAMES: NamesRequest,
    ENTRIES: EntriesRequest,
    HELD: HeldRequest,
}


def read_request(data: bytes) -> SyncRequest:
    """A request of kind 1. Raises WireError for bytes that are none."""
    if len(data) < _head.size:
        raise WireError(f"{len(data)} bytes are no request of a sync")
    reader = _READERS.get(data[1])
    if reader is None:
        raise WireError(f"op {data[1]} of a sync")
    return reader.read(data)


def _read_head(data: bytes, op: int) -> tuple[bytes, int]:
    if len(data) < _head.size:
        raise WireError(f"{len(data)} bytes are no request of a sync")
    kind, is_op, journal_id, since = _head.unpack_from(data)
    if kind != StreamKind.SYNC or is_op != op:
        raise WireError(f"kind {kind} and op {is_op}, not {StreamKind.SYNC} and {op}")
    return journal_id, since


assert _head.size + SYNC_RUNS_MAX * _run.size <= STREAM_REQUEST_BYTES_MAX
assert _head.size + _u64.size + SYNC_NAMES_MAX // 8 <= STREAM_REQUEST_BYTES_MAX
