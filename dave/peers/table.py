"""The nodes we know: who is nearest to a place, who is alive, who has gone.

One list over the whole ring, which suffices while a network has fewer nodes than the list has room.
An old live contact is never displaced by a new one (the Kademlia paper, section 2.2: who has been
up for long tends to stay up, and nobody can flush a table with newcomers). The caller adds a
contact only after it answered our own probe (section 7).
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator
from heapq import nsmallest

from dave.limits import CONTACT_FAILURES_MAX, CONTACTS_MAX, ROUND_TRIPS_KEPT
from dave.names import Instant, Place
from dave.peers.contact import Contact


class _Known:
    """What the table keeps about a contact."""

    __slots__ = ("contact", "failures", "heard", "rtt", "rtts")

    def __init__(self, contact: Contact, now: Instant) -> None:
        self.contact = contact
        self.heard = now
        self.failures = 0
        self.rtt: int | None = None
        self.rtts: deque[int] = deque(maxlen=ROUND_TRIPS_KEPT)


class Table:
    """Up to `capacity` contacts of the node `own_id`, which is never one of them."""

    __slots__ = ("_capacity", "_ids", "_known", "_own_id")

    def __init__(self, own_id: Place, capacity: int = CONTACTS_MAX) -> None:
        self._own_id = own_id
        self._capacity = capacity
        self._ids: list[Place] = []
        self._known: dict[Place, _Known] = {}

    def add(self, contact: Contact, now: Instant) -> bool:
        """Take in a contact that answered our probe; returns whether the table holds it now.

        A full table makes room only by dropping a contact that is failing. An id known at another
        address keeps the old one unless that is failing.
        """
        if contact.id == self._own_id:
            return False
        known = self._known.get(contact.id)
        if known is not None:
            if known.contact == contact:
                return True
            if not known.failures:
                return False
            self._known[contact.id] = _Known(contact, now)
            return True
        if len(self._known) >= self._capacity and not self._make_room():
            return False
        self._known[contact.id] = _Known(contact, now)
        insort(self._ids, contact.id)
        return True

    def seen(self, node_id: Place, now: Instant, rtt_ns: int | None = None) -> None:
        """A contact was heard; `rtt_ns` if that answered a request. Unknown ids are ignored."""
        known = self._known.get(node_id)
        if known is None:
            return
        known.heard = now
        known.failures = 0
        if rtt_ns is not None:
            # Smoothed as TCP does (RFC 6298): one eighth new.
            known.rtt = rtt_ns if known.rtt is None else (7 * known.rtt + rtt_ns) // 8
            known.rtts.append(rtt_ns)

    def failed(self, node_id: Place, now: Instant) -> bool:
        """A request to a contact was not answered; returns whether that removed it, as the
        CONTACT_FAILURES_MAX-th failure in a row does. Unknown ids are ignored.

        `now` is for the next version, which remembers when a contact was lost.
        """
        known = self._known.get(node_id)
        if known is None:
            return False
        known.failures += 1
        if known.failures < CONTACT_FAILURES_MAX:
            return False
        self._remove(node_id)
        return True

    def remove(self, node_id: Place) -> None:
        """A contact has left, and said so. Unknown ids are ignored."""
        if node_id in self._known:
            self._remove(node_id)

    def nearest(self, place: Place, n: int) -> list[Contact]:
        """The n contacts nearest to `place` by XOR distance, nearest first; fewer if there are."""
        distances = nsmallest(n, [node_id ^ place for node_id in self._ids])
        known = self._known
        return [known[distance ^ place].contact for distance in distances]

    def get(self, node_id: Place) -> Contact | None:
        """The contact of that id."""
        known = self._known.get(node_id)
        return None if known is None else known.contact

    def rtt(self, node_id: Place) -> int | None:
        """Smoothed round trip in nanoseconds; None before the first was measured."""
        known = self._known.get(node_id)
        return None if known is None else known.rtt

    def rtt_least(self, node_id: Place) -> int | None:
        """The smallest of the last ROUND_TRIPS_KEPT round trips, in nanoseconds."""
        known = self._known.get(node_id)
        return min(known.rtts, default=None) if known is not None else None

    def heard(self, node_id: Place) -> Instant | None:
        """When the contact of that id was last heard."""
        known = self._known.get(node_id)
        return None if known is None else known.heard

    def unheard_longest(self) -> Contact | None:
        """Whom to probe next; None if the table is empty."""
        known = min(self._known.values(), key=_quietness, default=None)
        return None if known is None else known.contact

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[Contact]:
        """All contacts in order of id; over a copy, so that the loop may change the table."""
        return iter([self._known[node_id].contact for node_id in self._ids])

    def _make_room(self) -> bool:
        """Drop the contact that fails most, and of those the one unheard for longest."""
        worst = max(self._known.values(), key=_badness)
        if not worst.failures:
            return False
        self._remove(worst.contact.id)
        return True

    def _remove(self, node_id: Place) -> None:
        del self._known[node_id]
        del self._ids[bisect_left(self._ids, node_id)]


def _badness(known: _Known) -> tuple[int, int, int]:
    return known.failures, -known.heard, known.contact.id


def _quietness(known: _Known) -> tuple[Instant, Place]:
    return known.heard, known.contact.id
