"""The messages by which a watcher learns of new versions without asking again and again.

A WATCH takes a lease on an entry at a node that stores it; WATCH_ACK grants it, and brings what
stands there now. NOTIFY brings each newer version, numbered; NOTIFY_ACK says that it came.
"""

from struct import Struct
from typing import NamedTuple, Self

from dave.errors import WireError
from dave.limits import DIGEST_BYTES, ENTRY_ID_BYTES, MESSAGE_HEADER_BYTES, WATCH_NUMBER_BYTES
from dave.names import EntryId
from dave.wire.cursor import Reader, expect_size
from dave.wire.entry import Entry

_watch = Struct(f"<{WATCH_NUMBER_BYTES}s{ENTRY_ID_BYTES}sH{DIGEST_BYTES}s")
_ack_head = Struct("<HIB")
_notify_head = Struct(f"<{WATCH_NUMBER_BYTES}sI")

NOTHING_KNOWN = bytes(DIGEST_BYTES)
ABSENT, SAME, OTHER = range(3)
"""What WATCH_ACK says of the entry: none is held, the one known, another one, which follows."""


class Watch(NamedTuple):
    """Tell me of new versions: watch 4, entry id 32, lease 2, known 32. Never in an INIT."""

    watch: bytes
    """4 bytes drawn by the watcher: with its session, the name of this watch."""
    entry_id: EntryId
    lease: int
    """Seconds asked for; 0 ends the watch."""
    known: bytes
    """The digest of the newest version that the watcher knows, or NOTHING_KNOWN."""

    def body(self) -> bytes:
        return _watch.pack(*self)

    @classmethod
    def read(cls, data: bytes) -> Self:
        expect_size(data, MESSAGE_HEADER_BYTES + _watch.size)
        return cls(*_watch.unpack_from(data, MESSAGE_HEADER_BYTES))


class WatchAck(NamedTuple):
    """Answer to WATCH: lease 2, sequence 4, state 1, and the entry if it is not the one known."""

    lease: int
    """Seconds granted; 0: there is no such watch, for lack of room or since it was ended."""
    sequence: int
    """How many versions the node has stored since the watch began."""
    is_same: bool
    """What the watcher knows is what is held."""
    entry: Entry | None
    """What is held instead; None if `is_same`, or if nothing is held."""

    def body(self) -> bytes:
        if self.entry is None:
            return _ack_head.pack(self.lease, self.sequence, SAME if self.is_same else ABSENT)
        return _ack_head.pack(self.lease, self.sequence, OTHER) + self.entry.data

    @classmethod
    def read(cls, data: bytes) -> Self:
        reader = Reader(data, MESSAGE_HEADER_BYTES)
        lease, sequence, state = _ack_head.unpack(reader.take(_ack_head.size))
        if state == OTHER:
            return cls(lease, sequence, False, Entry(reader.rest()))
        if state > OTHER:
            raise WireError(f"WATCH_ACK says {state}")
        reader.done()
        return cls(lease, sequence, state == SAME, None)


class Notify(NamedTuple):
    """A newer version: watch 4, sequence 4, entry. Sent to who holds a lease, again until it is
    acknowledged."""

    watch: bytes
    sequence: int
    """The number of this version among those stored since the watch began, from 1: who gets 7
    after 4 has missed two."""
    entry: Entry

    def body(self) -> bytes:
        return _notify_head.pack(self.watch, self.sequence) + self.entry.data

    @classmethod
    def read(cls, data: bytes) -> Self:
        reader = Reader(data, MESSAGE_HEADER_BYTES)
        watch, sequence = _notify_head.unpack(reader.take(_notify_head.size))
        return cls(watch, sequence, Entry(reader.rest()))


class NotifyAck(NamedTuple):
    """Answer to NOTIFY: watched 1."""

    watched: bool
    """False: we watch no such thing, end it."""

    def body(self) -> bytes:
        return bytes((self.watched,))

    @classmethod
    def read(cls, data: bytes) -> Self:
        expect_size(data, MESSAGE_HEADER_BYTES + 1)
        watched = data[MESSAGE_HEADER_BYTES]
        if watched > 1:
            raise WireError(f"{watched} is neither 0 nor 1")
        return cls(bool(watched))
