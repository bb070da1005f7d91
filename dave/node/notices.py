"""What a node tells whoever listens, such as /v1/events: entries that come and go, peers that come
and go, storage challenges and how they end.

Nothing is built while nobody listens: `core.notices` is None then, and each place that has
something to tell looks at that first. A notice has no time of its own, since some of what happens
is told by parts that know none: who listens drains several times a second and says when that was.
"""

from collections import deque
from enum import StrEnum
from typing import NamedTuple

from dave.limits import NOTICES_KEPT
from dave.names import EntryId, Place
from dave.peers.contact import Contact
from dave.store.shard import Gone


class Way(StrEnum):
    """How a version came to be stored."""

    CLIENT = "client"
    """A client put it."""
    NODE = "node"
    """Another node brought it: as a replica that was lacking, or for a client of its own."""
    SYNC = "sync"
    """It was pulled over the bulk channel."""
    HERE = "here"
    """This node put it itself, such as a renewal."""


class Result(StrEnum):
    """How a storage challenge ended."""

    KEPT = "kept"
    BROKEN = "broken"
    OFFLINE = "offline"
    """The peer is not there, which says nothing of its promises."""
    UNSETTLED = "unsettled"
    """Nothing was proved, and nothing broken."""


class Subject(StrEnum):
    """What a storage challenge is about."""

    ENTRIES = "entries"
    SHARES = "shares"


class EntryStored(NamedTuple):
    """A version was committed."""

    data: bytes
    """The encoded entry."""
    way: Way


class EntryGone(NamedTuple):
    """A version was evicted, or has expired."""

    entry_id: EntryId
    data: bytes
    why: Gone


class PeerChange(NamedTuple):
    """A contact came into the routing table, or left it."""

    contact: Contact
    is_here: bool


class ChallengeSent(NamedTuple):
    """This node challenged a peer; again, if an answer was late."""

    peer: Place
    subject: Subject
    asked: int
    """Entries, or leaves of shares, that are to be proved."""


class ChallengeEnded(NamedTuple):
    """It is known how the peer met it."""

    peer: Place
    subject: Subject
    result: Result
    proved: int
    """Of what it was asked for."""


class ChallengeMet(NamedTuple):
    """A peer, or a client (None), challenged this node about entries, which answered."""

    peer: Place | None
    asked: int
    proved: int
    """How many of these entries this node holds."""


Notice = EntryStored | EntryGone | PeerChange | ChallengeSent | ChallengeEnded | ChallengeMet


class Notices:
    """The last NOTICES_KEPT notices that nobody has taken yet."""

    __slots__ = ("_queue", "missed")

    def __init__(self) -> None:
        self._queue: deque[Notice] = deque(maxlen=NOTICES_KEPT)
        self.missed = 0
        """Notices that were lost since they were not taken in time."""

    def add(self, notice: Notice) -> None:
        """Something happened. Beyond the bound the oldest notice is lost."""
        self.missed += len(self._queue) == NOTICES_KEPT
        self._queue.append(notice)

    def peer(self, contact: Contact, is_here: bool) -> None:
        """The routing table has changed; see Table.on_change."""
        self.add(PeerChange(contact, is_here))

    def take(self) -> list[Notice]:
        """What happened since the last call, in order; each notice is returned once."""
        taken = list(self._queue)
        self._queue.clear()
        return taken
