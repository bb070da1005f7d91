"""A watch, seen by who watches: the newest version of an entry, soon after it was stored.

Leases are taken at a few nodes of the region, drawn anew as nodes come, go or refuse. Whatever
tells of a version (NOTIFY, the answer to a renewed lease, a poll), its signature is checked and the
order of versions decides: each version is told once, the newest wins. A poll asks all of the region
now and then, so that no lease has to be relied on: where none is granted, polls come more often.

What was skipped is counted by the nodes, each for itself. A version that one node told is not taken
for skipped because another left it out: so the watcher counts on one line (`_position`), and keeps
for each lease where on that line its number stood.
"""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from dave.drops import Drop
from dave.names import MS, SECOND, EntryId, HybridTime, Instant, place_of
from dave.node.core import Core, peer_of
from dave.node.get import GetOperation
from dave.node.limits import (
    WATCH_AVOID_SECONDS,
    WATCH_FORGER_SECONDS,
    WATCH_LEASE_SECONDS,
    WATCH_POLL_PATIENCE_SECONDS,
    WATCH_POLL_SECONDS,
    WATCH_POLL_SECONDS_ALONE,
    WATCH_POLL_SECONDS_FIRST,
    WATCH_RENEW_SECONDS_MIN,
    WATCH_REPLICAS,
    WATCH_SKIPPED_MAX,
)
from dave.node.requests import Answer, Peer
from dave.node.results import Found, GetResult, is_genuine
from dave.node.timers import Timer
from dave.peers.choice import by_trust
from dave.peers.contact import Contact
from dave.session.session import NEVER, Session
from dave.wire.entry import Entry, order
from dave.wire.watching import NOTHING_KNOWN, Notify, Watch, WatchAck


class Event(NamedTuple):
    """A version that was seen, or the end of one."""

    entry: Entry
    """A tombstone, if it was deleted."""
    is_gone: bool
    """Deleted, or (not a tombstone) expired."""
    skipped: int
    """How many versions between the last event and this one were not seen."""


class _Lease:
    """A lease, or a request for one."""

    __slots__ = ("counted", "is_asking", "is_granted", "peer", "renew_at")

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.is_asking = self.is_granted = False
        self.renew_at: Instant = 0
        self.counted: tuple[int, int] | None = None
        """The node's number for the newest version, and our position when we knew that one."""


class _Poll(GetOperation):
    """A get whose result goes to the watch."""

    def __init__(self, watch: "WatchOperation", core: Core, entry_id: EntryId, quorum: int,
                 deadline: Instant) -> None:  # fmt: skip
        super().__init__(core, 0, entry_id, quorum, deadline)
        self._watch = watch

    def _resolve(self, now: Instant) -> None:
        self._watch.on_polled(self.result, now)


class WatchOperation:
    """One watch. `events` are to be taken from the left; while there are none, wait until the
    operation `wake` is resolved."""

    def __init__(
        self,
        core: Core,
        entry_id: EntryId,
        number: bytes,
        kept: int,
        new_operation: Callable[[], int],
    ) -> None:
        self.number = number
        """The name of the watch on the wire."""
        self.events: deque[Event] = deque()
        self.wake = new_operation()
        self.unreachable: GetResult | None = None
        """The first look, if it reached nobody."""
        self._core = core
        self._new_operation = new_operation
        self._entry_id = entry_id
        self._place = place_of(entry_id)
        self._kept = kept
        self._leases: dict[bytes, _Lease] = {}
        """By the node's public key."""
        self._avoided: dict[bytes, Instant] = {}
        """Nodes not to be asked for a lease, and until when; of the region only, so bounded."""
        self._newest: tuple[HybridTime, bool, bytes] | None = None
        self._entry: Entry | None = None
        """The version that stands: told, and not gone."""
        self._told: Entry | None = None
        """The version told last."""
        self._position = 0
        """Versions told and skipped."""
        self._polls = 0
        self._is_polling = self._is_stopped = False
        self._poll_at: Instant = NEVER
        self._place_at: Instant = NEVER
        self._expires_at: Instant = NEVER
        self._armed: Instant = NEVER

    @property
    def leases(self) -> int:
        """How many nodes have granted one."""
        return sum(lease.is_granted for lease in self._leases.values())

    @property
    def has_looked(self) -> bool:
        """Whether the first look has ended."""
        return self._polls > 1 or (self._polls == 1 and not self._is_polling)

    def start(self, now: Instant, deadline: Instant) -> None:
        """Begin; the first look may take until `deadline`."""
        self._poll(now, deadline)
        self._arm(now)

    def stop(self, now: Instant) -> None:
        """Give the leases back."""
        self._is_stopped = True
        for lease in self._leases.values():
            self._give_back(lease, now)
        self._leases.clear()
        self._wake()

    def on_timer(self, now: Instant) -> None:
        """Something is due, unless the alarm is an old one."""
        if self._is_stopped or now < self._armed:
            return
        if now >= self._expires_at:
            self._expire(now)
        if now >= self._poll_at:
            self._poll(now, now + WATCH_POLL_PATIENCE_SECONDS * SECOND)
        if now >= self._place_at:
            self._take_leases(now)
        for lease in list(self._leases.values()):
            if now >= lease.renew_at and not lease.is_asking:
                self._ask(lease, now)
        self._armed = NEVER
        self._arm(now)

    def _arm(self, now: Instant) -> None:
        due = min(self._poll_at, self._place_at, self._expires_at)
        for lease in self._leases.values():
            if not lease.is_asking:
                due = min(due, lease.renew_at)
        due = max(due, now)
        if due < self._armed:
            self._armed = due
            self._core.timers.set(due, Timer.WATCH, self)

    # --- Polls -----------------------------------------------------------------------------

    def _poll(self, now: Instant, deadline: Instant) -> None:
        """Look for the newest version: at first as any get does, later in all of the region."""
        self._poll_at = NEVER
        self._is_polling = True
        quorum = 0 if self._polls else 2
        self._polls += 1
        poll = _Poll(self, self._core, self._entry_id, quorum, deadline)
        poll.start(now, self._core.own(self._entry_id, now))

    def on_polled(self, result: GetResult, now: Instant) -> None:
        """A poll has ended."""
        self._is_polling = False
        if self._is_stopped:
            return
        if result.entry is not None:
            self._see(result.entry, now)
        if self._polls == 1:
            if result.found is Found.UNREACHABLE and not result.answered:
                self.unreachable = result
            self._wake()
        self._take_leases(now)
        seconds = WATCH_POLL_SECONDS if self._leases else WATCH_POLL_SECONDS_ALONE
        if self._polls == 1:
            seconds = WATCH_POLL_SECONDS_FIRST
        self._poll_at = now + self._jittered(seconds)
        self._arm(now)

    # --- Leases ----------------------------------------------------------------------------

    def _take_leases(self, now: Instant) -> None:
        """Have a lease at WATCH_REPLICAS nodes of the region as it is now."""
        self._place_at = NEVER
        chosen = self._choose(now)
        if self._polls > 1:  # the first look need not have seen all of the region
            keys = frozenset(contact.public_key for contact in chosen)
            for key in [key for key in self._leases if key not in keys]:
                self._give_back(self._leases.pop(key), now)
        for contact in chosen:
            if contact.public_key not in self._leases:
                lease = self._leases[contact.public_key] = _Lease(peer_of(contact))
                self._ask(lease, now)
        self._arm(now)

    def _choose(self, now: Instant) -> list[Contact]:
        """Where to have leases. The nearest get a put from who puts, those behind them hear of it
        a little later. Among the nearest it is drawn, so that the watchers of one entry spread; who
        keeps promises comes first, and before all of them who has granted one."""
        core = self._core
        self._avoided = {key: until for key, until in self._avoided.items() if until > now}
        region = [c for c in core.region(self._place) if c.public_key not in self._avoided]
        near, behind = region[: core.tuning.replicas], region[core.tuning.replicas :]
        drawn = sorted((core.rng.random(), i) for i in range(len(near)))
        near = by_trust([near[i] for _, i in drawn], core.trust, lambda _: None, core.rng, now)
        near.sort(key=lambda contact: contact.public_key not in self._leases)
        return [*near, *behind][:WATCH_REPLICAS]

    def _ask(self, lease: _Lease, now: Instant) -> None:
        """Ask for a lease, or for more of it."""
        lease.is_asking = True
        known = NOTHING_KNOWN if self._newest is None else self._newest[2]
        message = Watch(self.number, self._entry_id, WATCH_LEASE_SECONDS, known)

        def done(answer: Answer, now: Instant) -> None:
            self._answered(lease, known, answer, now)

        self._core.ask(lease.peer, message, done, now)

    def _answered(self, lease: _Lease, known: bytes, answer: Answer, now: Instant) -> None:
        key = lease.peer.public_key
        assert key is not None
        if self._leases.get(key) is not lease:
            return
        lease.is_asking = False
        ack = answer.reply
        if not isinstance(ack, WatchAck):
            self._lose(key, WATCH_AVOID_SECONDS, now)
            return
        is_new = not lease.is_granted
        lease.is_granted = ack.lease > 0
        if is_new or (lease.counted is not None and ack.sequence < lease.counted[0]):
            lease.counted = None
        if ack.entry is not None:
            self._hear(key, lease, ack.entry, ack.sequence, now)
        elif known == (NOTHING_KNOWN if self._newest is None else self._newest[2]) and (
            ack.is_same or self._newest is None
        ):
            lease.counted = ack.sequence, self._position
        if self._leases.get(key) is not lease:
            return
        if not ack.lease:
            self._lose(key, WATCH_AVOID_SECONDS, now)
            return
        lasts = min(ack.lease, WATCH_LEASE_SECONDS)
        lease.renew_at = now + self._jittered(max(lasts / 2.5, WATCH_RENEW_SECONDS_MIN))
        self._arm(now)

    def _lose(self, key: bytes, seconds: int, now: Instant) -> None:
        """Do without a node for so long."""
        del self._leases[key]
        self._avoided[key] = now + seconds * SECOND
        self._place_at = now
        self._arm(now)

    def _give_back(self, lease: _Lease, now: Instant) -> None:
        """Tell the node, if that takes no handshake; otherwise the lease lapses by itself."""
        if self._core.sessions.find(lease.peer.address) is not None:
            message = Watch(self.number, self._entry_id, 0, NOTHING_KNOWN)
            self._core.ask(lease.peer, message, lambda answer, now: None, now)

    # --- Versions --------------------------------------------------------------------------

    def on_notify(self, session: Session, notify: Notify, now: Instant) -> bool:
        """A node tells of a version; whether we hold a lease there."""
        lease = self._leases.get(session.public_key)
        if lease is None:
            return False
        self._hear(session.public_key, lease, notify.entry, notify.sequence, now)
        self._arm(now)
        return session.public_key in self._leases

    def _hear(self, key: bytes, lease: _Lease, entry: Entry, sequence: int, now: Instant) -> None:
        """A node says that this is its newest version, and which number it has there."""
        if self._told is not None and entry.data == self._told.data:
            lease.counted = sequence, self._position
            return
        skipped = 0
        if lease.counted is not None:
            number, position = lease.counted
            skipped = max(0, sequence - number - (self._position - position) - 1)
        if not self._see(entry, now, min(skipped, WATCH_SKIPPED_MAX)):
            self._core.drops.add(Drop.FORGED_VERSION)
            if lease.peer.id is not None:
                self._core.table.failed(lease.peer.id, now)
            self._lose(key, WATCH_FORGER_SECONDS, now)
        elif self._newest is not None and self._newest[2] == entry.digest(self._core.network):
            lease.counted = sequence, self._position

    def _see(self, entry: Entry, now: Instant, skipped: int = 0) -> bool:
        """Tell of a version if it is the newest and alive; False if it is no version at all."""
        core = self._core
        if entry.id != self._entry_id:
            return False
        rank = order(entry, core.network)
        if self._newest is not None and rank <= self._newest:
            return True
        if not is_genuine(entry, core.network):
            return False
        if entry.expires_ms > core.unix_ms(now):
            self._tell(entry, rank, skipped, now)
        return True

    def _tell(
        self, entry: Entry, rank: tuple[HybridTime, bool, bytes], skipped: int, now: Instant
    ) -> None:
        self._newest = rank
        self._told = entry
        self._position += skipped + 1
        self._entry = None if entry.is_tombstone else entry
        self._expires_at = NEVER
        if self._entry is not None:
            self._expires_at = now + (entry.expires_ms - self._core.unix_ms(now)) * MS
        self._push(Event(entry, entry.is_tombstone, skipped))

    def _expire(self, now: Instant) -> None:
        """The version that stands has come to its end, by our own clock."""
        self._expires_at = NEVER
        entry = self._entry
        assert entry is not None
        left = entry.expires_ms - self._core.unix_ms(now)
        if left > 0:  # the wall clock was set back
            self._expires_at = now + left * MS
        else:
            self._entry = None
            self._push(Event(entry, True, 0))

    def _push(self, event: Event) -> None:
        """Where too many wait, the oldest is skipped, and counted."""
        was_empty = not self.events
        if len(self.events) >= self._kept:
            oldest = self.events.popleft()
            has_expired = oldest.is_gone and not oldest.entry.is_tombstone
            missed = oldest.skipped + (not has_expired)
            if self.events:
                following = self.events[0]
                self.events[0] = following._replace(skipped=following.skipped + missed)
            else:
                event = event._replace(skipped=event.skipped + missed)
        self.events.append(event)
        if was_empty:
            self._wake()

    def _wake(self) -> None:
        operation, self.wake = self.wake, self._new_operation()
        self._core.resolve(operation, None)

    def _jittered(self, seconds: float) -> int:
        """About so many seconds, in nanoseconds: watchers that began together do not stay so."""
        return int(seconds * SECOND * (0.75 + 0.5 * self._core.rng.random()))
