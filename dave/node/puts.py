"""The way of a put through a node, cheapest check first:

    size, lengths, TTL (the decoder) -> room -> stamp -> time, version, rank (the store)
    -> Verify ... verified -> the store once more -> insert -> Append ... appended -> acknowledge

Between the steps the world works (signatures in batches, one fsync for many records), and other
puts come: so what depends on state is checked again after the signature. A copy that arrives on the
way joins those who wait. SAME is said only of what is committed.
"""

from collections.abc import Callable
from typing import Any

from dave.crypto import hashes
from dave.crypto.work import entry_work, meets, surplus_bits
from dave.drops import Drop
from dave.effects import Append, Verify
from dave.histogram import Histogram
from dave.limits import (
    BUCKET_CONTACTS,
    FORGED_PER_SESSION,
    MESSAGE_HEADER_BYTES,
    PENDING_PUTS_MAX,
    PENDING_PUTS_PER_SESSION,
    PUT_WAITERS_MAX,
    SESSIONS_MAX,
)
from dave.names import EntryId, HybridTime, Instant, place_of
from dave.node.core import Core
from dave.session.session import Session
from dave.store.journal import entry_record
from dave.store.store import Store, Verdict
from dave.wire import messages
from dave.wire.entry import Entry
from dave.wire.messages import Put, PutAck, WireContact
from dave.wire.status import PutStatus


class Here:
    """Who waits is this node itself: `done` is called with the acknowledgement and the time."""

    __slots__ = ("done",)
    index = -1
    """No session has it: what this node puts is on an account of its own."""

    def __init__(self, done: Callable[[PutAck, Instant], None]) -> None:
        self.done = done


class Pulled(Here):
    """Who waits is a pull (pull.py): pulls have an account of their own, and what they bring is
    announced once all of them are done."""

    __slots__ = ()
    index = -2


Waiter = tuple[Session | Here, bytes, bool]
"""Who waits for an acknowledgement: the session, the head of its request (for the id), and whether
it wants to be told of nodes nearer to the entry."""


NOBODY = b""
"""As the request of a waiter: one that wants no acknowledgement."""


class Pending:
    """A put on its way."""

    __slots__ = ("arrived", "digest", "entry", "entry_id", "expected", "is_direct", "sequence",
                 "surplus", "verified", "waiters")  # fmt: skip

    def __init__(
        self, put: Put, entry_id: EntryId, digest: bytes, surplus: float, waiter: Waiter,
        now: Instant,
    ) -> None:  # fmt: skip
        self.arrived = self.verified = now
        """When the first copy came, and when its signature was found good."""
        self.entry: Entry = put.entry
        self.expected: HybridTime | None = put.expected
        self.is_direct = put.is_direct
        self.entry_id = entry_id
        self.digest = digest
        self.surplus = surplus
        self.sequence = 0
        """Under which it was stored."""
        self.waiters = {waiter: None}
        """In order of arrival, each once, however often it asks; at most PUT_WAITERS_MAX."""

    @property
    def sender(self) -> Session | Here:
        """Who came first: the put is on its account."""
        return next(iter(self.waiters))[0]


class Puts:
    """All puts on their way through one node; at most PENDING_PUTS_MAX."""

    def __init__(self, core: Core, store: Store, start_count: int) -> None:
        self._core = core
        self._store = store
        self._sequence = start_count << 32
        self.committed = self._sequence
        """All entries stored under sequences up to this one are on disk."""
        self._tickets = 0
        self._verifying: dict[int, Pending] = {}
        self._by_bytes: dict[tuple[bytes, HybridTime | None], Pending] = {}
        self._appending: dict[int, Pending] = {}
        self._committing: dict[bytes, Pending] = {}
        self._by_sender: dict[int, int] = {}
        """Puts on their way by session index; none at 0."""
        self._forged: dict[int, int] = {}
        """Forged signatures by session index."""
        self._under_way: dict[EntryId, int] = {}
        """Puts on their way by entry id; none at 0."""
        self.on_stored: Callable[[Pending, Instant], None] = _nothing
        """Told of each put that was committed; replicas hear of it by this ..."""
        self.on_version: Callable[[Pending, Instant], None] = _nothing
        """... and watchers by this."""
        self.is_read_only = False
        self.counts = [0] * len(PutStatus)
        """Acknowledgements by status."""
        self.stamps = 0
        """Stamps that were checked."""
        self.put_time = Histogram()
        """From the arrival of a put that is stored to its acknowledgement, ..."""
        self.verify_time = Histogram()
        """... of that until the verdict on the signature is there, good or bad, ..."""
        self.commit_time = Histogram()
        """... and from then until the record is committed."""

    def __len__(self) -> int:
        return len(self._verifying) + len(self._appending)

    def is_busy_for(self, session: Session | Here) -> bool:
        """Whether there is no room for another put of this session."""
        if len(self._verifying) + len(self._appending) >= PENDING_PUTS_MAX:
            return True
        return self._by_sender.get(session.index, 0) >= PENDING_PUTS_PER_SESSION

    def is_under_way(self, entry_id: EntryId) -> bool:
        """Whether some version of that entry is being put."""
        return entry_id in self._under_way

    def adopt(self, entry: Entry, session: Session, now: Instant) -> None:
        """Store an entry that came in an answer as if it were put; nobody is told how that went."""
        self.receive(Put(entry, None, True), session, NOBODY, now)

    def receive(self, put: Put, session: Session | Here, request: bytes, now: Instant) -> None:
        """A PUT arrived."""
        waiter = (session, request[:MESSAGE_HEADER_BYTES], not put.is_direct)
        if self.is_read_only:
            self._acknowledge(waiter, PutStatus.READ_ONLY, now)
            return
        same = self._by_bytes.get((put.entry.data, put.expected))
        if same is not None and (len(same.waiters) < PUT_WAITERS_MAX or waiter in same.waiters):
            same.waiters[waiter] = None
            same.is_direct &= put.is_direct
            return
        if same is not None or self.is_busy_for(session):
            self._acknowledge(waiter, PutStatus.BUSY, now)
            return
        entry, network = put.entry, self._core.network
        signed = entry.signed_bytes(network)
        digest = hashes.entry_digest(signed)
        surplus = 0.0
        if network.asks_work:
            work = entry_work(len(entry.data), entry.ttl)
            stamp = hashes.entry_stamp(digest, entry.nonce)
            self.stamps += 1
            if not meets(stamp, work):
                self._acknowledge(waiter, PutStatus.LOW_WORK, now, detail=work)
                return
            surplus = surplus_bits(stamp, work)
        pending = Pending(put, entry.id, digest, surplus, waiter, now)
        if self._joins(pending):
            return
        verdict = self._judge(pending, now)
        if verdict.status is not PutStatus.STORED:
            self._refuse(pending, verdict, now)
            return
        self._tickets += 1
        self._verifying[self._tickets] = pending
        self._by_sender[session.index] = self._by_sender.get(session.index, 0) + 1
        self._by_bytes[entry.data, put.expected] = pending
        self._under_way[pending.entry_id] = self._under_way.get(pending.entry_id, 0) + 1
        self._core.emit(Verify(self._tickets, entry.owner, entry.signature + signed))

    def verified(self, ticket: int, is_genuine: bool, now: Instant) -> None:
        """The signature was checked."""
        pending = self._verifying.pop(ticket)
        del self._by_bytes[pending.entry.data, pending.expected]
        pending.verified = now
        self.verify_time.note(now - pending.arrived)
        if not self._goes_on(pending, is_genuine, now):
            self._release(pending)
            return
        entry = pending.entry
        self._sequence += 1
        pending.sequence = self._sequence
        self._store.insert(
            entry, pending.entry_id, self._sequence, self._core.unix_ms(now), pending.surplus
        )
        self._append(entry_record(self._sequence, entry.data), pending)

    def _goes_on(self, pending: Pending, is_genuine: bool, now: Instant) -> bool:
        """Whether the store takes it, now that the signature is known; else all is said."""
        if not is_genuine:
            self._acknowledge_all(pending, PutStatus.FORGED, now)
            self._blame(pending.sender)
            return False
        if self.is_read_only:
            self._acknowledge_all(pending, PutStatus.READ_ONLY, now)
            return False
        if self._joins(pending):
            return False
        verdict = self._judge(pending, now)
        if verdict.status is not PutStatus.STORED:
            self._refuse(pending, verdict, now)
            return False
        return True

    def appended(self, ticket: int, ok: bool, now: Instant) -> None:
        """The record was committed, or the disk failed."""
        pending = self._appending.pop(ticket)
        if self._committing.get(pending.digest) is pending:
            del self._committing[pending.digest]
        if ok:
            self.committed = pending.sequence
            self.commit_time.note(now - pending.verified)
            self.put_time.note(now - pending.arrived)
        else:
            self.is_read_only = True
        self._release(pending)
        self._acknowledge_all(pending, PutStatus.STORED if ok else PutStatus.READ_ONLY, now)
        if ok:
            self.on_stored(pending, now)
            self.on_version(pending, now)

    def _release(self, pending: Pending) -> None:
        """A put has ended: its sender has room for another."""
        _take_one(self._by_sender, pending.sender.index)
        _take_one(self._under_way, pending.entry_id)

    def _blame(self, sender: Session | Here) -> None:
        """A forged signature costs us 60 us and its sender nothing: after a few its session ends,
        and a new one costs a handshake."""
        if isinstance(sender, Here):
            return
        count = self._forged.get(sender.index, 0) + 1
        if count < FORGED_PER_SESSION:
            if len(self._forged) >= SESSIONS_MAX:
                self._forged.clear()
            self._forged[sender.index] = count
            return
        self._forged.pop(sender.index, None)
        self._core.drops.add(Drop.FORGER)
        self._core.sessions.forget(sender.address)

    def _append(self, record: bytes, pending: Pending) -> None:
        self._tickets += 1
        self._appending[self._tickets] = pending
        self._committing[pending.digest] = pending
        self._core.emit(Append(self._tickets, record))

    def _joins(self, pending: Pending) -> bool:
        """Let a copy of a version that is being committed wait for that; not one with a better
        stamp, which is to replace it, nor a guarded one, which the store has to judge."""
        committing = self._committing.get(pending.digest)
        if committing is None or pending.expected is not None:
            return False
        if pending.surplus > committing.surplus:
            return False
        committing.waiters |= pending.waiters
        committing.is_direct &= pending.is_direct
        return True

    def _judge(self, pending: Pending, now: Instant) -> Verdict:
        return self._store.judge(
            pending.entry,
            pending.entry_id,
            pending.digest,
            self._core.unix_ms(now),
            pending.surplus,
            pending.expected,
        )

    def _refuse(self, pending: Pending, verdict: Verdict, now: Instant) -> None:
        status, detail = verdict.status, verdict.bits_short
        if status is PutStatus.SAME and pending.digest in self._committing:
            self._committing[pending.digest].waiters |= pending.waiters
            return
        if status is PutStatus.FUTURE:
            detail = self._core.unix_ms(now)
        held = None if verdict.held is None else Entry(verdict.held)
        if status not in (PutStatus.STALE, PutStatus.CONFLICT):
            held = None
        for waiter in pending.waiters:
            self._acknowledge(waiter, status, now, detail, held, pending.entry_id)

    def _acknowledge_all(self, pending: Pending, status: PutStatus, now: Instant) -> None:
        for waiter in pending.waiters:
            self._acknowledge(waiter, status, now, entry_id=pending.entry_id)

    def _acknowledge(
        self,
        waiter: Waiter,
        status: PutStatus,
        now: Instant,
        detail: int = 0,
        held: Entry | None = None,
        entry_id: EntryId = b"",
    ) -> None:
        session, request, wants_contacts = waiter
        if isinstance(session, Here):
            self.counts[status] += 1
            session.done(PutAck(status, detail, held), now)
            return
        if not request:  # NOBODY
            return
        self.counts[status] += 1
        contacts: tuple[WireContact, ...] = ()
        if wants_contacts and entry_id and held is None:
            contacts = self._nearer(entry_id, session)
        if detail or contacts or held is not None:
            self._core.reply(session, request, PutAck(status, detail, held, contacts), now)
        else:
            self._core.sessions.seal(session, messages.plain_ack(request, status), now)

    def _nearer(self, entry_id: EntryId, session: Session) -> tuple[WireContact, ...]:
        """Nodes nearer to the entry than this one, for who does not look for them itself."""
        place, own = place_of(entry_id), self._core.identity.id
        assert own is not None
        return tuple(
            WireContact(contact.public_key, contact.nonce, contact.address)
            for contact in self._core.table.nearest(place, BUCKET_CONTACTS)
            if contact.id ^ place < own ^ place and contact.public_key != session.public_key
        )


def _take_one(counts: dict[Any, int], key: Any) -> None:
    """Count one less; who is at 0 leaves."""
    left = counts[key] - 1
    if left:
        counts[key] = left
    else:
        del counts[key]


def _nothing(*_: Any) -> None:
    return None
