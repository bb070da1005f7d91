"""What a node keeps for those who watch its entries: leases, and who has to be told of what.

A lease is taken inside a session that has proved its address, and lapses unless it is renewed. Each
version that is committed here counts up the watches of its entry. A watch has one NOTIFY under way
at most, and of the versions that come meanwhile only the newest is sent after it: the number tells
how many were left out. Who does not answer costs a few packets, and then its watches are gone; it
finds out when it renews, and sees the newest version then.
"""

from collections import deque
from typing import TYPE_CHECKING, Any

from dave.drops import Drop
from dave.limits import MESSAGE_HEADER_BYTES
from dave.names import MS, SECOND, Address, EntryId, Instant
from dave.node.core import Core
from dave.node.limits import (
    NOTIFY_ATTEMPTS,
    NOTIFY_MS,
    NOTIFY_RETRY_MS,
    NOTIFY_RETRY_MS_MAX,
    NOTIFY_SLICE,
    NOTIFY_TICK_MS,
    NOTIFY_UNANSWERED_MAX,
    NOTIFY_WINDOW,
    WATCH_LEASE_SECONDS,
    WATCH_SWEEP_SECONDS,
    WATCHES_MAX,
    WATCHES_PER_ENTRY_MAX,
    WATCHES_PER_SESSION_MAX,
    WATCHES_PER_SUBNET_MAX,
)
from dave.node.puts import Pending
from dave.node.timers import Timer
from dave.peers.subnets import is_private, subnet
from dave.session.session import Session
from dave.store.store import Store
from dave.wire import messages
from dave.wire.entry import Entry
from dave.wire.watching import Notify, NotifyAck, Watch, WatchAck

if TYPE_CHECKING:
    from dave.node.node import Node

_SEQUENCE_MASK = 2**32 - 1
Who = tuple[Address, bytes]
"""A watcher: the address and the public key of its session, which may be replaced by a rekey."""


class _Watched:
    """An entry that somebody watches."""

    __slots__ = ("data", "digest", "watches")

    def __init__(self) -> None:
        self.watches: dict[tuple[Who, bytes], _Lease] = {}
        self.data = b""
        self.digest = b""
        """Of the last version that was committed since; empty before."""


class _Watcher:
    """All watches of one session."""

    __slots__ = ("leases", "unanswered", "under_way", "waiting", "who")

    def __init__(self, who: Who) -> None:
        self.who = who
        self.leases: dict[bytes, _Lease] = {}
        """By watch number."""
        self.under_way: dict[bytes, _Lease] = {}
        """By the request id of the NOTIFY that is not acknowledged."""
        self.waiting: dict[bytes, _Lease] = {}
        """Those that wait for room in the window, by watch number."""
        self.unanswered = 0
        """NOTIFYs sent since the last answer."""


class _Lease:
    """One watch."""

    __slots__ = ("attempts", "due", "ends", "entry_id", "is_over", "is_queued", "number",
                 "request_id", "sent", "sent_at", "sequence", "watcher")  # fmt: skip

    def __init__(self, watcher: _Watcher, number: bytes, entry_id: EntryId) -> None:
        self.watcher = watcher
        self.number = number
        self.entry_id = entry_id
        self.ends: Instant = 0
        self.sequence = 0
        """Versions committed since it began."""
        self.sent = 0
        """The number of the last version sent."""
        self.sent_at: Instant = -SECOND
        self.request_id = b""
        """Of the NOTIFY under way; empty if there is none."""
        self.attempts = 0
        self.due: Instant = 0
        """When that NOTIFY is sent again."""
        self.is_queued = self.is_over = False


class Leases:
    """The watches at one node; at most WATCHES_MAX."""

    def __init__(self, core: Core, store: Store) -> None:
        self._core = core
        self._store = store
        self._by_entry: dict[EntryId, _Watched] = {}
        self._watchers: dict[Who, _Watcher] = {}
        self._by_subnet: dict[bytes, int] = {}
        """Watches per public subnet; none at 0."""
        self._count = 0
        self._queue: deque[_Lease] = deque()
        """Those to be told, in order."""
        self._is_ticking = self._is_sweeping = False
        self.notified = 0
        """NOTIFYs sent, repeated ones too."""

    def __len__(self) -> int:
        return self._count

    # --- What watchers say -----------------------------------------------------------------

    def on_watch(self, session: Session, data: bytes, now: Instant) -> None:
        """WATCH arrived by DATA. Raises WireError for bytes that are none."""
        asked = Watch.read(data)
        who = session.address, session.public_key
        watcher = self._watchers.get(who)
        lease = None if watcher is None else watcher.leases.get(asked.watch)
        if lease is not None and (asked.lease == 0 or lease.entry_id != asked.entry_id):
            self._end(lease)
            lease = None
        if asked.lease and lease is None:
            lease = self._begin(who, asked, now)
        granted = 0
        if lease is not None:
            granted = min(asked.lease, WATCH_LEASE_SECONDS)
            lease.ends = now + granted * SECOND
        held = self._store.get(asked.entry_id, self._core.unix_ms(now))
        entry = None if held is None else Entry(held)
        is_same = entry is not None and entry.digest(self._core.network) == asked.known
        sequence = 0 if lease is None else lease.sequence
        if lease is not None and not lease.request_id:
            lease.sent = sequence  # this answer brings it
        answer = WatchAck(granted, sequence, is_same, None if is_same else entry)
        self._core.reply(session, data, answer, now)

    def on_notify_ack(self, session: Session, data: bytes, now: Instant) -> None:
        """NOTIFY_ACK arrived. Raises WireError for bytes that are none."""
        answer = NotifyAck.read(data)
        watcher = self._watchers.get((session.address, session.public_key))
        request_id = data[1:MESSAGE_HEADER_BYTES]
        lease = None if watcher is None else watcher.under_way.pop(request_id, None)
        if watcher is None or lease is None:
            self._core.drops.add(Drop.NO_REQUEST)
            return
        watcher.unanswered = 0
        lease.request_id = b""
        if not answer.watched:
            self._end(lease)
        elif lease.sequence != lease.sent and not lease.is_queued:
            self._enqueue(lease, now)
        while watcher.waiting and len(watcher.under_way) < NOTIFY_WINDOW:
            waiting = watcher.waiting.pop(next(iter(watcher.waiting)))
            self._notify(waiting, now)

    def _begin(self, who: Who, asked: Watch, now: Instant) -> _Lease | None:
        """A new watch, or None where a bound is reached."""
        watcher = self._watchers.get(who)
        watched = self._by_entry.get(asked.entry_id)
        net = _public_subnet(who)
        if (
            self._count >= WATCHES_MAX
            or (watcher is not None and len(watcher.leases) >= WATCHES_PER_SESSION_MAX)
            or (watched is not None and len(watched.watches) >= WATCHES_PER_ENTRY_MAX)
            or (net is not None and self._by_subnet.get(net, 0) >= WATCHES_PER_SUBNET_MAX)
        ):
            self._core.drops.add(Drop.WATCHES)
            return None
        if watcher is None:
            watcher = self._watchers[who] = _Watcher(who)
        if watched is None:
            watched = self._by_entry[asked.entry_id] = _Watched()
        lease = _Lease(watcher, asked.watch, asked.entry_id)
        watcher.leases[asked.watch] = watched.watches[who, asked.watch] = lease
        self._count += 1
        if net is not None:
            self._by_subnet[net] = self._by_subnet.get(net, 0) + 1
        if not self._is_sweeping:
            self._is_sweeping = True
            self._core.timers.set(now + WATCH_SWEEP_SECONDS * SECOND, Timer.LEASE)
        return lease

    def _end(self, lease: _Lease) -> None:
        watcher = lease.watcher
        lease.is_over = True
        del watcher.leases[lease.number]
        watcher.under_way.pop(lease.request_id, None)
        watcher.waiting.pop(lease.number, None)
        watched = self._by_entry[lease.entry_id]
        del watched.watches[watcher.who, lease.number]
        if not watched.watches:
            del self._by_entry[lease.entry_id]
        if not watcher.leases:
            del self._watchers[watcher.who]
        self._count -= 1
        net = _public_subnet(watcher.who)
        if net is not None:
            self._by_subnet[net] -= 1
            if not self._by_subnet[net]:
                del self._by_subnet[net]

    def _end_all(self, watcher: _Watcher) -> None:
        for lease in list(watcher.leases.values()):
            self._end(lease)

    def sweep(self, _subject: Any, now: Instant) -> None:
        """Remove what has lapsed."""
        for watcher in list(self._watchers.values()):
            for lease in [lease for lease in watcher.leases.values() if now >= lease.ends]:
                self._end(lease)
        self._is_sweeping = bool(self._count)
        if self._is_sweeping:
            self._core.timers.set(now + WATCH_SWEEP_SECONDS * SECOND, Timer.LEASE)

    # --- Telling them ----------------------------------------------------------------------

    def stored(self, pending: Pending, now: Instant) -> None:
        """A put was committed."""
        watched = self._by_entry.get(pending.entry_id)
        if watched is None or watched.digest == pending.digest:  # but a better stamp
            return
        watched.data, watched.digest = pending.entry.data, pending.digest
        for lease in watched.watches.values():
            lease.sequence = (lease.sequence + 1) & _SEQUENCE_MASK
            if not lease.request_id and not lease.is_queued:
                self._enqueue(lease, now)

    def on_timer(self, lease: _Lease | None, now: Instant) -> None:
        """The next slice of those to be told; or one watch, told before: again, or of the next."""
        if lease is not None:
            self._look_after(lease, now)
            return
        for _ in range(min(NOTIFY_SLICE, len(self._queue))):
            lease = self._queue.popleft()
            lease.is_queued = False
            self._notify(lease, now)
        self._is_ticking = bool(self._queue)
        if self._is_ticking:
            self._core.timers.set(now + NOTIFY_TICK_MS * MS, Timer.NOTIFY)

    def _enqueue(self, lease: _Lease, now: Instant) -> None:
        lease.is_queued = True
        due = lease.sent_at + NOTIFY_MS * MS
        if now < due:
            self._core.timers.set(due, Timer.NOTIFY, lease)
            return
        self._queue.append(lease)
        if not self._is_ticking:
            self._is_ticking = True
            self._core.timers.set(now, Timer.NOTIFY)

    def _notify(self, lease: _Lease, now: Instant) -> None:
        """Send the newest version, if it was not."""
        watcher = lease.watcher
        if lease.is_over or lease.request_id or lease.sequence == lease.sent:
            return
        if now >= lease.ends:
            self._end(lease)
        elif len(watcher.under_way) >= NOTIFY_WINDOW:
            watcher.waiting[lease.number] = lease
        else:
            lease.attempts = 0
            self._send(lease, now)

    def _look_after(self, lease: _Lease, now: Instant) -> None:
        if lease.is_over:
            return
        if not lease.request_id:
            lease.is_queued = False
            self._notify(lease, now)
        elif now >= lease.due:
            watcher = lease.watcher
            if lease.attempts >= NOTIFY_ATTEMPTS or watcher.unanswered >= NOTIFY_UNANSWERED_MAX:
                self._core.drops.add(Drop.WATCHER)
                self._end_all(watcher)
            else:
                self._send(lease, now)

    def _send(self, lease: _Lease, now: Instant) -> None:
        watcher, core = lease.watcher, self._core
        address, public_key = watcher.who
        session = core.sessions.find(address)
        if session is None or session.public_key != public_key:
            self._end_all(watcher)
            return
        if not lease.request_id or lease.sent != lease.sequence:
            # An answer to what was sent before says nothing of the newer version.
            watcher.under_way.pop(lease.request_id, None)
            lease.request_id = core.rng.randbytes(4)
            watcher.under_way[lease.request_id] = lease
            lease.sent = lease.sequence
        lease.sent_at = now
        lease.attempts += 1
        watcher.unanswered += 1
        self.notified += 1
        entry = Entry(self._by_entry[lease.entry_id].data)
        notify = Notify(lease.number, lease.sequence, entry)
        core.sessions.seal(session, messages.encode(lease.request_id, notify), now)
        wait = min(NOTIFY_RETRY_MS << (lease.attempts - 1), NOTIFY_RETRY_MS_MAX)
        lease.due = now + wait * MS
        core.timers.set(lease.due, Timer.NOTIFY, lease)


def on_watch(node: "Node", session: Session, data: bytes, now: Instant) -> None:
    """WATCH. Never from an INIT, whose address may be a lie: a lease makes us send unasked."""
    if node.refused_in_init(session, now):
        return
    node.leases.on_watch(session, data, now)


def on_notify_ack(node: "Node", session: Session, data: bytes, now: Instant) -> None:
    """NOTIFY_ACK. Never from an INIT, which could be a replay."""
    if node.refused_in_init(session, now):
        return
    node.leases.on_notify_ack(session, data, now)


def _public_subnet(who: Who) -> bytes | None:
    host = who[0][0]
    return None if is_private(host) else subnet(host)
