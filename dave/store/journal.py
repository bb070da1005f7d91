"""The journal's bytes: segment headers and records, and how a damaged file is read.

A segment is a header, stored twice so that one bad sector cannot make it unreadable, then records:

    header, 512 bytes, at 0 and again at 512:
        magic 8 | format version 2 | journal id 16 | file key 32 | segment number 4 | zeros 434
        | checksum 16
    record:
        magic 2 | length of body 4 | type 1 | sequence 8 | checksum 16 | body
                                                                        integers little-endian

Both checksums are BLAKE3 keyed with the file key over everything else in the header or record. The
key is drawn per file, so that nobody can put an entry whose value holds a forged record for the
scan of a damaged file to find. A flipped bit is always found: there is no byte outside a checksum.

    ENTRY body: the encoded entry (wire/entry.py)
    FLOOR body: entry id 32 | time 8 | expires, Unix ms 8

Order of records means nothing: the store's rules decide which of two wins. So a segment that
survives its own compaction is harmless. A sequence is start count << 32 | counter, where the start
count is the number of the segment that a start of the node opened, and never comes back.

Assumed of the medium: bytes fsynced stay, until a sector goes bad; bytes not fsynced may be there,
be absent or be torn anywhere; a rename is atomic, and durable once the folder is fsynced.
"""

from struct import Struct
from typing import NamedTuple

from dave.crypto.hashes import record_checksum
from dave.errors import JournalError, WireError
from dave.limits import JOURNAL_BODY_BYTES_MAX, JOURNAL_VERSION
from dave.names import EntryId, HybridTime, UnixMs
from dave.store.floors import Floor

ENTRY = 1
FLOOR = 2

HEADER_COPY_BYTES = 512
RECORDS_OFFSET = 2 * HEADER_COPY_BYTES
FILE_KEY_BYTES = 32
RECORD_HEADER_BYTES = 31

_HEADER_MAGIC = b"DaveJrnl"
_RECORD_MAGIC = b"\xd4\x9e"
_CHECKSUM_BYTES = 16

_header = Struct("<8sH16s32sI434x16s")
_record_head = Struct("<2sIBQ16s")
_open_head = Struct("<BQ")
_floor = Struct("<32sQQ")
_read_record = _record_head.unpack_from
assert _header.size == HEADER_COPY_BYTES
assert _record_head.size == RECORD_HEADER_BYTES


class Header(NamedTuple):
    """What a segment's header says."""

    journal_id: bytes
    """16 bytes, the same in all segments; peers' clocks refer to it."""
    file_key: bytes
    """32 bytes, of this segment only."""
    segment: int
    """Number of the segment, below 2^32."""


class Record(NamedTuple):
    """A record that passed its checksum."""

    sequence: int
    type: int
    """ENTRY, FLOOR, or of a kind that this version does not know."""
    body: bytes


def encode_header(header: Header) -> bytes:
    """Both copies of a segment's header, 1024 bytes."""
    copy = _header.pack(_HEADER_MAGIC, JOURNAL_VERSION, *header, bytes(_CHECKSUM_BYTES))
    fields = copy[:-_CHECKSUM_BYTES]
    return (fields + record_checksum(header.file_key, fields)) * 2


def decode_header(data: bytes) -> tuple[Header, int]:
    """A header from the first 1024 bytes of a segment, and how many of its copies are damaged.

    Raises JournalError if both are, or if a newer version of Dave wrote them.
    """
    good: list[Header] = []
    for start in (0, HEADER_COPY_BYTES):
        copy = data[start : start + HEADER_COPY_BYTES]
        if len(copy) < HEADER_COPY_BYTES:
            continue
        magic, version, journal_id, file_key, segment, checksum = _header.unpack(copy)
        fields = copy[:-_CHECKSUM_BYTES]
        if magic != _HEADER_MAGIC or checksum != record_checksum(file_key, fields):
            continue
        if version != JOURNAL_VERSION:
            raise JournalError(
                f"the journal has format version {version}, this Dave reads {JOURNAL_VERSION}; "
                "run the newer Dave that wrote it, or give another --data folder"
            )
        good.append(Header(journal_id, file_key, segment))
    if not good:
        raise JournalError("both copies of the segment's header are damaged")
    return good[0], 2 - len(good)


def entry_record(sequence: int, data: bytes) -> bytes:
    """An open record of an encoded entry: all but magic, length and checksum. Whoever writes it
    seals it for its file."""
    return _open_head.pack(ENTRY, sequence) + data


def floor_record(floor: Floor) -> bytes:
    """An open record of a floor; its sequence is 0, since no peer's clock counts floors."""
    return _open_head.pack(FLOOR, 0) + _floor.pack(*floor)


def read_floor(body: bytes) -> tuple[EntryId, HybridTime, UnixMs]:
    """(entry id, time, expires) of a FLOOR body. Raises WireError for another length."""
    if len(body) != _floor.size:
        raise WireError(f"a floor has {_floor.size} bytes, not {len(body)}")
    entry_id, time, expires_ms = _floor.unpack(body)
    return entry_id, time, expires_ms


def seal_record(file_key: bytes, record: bytes) -> bytes:
    """The bytes of an open record in the file with that key."""
    body = record[_open_head.size :]
    assert len(body) <= JOURNAL_BODY_BYTES_MAX
    head = _RECORD_MAGIC + len(body).to_bytes(4, "little") + record[: _open_head.size]
    return head + record_checksum(file_key, head + body) + body


class Scanner:
    """Reads a segment's records from any bytes, in pieces. Total; at most 4096 bytes are hashed for
    each place that looks like the start of a record.

    `damage` lists the byte ranges (start, end) that hold no valid record but have one after them.
    After `finish`, `torn_at` is where a tail without any valid record starts, or None. Offsets
    count from the start of the file.
    """

    __slots__ = ("_bad_since", "_base", "_key", "_left", "damage", "torn_at")

    def __init__(self, file_key: bytes) -> None:
        self.damage: list[tuple[int, int]] = []
        self.torn_at: int | None = None
        self._key = file_key
        self._left = b""
        self._base = RECORDS_OFFSET
        self._bad_since: int | None = None

    def feed(self, data: bytes, *, is_last: bool = False) -> list[Record]:
        """The records completed by the next piece of the file; the first starts at 1024."""
        buffer = self._left + data if self._left else data
        records: list[Record] = []
        append = records.append
        checksum_of, read, key = record_checksum, _read_record, self._key
        size = len(buffer)
        at = 0
        while at + RECORD_HEADER_BYTES <= size:
            magic, length, kind, sequence, checksum = read(buffer, at)
            if magic == _RECORD_MAGIC and length <= JOURNAL_BODY_BYTES_MAX:
                start = at + RECORD_HEADER_BYTES
                end = start + length
                if end > size and not is_last:
                    break
                body = buffer[start:end]
                if end <= size and checksum_of(key, buffer[at : at + 15] + body) == checksum:
                    if self._bad_since is not None:
                        self.damage.append((self._bad_since, self._base + at))
                        self._bad_since = None
                    append(Record(sequence, kind, body))
                    at = end
                    continue
            if self._bad_since is None:
                self._bad_since = self._base + at
            found = buffer.find(_RECORD_MAGIC, at + 1)
            # Without a find, the last byte may still be the first half of a magic.
            at = found if found >= 0 else max(size - 1, at + 1)
        self._base += at
        self._left = buffer[at:]
        return records

    def finish(self) -> list[Record]:
        """The file has ended: the records that were still in doubt; sets `torn_at`."""
        records = self.feed(b"", is_last=True)
        self.torn_at = self._bad_since
        if self._left and self.torn_at is None:
            self.torn_at = self._base
        return records


def scan(data: bytes, file_key: bytes) -> tuple[list[Record], Scanner]:
    """All records of a whole segment in memory, and the scanner that tells its damage."""
    scanner = Scanner(file_key)
    return scanner.feed(data[RECORDS_OFFSET:]) + scanner.finish(), scanner
