"""The journal on disk: a folder of numbered segments, replayed at start, appended to while the
node runs, compacted now and then.

A segment appears whole, by a rename after its header is durable. Compaction touches nothing that
exists before its result is durable: it opens a new segment for live writes, copies what the store
holds into a file of its own, and removes the older segments last. At every step in between, the
segments that are there hold all that was committed; what is there twice does no harm.
"""

import os
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import NamedTuple

from dave.edge.disk import Disk
from dave.edge.journal_writer import (
    NO_SEGMENT,
    JournalWriter,
    OnCommitted,
    OnFailure,
    Segment,
    Sync,
)
from dave.errors import JournalError, ReadOnly, StoreError
from dave.histogram import Histogram
from dave.limits import JOURNAL_ID_BYTES
from dave.store.journal import (
    FILE_KEY_BYTES,
    RECORDS_OFFSET,
    Header,
    Record,
    Scanner,
    decode_header,
    encode_header,
    seal_record,
)

SUFFIX = ".journal"
SUFFIX_NEW = ".new"
SUFFIX_DAMAGED = ".damaged"

OnRecords = Callable[[list[Record]], int]
"""Takes replayed records; returns how many of them it could not read."""


class Damage(NamedTuple):
    """Bytes of a segment, from `start` up to `end`, that hold no valid record."""

    path: Path
    start: int
    end: int


class Replay(NamedTuple):
    """What replaying found. All lists are empty for a journal in good order."""

    records: int
    """How many were valid."""
    unreadable: int
    """How many of those held nothing that this version knows."""
    damage: list[Damage]
    """Bad records skipped, and damaged copies of headers; the bytes are kept."""
    torn: list[Damage]
    """Torn tails cut off."""
    leftovers: list[Path]
    """Unfinished files of an interrupted start or compaction, removed."""

    def plus(self, other: "Replay") -> "Replay":
        """Both findings together."""
        return Replay(
            self.records + other.records,
            self.unreadable + other.unreadable,
            self.damage + other.damage,
            self.torn + other.torn,
            self.leftovers + other.leftovers,
        )


class JournalFile:
    """An open journal. Lock its folder first (edge/folder.py).

    `on_records` is called while the constructor runs; `on_committed` and `on_failure` later, in
    the writer's thread, or at once where the disk is full: then all is read and nothing is stored.
    Raises JournalError for a segment that cannot be read at all, StoreError where the disk refuses.
    """

    def __init__(
        self,
        folder: Path,
        sync: Sync,
        on_records: OnRecords,
        on_committed: OnCommitted,
        on_failure: OnFailure,
        disk: Disk | None = None,
    ) -> None:
        self._folder = folder
        self._disk = disk or Disk()
        self._compacting = threading.Lock()
        self._flawed: set[int] = set()
        self._bytes_before = 0
        try:
            self.replay, empty = self._replay_all(on_records)
            self.start = max(self._segments, default=0) + 1
            """Start count, the high half of this run's sequences; never used before."""
            segment, failure = self._first_segment()
            for number in empty if failure is None else ():
                self._disk.remove(self._path(number))
                self._segments.remove(number)
        except OSError as error:
            raise StoreError(f"cannot open the journal in {folder}: {error}") from error
        self._writer = JournalWriter(self._disk, segment, sync, on_committed, on_failure, failure)
        if failure is not None:
            on_failure(failure)

    @property
    def failure(self) -> Exception | None:
        """Why nothing is committed any more, or None. Sticky."""
        return self._writer.failure

    @property
    def sync_time(self) -> Histogram:
        """What each sync of records took."""
        return self._writer.sync_time

    @property
    def bytes_on_disk(self) -> int:
        """Records of all segments, in bytes; what decides when to compact."""
        return self._bytes_before + self._writer.bytes_written

    def append(self, record: bytes, ticket: int) -> None:
        """Queue an open record (store/journal.py); `on_committed` will name the ticket."""
        self._writer.append(record, ticket)

    def close(self) -> None:
        """Commit what is queued and end the writer. May be called again."""
        self._writer.close()

    def compact(self, slices: Iterable[Iterable[bytes]]) -> None:
        """Replace all segments by what `slices` yields: open records of all that is live.

        Runs in the caller's thread and takes the next slice only after the last is written; what
        is appended meanwhile goes to a new segment. Whatever is appended must be in the store
        before, so that the slices miss nothing committed. Segments with damage are kept under
        another name. Raises ReadOnly after a failure of the writer, StoreError if the disk refuses
        the copy: then nothing is lost, and it may be tried again.
        """
        if not self._compacting.acquire(blocking=False):
            raise StoreError("a compaction is running already; wait for it to end")
        try:
            self._compact(slices)
        except OSError as error:
            raise StoreError(f"the journal was not compacted, it is whole: {error}") from error
        finally:
            self._compacting.release()

    def _compact(self, slices: Iterable[Iterable[bytes]]) -> None:
        if self.failure is not None:
            raise ReadOnly(f"the journal cannot be written: {self.failure}")
        old = list(self._segments)
        number = old[-1] + 1
        segment = self._new_segment(number + 1)
        if not self._writer.rotate(segment):
            raise ReadOnly(f"the journal cannot be written: {self.failure or 'it is closed'}")
        live_from = self._writer.bytes_written
        copied = self._copy(number, slices)
        self._segments.insert(-1, number)
        for each in old:
            path = self._path(each)
            if each in self._flawed:
                self._disk.rename(path, path.with_name(path.name + SUFFIX_DAMAGED))
            else:
                self._disk.remove(path)
            self._segments.remove(each)
        self._disk.sync_folder(self._folder)
        self._bytes_before = copied - live_from

    def _copy(self, number: int, slices: Iterable[Iterable[bytes]]) -> int:
        """Write a whole segment; it has its name once it is durable. Returns its records' bytes."""
        handle, key, path = self._begin(number)
        size = 0
        try:
            try:
                for records in slices:
                    data = b"".join([seal_record(key, record) for record in records])
                    self._disk.write(handle, data)
                    size += len(data)
                self._disk.sync(handle)
            finally:
                self._disk.close(handle)
            self._finish(path, number)
        except BaseException:
            # Once renamed it is not there any more under this name: then this removes nothing.
            with suppress(OSError):
                self._disk.remove(path)
            raise
        return size

    def _first_segment(self) -> tuple[Segment, OSError | None]:
        """The segment of this run; where the disk is full there is none, and nothing is stored."""
        try:
            return self._new_segment(self.start), None
        except OSError as error:
            if error.errno not in (ENOSPC, EDQUOT):
                raise
            return NO_SEGMENT, error

    def _new_segment(self, number: int) -> Segment:
        """Create an empty segment, durably, to append to."""
        handle, key, path = self._begin(number)
        try:
            self._disk.sync(handle)
            self._finish(path, number)
        except BaseException:
            self._disk.close(handle)
            with suppress(OSError):
                self._disk.remove(path)
            raise
        self._segments.append(number)
        return Segment(handle, key)

    def _begin(self, number: int) -> tuple[int, bytes, Path]:
        """A file with a header, not durable yet and not under its name."""
        key = os.urandom(FILE_KEY_BYTES)
        path = self._path(number).with_suffix(SUFFIX_NEW)
        handle = self._disk.create(path)
        try:
            self._disk.write(handle, encode_header(Header(self.id, key, number)))
        except BaseException:
            self._disk.close(handle)
            with suppress(OSError):
                self._disk.remove(path)
            raise
        return handle, key, path

    def _finish(self, path: Path, number: int) -> None:
        self._disk.rename(path, self._path(number))
        self._disk.sync_folder(self._folder)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:08d}{SUFFIX}"

    def _replay_all(self, on_records: OnRecords) -> tuple[Replay, list[int]]:
        """Replays every segment in order; also returns the numbers of those without records."""
        replay = Replay(0, 0, [], [], [])
        empty: list[int] = []
        self._segments: list[int] = []
        journal_id: bytes | None = None
        for name in self._disk.names(self._folder):
            path = self._folder / name
            if path.suffix == SUFFIX_NEW:
                self._disk.remove(path)
                replay.leftovers.append(path)
            elif path.suffix == SUFFIX and path.stem.isdecimal():
                header, found = self._replay_one(path, int(path.stem), on_records)
                if journal_id not in (None, header.journal_id):
                    raise JournalError(f"{path} belongs to another journal; move it away")
                journal_id = header.journal_id
                self._segments.append(int(path.stem))
                if not found.records and int(path.stem) not in self._flawed:
                    empty.append(int(path.stem))
                replay = replay.plus(found)
        self.id = journal_id or os.urandom(JOURNAL_ID_BYTES)
        """16 bytes, the same as long as the journal lives; peers' clocks refer to it."""
        return replay, empty

    def _replay_one(self, path: Path, number: int, on_records: OnRecords) -> tuple[Header, Replay]:
        pieces = self._disk.pieces(path)
        head = b""
        while len(head) < RECORDS_OFFSET and (piece := next(pieces, b"")):
            head += piece
        try:
            header, bad_copies = decode_header(head[:RECORDS_OFFSET])
        except JournalError as error:
            raise JournalError(f"{path}: {error}. To start without it, move it away") from error
        scanner = Scanner(header.file_key)
        count = unreadable = 0
        size = max(len(head), RECORDS_OFFSET)
        records = scanner.feed(head[RECORDS_OFFSET:])
        for piece in pieces:
            count += len(records)
            unreadable += on_records(records)
            size += len(piece)
            records = scanner.feed(piece)
        records += scanner.finish()
        count += len(records)
        unreadable += on_records(records)
        damage = [Damage(path, start, end) for start, end in scanner.damage]
        if bad_copies:
            damage.insert(0, Damage(path, 0, RECORDS_OFFSET))
        torn: list[Damage] = []
        if scanner.torn_at is not None:
            torn.append(Damage(path, scanner.torn_at, size))
            self._disk.truncate(path, scanner.torn_at)
            size = scanner.torn_at
        if damage or unreadable:
            self._flawed.add(number)
        self._bytes_before += size - RECORDS_OFFSET
        return header, Replay(count, unreadable, damage, torn, [])
