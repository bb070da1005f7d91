"""A journal in memory that keeps what a disk keeps: what was committed, and after a crash perhaps
a torn part of what was not.

The bytes are the real ones (store/journal.py), and a restart reads them as a node does. One commit
is under way at a time and takes `commit_ms`; all that is appended meanwhile goes into the next one.
"""

from random import Random
from typing import NamedTuple

from dave.limits import JOURNAL_ID_BYTES
from dave.names import MS, Instant
from dave.store.journal import (
    FILE_KEY_BYTES,
    Header,
    Record,
    encode_header,
    scan,
    seal_record,
)


class Commit(NamedTuple):
    """A commit under way: when it ends, and which appends it ends."""

    due: Instant
    tickets: tuple[int, ...]
    data: bytes


class Disk:
    """The journal of one node, over all of its starts."""

    def __init__(self, rng: Random, commit_ms: float = 2.0) -> None:
        self._rng = rng
        self.commit_ms = commit_ms
        self.fails = False
        """From now on every commit fails, as a full or broken disk's does."""
        self.journal_id = rng.randbytes(JOURNAL_ID_BYTES)
        self._segments: list[tuple[bytes, bytearray]] = []
        self._queue: list[tuple[int, bytes]] = []
        self._commit: Commit | None = None
        self.torn = 0
        """Restarts that found a torn tail."""

    @property
    def start_count(self) -> int:
        """The number of the present segment, which the sequences of this start begin with."""
        return len(self._segments)

    def open(self) -> list[Record]:
        """Start: all records that can be read, and a new segment for what comes."""
        records: list[Record] = []
        for file_key, data in self._segments:
            found, scanner = scan(bytes(data), file_key)
            assert not scanner.damage, "a crash tears a tail, nothing before it"
            if scanner.torn_at is not None:
                self.torn += 1
                del data[scanner.torn_at :]
            records += found
        file_key = self._rng.randbytes(FILE_KEY_BYTES)
        header = Header(self.journal_id, file_key, len(self._segments) + 1)
        self._segments.append((file_key, bytearray(encode_header(header))))
        return records

    def append(self, ticket: int, record: bytes, now: Instant) -> Instant | None:
        """Queue an open record. If that starts a commit: when it ends; then call `committed`."""
        file_key, _ = self._segments[-1]
        self._queue.append((ticket, seal_record(file_key, record)))
        return self._begin(now)

    def committed(self, now: Instant) -> tuple[tuple[int, ...], bool, Instant | None]:
        """The commit under way has ended: its tickets, whether it succeeded, and when the next one
        ends, if one was waiting."""
        commit = self._commit
        assert commit is not None, "no commit is under way"
        self._commit = None
        ok = not self.fails
        if ok:
            self._segments[-1][1].extend(commit.data)
        return commit.tickets, ok, self._begin(now)

    def crash(self) -> None:
        """The power goes: of what was not committed a random, torn part may be there."""
        pending = b"" if self._commit is None else self._commit.data
        self._commit = None
        self._queue.clear()
        self._segments[-1][1].extend(pending[: self._rng.randrange(len(pending) + 1)])

    def records(self) -> list[Record]:
        """What a restart would find now."""
        return [r for file_key, data in self._segments for r in scan(bytes(data), file_key)[0]]

    def _begin(self, now: Instant) -> Instant | None:
        if self._commit is not None or not self._queue:
            return None
        due = now + int(self.commit_ms * MS)
        tickets = tuple(ticket for ticket, _ in self._queue)
        self._commit = Commit(due, tickets, b"".join(data for _, data in self._queue))
        self._queue.clear()
        return due
