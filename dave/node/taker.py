"""What a pull asks of the node that pulls: what it lacks, to store an entry, to note promises."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from dave.names import Instant
from dave.node.puts import Pulled
from dave.node.timers import Timer
from dave.peers.contact import Contact
from dave.store.shard import Gone
from dave.wire.entry import Entry
from dave.wire.messages import Put, PutAck

if TYPE_CHECKING:
    from dave.node.node import Node


class Taker:
    """One node's store, as a pull from one contact sees it."""

    def __init__(self, node: "Node", contact: Contact) -> None:
        self._node = node
        self._contact = contact
        self._index = node.replicas.index

    def lacks(self, short_digest: bytes) -> bool:
        """Whether a version that the contact holds should come."""
        entry_id, gone = self._index.find(short_digest)
        if entry_id is None:
            return True
        # What had to make room may come back when there is room.
        return gone is Gone.EVICTED and self._node.store.has_room(entry_id)

    def holds(self, short_digest: bytes) -> bool:
        """Whether a version is held here, and on disk."""
        return self._index.is_held(short_digest)

    def take(self, entry: Entry, done: Callable[[PutAck, Instant], None], now: Instant) -> None:
        """Store it like any put."""
        self._node.puts.receive(Put(entry, None, True), Pulled(done), b"", now)

    def wake_soon(self, now: Instant) -> None:
        """Let the pull be woken once what is in hand is done."""
        self._node.timers.set(now, Timer.SYNC)

    def promised(self, short_digests: Iterable[bytes]) -> None:
        """The contact and we have told each other that we hold these."""
        if self._node.table.get(self._contact.id) is not None:
            for short_digest in short_digests:
                self._node.replicas.promised(self._contact.id, short_digest)
