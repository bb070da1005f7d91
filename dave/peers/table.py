"""The routing table: who is nearest to a place, who is alive, who has gone.

k-buckets by the length of the prefix shared with our own id (the Kademlia paper, section 2.2), so
that a node knows few of the many far away and all that are near; and, whatever their bucket says,
the nearest SIBLINGS to our own id (the sibling list of S/Kademlia), since a node must know its
neighbourhood exactly.

An old live contact is never displaced by a new one: who has been up for long tends to stay up, and
nobody can flush a table with newcomers. Only what is here beyond its bucket's room gives way, to
nearer ones. Of one public subnet few contacts are taken, since who has one of its addresses usually
has them all. The caller adds a contact only after it answered our own probe (DESIGN section 7).
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from dave.limits import (
    BUCKET_CONTACTS,
    CHANGES_KEPT,
    CONTACT_FAILURES_MAX,
    CONTACTS_MAX,
    LOST_MAX,
    LOST_SECONDS,
    SIBLINGS,
    SUBNET_IN_BUCKET_MAX,
    SUBNET_IN_TABLE_MAX,
)
from dave.names import SECOND, Instant, Place
from dave.peers.bucket import Bucket, Known, Spare
from dave.peers.contact import Contact
from dave.peers.subnets import is_private, subnet

_TOP_BIT = 1 << 63


class Remembered(NamedTuple):
    """What outlives the process of a contact."""

    contact: Contact
    known_ns: int
    """How long it has been in the table, nanoseconds."""
    rtt: int | None
    """Smoothed round trip, nanoseconds."""


class Table:
    """Up to `capacity` contacts of the node `own_id`, which is never one of them, with room for
    `bucket_contacts` in a bucket. `at_home`: this node has a private or loopback address; only then
    contacts with such addresses are taken, and they are exempt from the limits per subnet."""

    __slots__ = (
        "_bucket_contacts", "_buckets", "_capacity", "_changed", "_extras", "_ids", "_known",
        "_lost", "_own_id", "_siblings_within", "at_home",
    )  # fmt: skip

    def __init__(
        self,
        own_id: Place,
        capacity: int = CONTACTS_MAX,
        bucket_contacts: int = BUCKET_CONTACTS,
        *,
        at_home: bool = False,
    ) -> None:
        self.at_home = at_home
        self._own_id = own_id
        self._capacity = capacity
        self._bucket_contacts = bucket_contacts
        self._ids: list[Place] = []
        self._known: dict[Place, Known] = {}
        self._buckets: dict[int, Bucket] = {}
        """By the number of bits of the distance; made at first use."""
        self._extras: dict[Place, None] = {}
        self._lost: dict[Place, tuple[Contact, Instant]] = {}
        self._changed: deque[Contact] = deque(maxlen=CHANGES_KEPT)
        self._siblings_within: int | None = None
        """Distance of the SIBLINGS-th nearest; None since the last change. Asked far more often
        than it changes."""

    # --- Who is there ------------------------------------------------------------------------

    @property
    def alive(self) -> int:
        """Contacts that have not failed since they were heard last."""
        return sum(not known.failures for known in self._known.values())

    def add(self, contact: Contact, now: Instant) -> bool:
        """Take in a contact that answered our probe; returns whether the table holds it now. Where
        its bucket is full it is kept as a spare. An id known at another address keeps the old one
        unless that is failing."""
        known = self._known.get(contact.id)
        if known is not None and (known.contact == contact or not known.failures):
            return known.contact == contact
        if not self._is_allowed(contact):
            return False
        if known is not None:
            self._take_out(known)
        bucket = self._buckets.setdefault(self._bucket_of(contact.id), Bucket())
        if not self._has_room(bucket) and not self._is_sibling(contact.id):
            bucket.keep_spare(Spare(contact, has_answered=True))
            return False
        bucket.spares.pop(contact.id, None)
        self._lost.pop(contact.id, None)
        known = Known(contact, now, is_extra=not self._has_room(bucket))
        bucket.members.append(known)
        self._known[contact.id] = known
        insort(self._ids, contact.id)
        self._note_change(contact)
        if known.is_extra:
            self._extras[contact.id] = None
        self._prune_extras()
        return True

    def remove(self, node_id: Place) -> None:
        """A contact has left, and said so. Unknown ids are ignored."""
        known = self._known.get(node_id)
        if known is not None:
            self._take_out(known)

    def seen(self, node_id: Place, now: Instant, rtt_ns: int | None = None) -> None:
        """A contact was heard; `rtt_ns` if that answered a request. Unknown ids are ignored."""
        known = self._known.get(node_id)
        if known is not None:
            known.heard = now
            known.failures = 0
            if rtt_ns is not None:
                known.measured(rtt_ns)
            return
        bucket = self._buckets.get(self._bucket_of(node_id))
        spare = bucket and bucket.spares.get(node_id)
        if bucket and spare and rtt_ns is not None:
            bucket.spares[node_id] = spare._replace(rtt=rtt_ns)

    def failed(self, node_id: Place, now: Instant, asked: Instant | None = None) -> bool:
        """A request to a contact was not answered; returns whether that removed it, as the
        CONTACT_FAILURES_MAX-th failure in a row does. Unknown ids are ignored, and requests that
        were `asked` before the last failure was noted: of twenty at once one short silence is no
        proof that it is gone."""
        known = self._known.get(node_id)
        if known is None or (asked is not None and known.failures and asked <= known.failed):
            return False
        known.failures += 1
        known.failed = now
        if known.failures < CONTACT_FAILURES_MAX:
            return False
        self._take_out(known)
        self._note_lost(known.contact, now)
        return True

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[Contact]:
        """All contacts in order of id; over a copy, so that the loop may change the table."""
        return iter([self._known[node_id].contact for node_id in self._ids])

    # --- What is known of them ---------------------------------------------------------------

    def nearest(self, place: Place, n: int) -> list[Contact]:
        """The n contacts nearest to `place` by XOR distance, nearest first; fewer if there are.

        Ids in a subtree of the ring are a run of the sorted list. So this goes down towards `place`
        as long as the nearer half suffices, and takes it whole where it does not.
        """
        ids, known = self._ids, self._known
        low, high, bit, prefix = 0, len(ids), _TOP_BIT, 0
        near: list[int] = []
        while high - low > 2 * n and bit:
            middle = bisect_left(ids, prefix | bit, low, high)
            is_upper = place & bit
            count = high - middle if is_upper else middle - low
            goes_upper = bool(is_upper) == (count >= n)
            if count < n:
                half = ids[middle:high] if is_upper else ids[low:middle]
                near += sorted([node_id ^ place for node_id in half])
                n -= count
            if goes_upper:
                prefix |= bit
                low = middle
            else:
                high = middle
            bit >>= 1
        near += sorted([node_id ^ place for node_id in ids[low:high]])[:n]
        return [known[distance ^ place].contact for distance in near]

    def get(self, node_id: Place) -> Contact | None:
        """The contact of that id."""
        known = self._known.get(node_id)
        return None if known is None else known.contact

    def rtt(self, node_id: Place) -> int | None:
        """Smoothed round trip in nanoseconds; None before the first was measured."""
        known = self._known.get(node_id)
        return None if known is None else known.rtt

    def rtt_least(self, node_id: Place) -> int | None:
        """The shortest of the last ROUND_TRIPS_KEPT round trips in nanoseconds, if any."""
        known = self._known.get(node_id)
        return None if known is None else known.rtt_least

    def heard(self, node_id: Place) -> Instant | None:
        """When the contact of that id was last heard."""
        known = self._known.get(node_id)
        return None if known is None else known.heard

    def since(self, node_id: Place) -> Instant | None:
        """When the contact of that id came into the table."""
        known = self._known.get(node_id)
        return None if known is None else known.since

    def failures(self, node_id: Place) -> int:
        """Requests in a row that the contact of that id has not answered."""
        known = self._known.get(node_id)
        return 0 if known is None else known.failures

    def unheard_longest(self, among: Iterable[Contact] | None = None) -> Contact | None:
        """Whom to probe next, of the whole table or of some of its contacts."""
        known = self._known
        chosen = known.values() if among is None else [known[contact.id] for contact in among]
        quietest = min(chosen, key=_quietness, default=None)
        return None if quietest is None else quietest.contact

    # --- Who may come ------------------------------------------------------------------------

    def wants(self, contact: Contact) -> bool:
        """Whether `add` would take in this contact, which is not in the table."""
        if contact.id in self._known or not self._is_allowed(contact):
            return False
        bucket = self._buckets.get(self._bucket_of(contact.id))
        return bucket is None or self._has_room(bucket) or self._is_sibling(contact.id)

    def offer(self, contact: Contact) -> bool:
        """Others told of a contact: keep it as a spare if the table wants it, and did not lose it.
        Tells whether it did."""
        if contact.id in self._lost or not self.wants(contact):
            return False
        bucket = self._buckets.setdefault(self._bucket_of(contact.id), Bucket())
        return bucket.keep_spare(Spare(contact, has_answered=False))

    def take_spare(self, score: Callable[[Place], float]) -> Contact | None:
        """Whom to probe for a bucket with room; it is given away, and enters by `add` once it has
        answered. `score` is the trust in a node, from 0 to 1."""
        for bucket in self._buckets.values():
            while self._is_open(bucket):
                contact = bucket.take_spare(score)
                if contact is not None and self.wants(contact):
                    return contact
        return None

    def has_open_spares(self) -> bool:
        """Whether some contacts are worth a probe since the table may want them."""
        return any(map(self._is_open, self._buckets.values()))

    def open_bits(self) -> list[int]:
        """The buckets with room that are no nearer than the nearest contact: each as the number of
        bits of the distances in it, farthest first. Empty for an empty table."""
        nearest = self.nearest(self._own_id, 1)
        if not nearest:
            return []
        least = self._bucket_of(nearest[0].id)
        buckets = self._buckets
        return [
            bits
            for bits in range(64, least - 1, -1)
            if bits not in buckets or self._has_room(buckets[bits])
        ]

    # --- Who has gone ------------------------------------------------------------------------

    def lost(self, now: Instant) -> list[Contact]:
        """Contacts lost within the last day, at most LOST_MAX; last is whom `put_off` named."""
        since = now - LOST_SECONDS * SECOND
        self._lost = {node_id: known for node_id, known in self._lost.items() if known[1] > since}
        return [contact for contact, _ in self._lost.values()]

    def is_lost(self, node_id: Place) -> bool:
        """Whether that contact was lost and has not come back."""
        return node_id in self._lost

    def put_off(self, node_id: Place) -> None:
        """A lost contact is being probed: the others are first now."""
        known = self._lost.pop(node_id, None)
        if known is not None:
            self._lost[node_id] = known

    def take_changes(self) -> list[Contact]:
        """Contacts that have come or gone since this was last called, in order; of many, only the
        last CHANGES_KEPT."""
        changed = list(self._changed)
        self._changed.clear()
        return changed

    def snapshot(self, now: Instant) -> list[Remembered]:
        """What is worth keeping beyond this process, those known for longest first."""
        oldest_first = sorted(self._known.values(), key=_age)
        return [Remembered(k.contact, now - k.since, k.rtt) for k in oldest_first]

    def restore(self, remembered: Iterable[Remembered], now: Instant) -> None:
        """Take in what an earlier process knew: as contacts lost just now, which enter once they
        have answered."""
        for known in remembered:
            if known.contact.id not in self._known and self._is_allowed(known.contact):
                self._note_lost(known.contact, now)

    # --- Rules -------------------------------------------------------------------------------

    def _bucket_of(self, node_id: Place) -> int:
        return (node_id ^ self._own_id).bit_length()

    def _has_room(self, bucket: Bucket) -> bool:
        return bucket.count() < self._bucket_contacts and len(self._ids) < self._capacity

    def _is_open(self, bucket: Bucket) -> bool:
        """Whether a spare of the bucket could enter."""
        spares = bucket.spares
        return bool(spares) and (self._has_room(bucket) or any(map(self._is_sibling, spares)))

    def _is_sibling(self, node_id: Place) -> bool:
        """Whether a newcomer would be one of the nearest SIBLINGS to our own id."""
        if len(self._ids) < SIBLINGS:
            return len(self._ids) < self._capacity
        return node_id ^ self._own_id < self._sibling_distance()

    def _sibling_distance(self) -> int:
        if self._siblings_within is None:
            self._siblings_within = self.nearest(self._own_id, SIBLINGS)[-1].id ^ self._own_id
        return self._siblings_within

    def _is_allowed(self, contact: Contact) -> bool:
        """Not us, at an address that means something here, and not one too many of its subnet."""
        if contact.id == self._own_id:
            return False
        host = contact.address[0]
        if is_private(host):
            return self.at_home
        bucket = self._buckets.get(self._bucket_of(contact.id))
        of = subnet(host)
        if bucket is not None and _of_subnet(bucket.members, of) >= SUBNET_IN_BUCKET_MAX:
            return False
        return _of_subnet(self._known.values(), of) < SUBNET_IN_TABLE_MAX

    def _prune_extras(self) -> None:
        """Let go of those beyond their bucket's room that are among the nearest no more."""
        if self._extras and len(self._ids) > SIBLINGS:
            limit = self._sibling_distance()
            for node_id in [i for i in self._extras if i ^ self._own_id > limit]:
                self._take_out(self._known[node_id])

    def _take_out(self, known: Known) -> None:
        contact = known.contact
        del self._known[contact.id]
        del self._ids[bisect_left(self._ids, contact.id)]
        members = self._buckets[self._bucket_of(contact.id)].members
        members.remove(known)
        self._note_change(contact)
        if known.is_extra:
            del self._extras[contact.id]
            return
        successor = next((other for other in members if other.is_extra), None)
        if successor is not None:
            successor.is_extra = False
            del self._extras[successor.contact.id]

    def _note_change(self, contact: Contact) -> None:
        self._siblings_within = None
        self._changed.append(contact)

    def _note_lost(self, contact: Contact, now: Instant) -> None:
        self._lost[contact.id] = contact, now
        if len(self._lost) > LOST_MAX:
            del self._lost[next(iter(self._lost))]


def _of_subnet(contacts: Iterable[Known], of: bytes) -> int:
    return sum(subnet(known.contact.address[0]) == of for known in contacts)


def _quietness(known: Known) -> tuple[Instant, Place]:
    return known.heard, known.contact.id


def _age(known: Known) -> tuple[Instant, Place]:
    return known.since, known.contact.id
