"""One bucket of the routing table: the contacts of one prefix, and those that wait for room.

A spare is a contact that answered while the bucket was full, or one that others told of while it
was not. It is only whom to probe next: it enters after it has answered (table.py).
"""

from array import array
from collections.abc import Callable
from typing import NamedTuple

from dave.limits import BUCKET_SPARES, ROUND_TRIPS_KEPT
from dave.names import Instant, Place
from dave.peers.contact import Contact

TRUST_LIKE = 1 / 8
"""Scores in the same eighth are like trust."""


class Known:
    """What the table keeps about a contact."""

    __slots__ = ("_rtts", "_turn", "contact", "failed", "failures", "heard", "is_extra", "rtt",
                 "since")  # fmt: skip

    def __init__(self, contact: Contact, now: Instant, *, is_extra: bool = False) -> None:
        self.contact = contact
        self.since = now
        self.heard = now
        self.failures = 0
        """Requests in a row that it has not answered ..."""
        self.failed = now
        """... and when that was noted last."""
        self.is_extra = is_extra
        """In the table beyond its bucket's room, as one of the nearest to our own id."""
        self.rtt: int | None = None
        """Smoothed, nanoseconds."""
        self._rtts: array[int] | None = None
        self._turn = 0

    def measured(self, rtt_ns: int) -> None:
        """A request was answered after so long."""
        # Smoothed as TCP does (RFC 6298): one eighth new.
        self.rtt = rtt_ns if self.rtt is None else (7 * self.rtt + rtt_ns) // 8
        if self._rtts is None:
            self._rtts = array("q")
        if len(self._rtts) < ROUND_TRIPS_KEPT:
            self._rtts.append(rtt_ns)
        else:
            self._rtts[self._turn] = rtt_ns
            self._turn = (self._turn + 1) % ROUND_TRIPS_KEPT

    @property
    def rtt_least(self) -> int | None:
        """The shortest of the last ROUND_TRIPS_KEPT round trips, nanoseconds."""
        return min(self._rtts) if self._rtts else None


class Spare(NamedTuple):
    """A contact that waits for room."""

    contact: Contact
    has_answered: bool
    rtt: int | None = None
    """Nanoseconds."""


class Bucket:
    """Members in order of entry, extras among them; at most BUCKET_SPARES spares, newest last."""

    __slots__ = ("members", "spares")

    def __init__(self) -> None:
        self.members: list[Known] = []
        self.spares: dict[Place, Spare] = {}

    def count(self) -> int:
        """Members that fill the bucket's own room."""
        return sum(not known.is_extra for known in self.members)

    def keep_spare(self, spare: Spare) -> bool:
        """Take in a spare. The oldest one makes room, hearsay first; no hearsay takes the room of
        what has answered."""
        old = self.spares.pop(spare.contact.id, None)
        if old is not None and old.has_answered and not spare.has_answered:
            spare = old
        if len(self.spares) >= BUCKET_SPARES:
            hearsay = next((i for i, s in self.spares.items() if not s.has_answered), None)
            if hearsay is None and not spare.has_answered:
                return False
            del self.spares[next(iter(self.spares)) if hearsay is None else hearsay]
        self.spares[spare.contact.id] = spare
        return True

    def take_spare(self, score: Callable[[Place], float]) -> Contact | None:
        """Give away the spare to probe next: one that has answered, then the more trusted by
        `score` (0 to 1), among like trust the nearer in round trip, then the newest."""
        if not self.spares:
            return None
        newest_first = list(self.spares.values())[::-1]

        def worth(spare: Spare) -> tuple[bool, int, bool, int]:
            steps = int(score(spare.contact.id) / TRUST_LIKE)
            return not spare.has_answered, -steps, spare.rtt is None, spare.rtt or 0

        best = min(newest_first, key=worth).contact
        del self.spares[best.id]
        return best
