"""Tells other replicas what this node holds, and hands on what they lack.

    ANNOUNCE (up to 28 versions) -> WANT -> PUT of each that is wanted -> PUT_ACK

There is a line for each peer that something has to be said to. A version waits in it until 28 are
together or 200 ms have passed. Of two replicas that both store an entry one need speak, since the
answer is a promise as good as the announcement: the one with the smaller id does, and the other
waits twice as long. What a peer has promised meanwhile leaves its line unsaid.

Each ANNOUNCE also says which interval (since, upto] of our journal it covers for its receiver: all
of it that the receiver should hold was named to it by then, or promised by it. Whoever is behind
`since` has a gap, and pulls it (syncs.py). So what a line had to drop is not lost: the next one
begins after it.

Requests under way to a peer are bounded by a window that grows with answers and is halved by BUSY,
so that nobody is drowned. A peer that does not answer loses its line; repair comes back to it.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from dave.limits import (
    ANNOUNCE_AGAIN_SECONDS,
    ANNOUNCE_MS,
    ANNOUNCE_QUEUE_MAX,
    ANNOUNCED_MAX,
    BUSY_RETRY_MS,
    HAND_ON_BUSY_MAX,
    HAND_ON_WINDOW_FIRST,
    HAND_ON_WINDOW_MAX,
)
from dave.names import MS, SECOND, EntryId, Instant, Place
from dave.node.core import Core, peer_of
from dave.node.puts import Puts
from dave.node.requests import Answer
from dave.node.timers import Timer
from dave.node.version_index import VersionIndex
from dave.store.store import Store
from dave.wire.entry import Entry
from dave.wire.messages import Put, PutAck
from dave.wire.promises import Announce, Version, Want
from dave.wire.status import STORED_STATUSES, PutStatus

NEVER_TOLD = 2**64
"""No sequence is so large."""


class _Line:
    """What waits for one peer."""

    __slots__ = ("busy", "covered", "due", "evicted", "full", "in_flight", "is_pumping", "patience",
                 "paused_until", "peer", "versions", "wanted", "window")  # fmt: skip

    def __init__(self, peer: Place, patience: int, covered: int) -> None:
        self.peer = peer
        self.covered = covered
        """The next ANNOUNCE covers what was stored after this sequence."""
        self.patience = patience
        """How many times as long as usual this node waits before it speaks: 1 or 2."""
        self.full = patience * ANNOUNCED_MAX
        """So many versions wait no longer."""
        self.versions: dict[EntryId, tuple[bytes, int]] = {}
        """Short digest and sequence by entry id; the latter is 0 for what repair found."""
        self.evicted: dict[EntryId, bytes] = {}
        self.wanted: deque[EntryId] = deque()
        """Bounded by the window: nothing is announced while something is wanted."""
        self.due: Instant | None = None
        """When the first of them has waited long enough; None while none waits."""
        self.in_flight = 0
        self.window = HAND_ON_WINDOW_FIRST
        self.paused_until: Instant = 0
        self.is_pumping = False
        self.busy = 0
        """Answers BUSY in a row."""

    def is_due(self, now: Instant) -> bool:
        """Whether an ANNOUNCE should go out."""
        if not self.versions and not self.evicted:
            return False
        return len(self.versions) >= self.full or (self.due is not None and self.due <= now)

    def is_empty(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return not (self.versions or self.evicted or self.wanted or self.in_flight)


class Announcer:
    """The lines of one node. `on_silent` is called with a peer that did not answer."""

    def __init__(self, core: Core, store: Store, puts: Puts, index: VersionIndex) -> None:
        self._core = core
        self._store = store
        self._puts = puts
        self._index = index
        self._promises = core.promises
        self._lines: dict[Place, _Line] = {}
        self._announced: dict[Place, int] = {}
        """Up to which sequence a peer of our table has been told, and has answered."""
        self.told_before: int = NEVER_TOLD
        """What was stored under this sequence, and later, may be left to be told."""
        self.on_silent: Callable[[Place, Instant], None] = _nothing
        self.sent = 0
        """Announcements sent."""
        self.named = 0
        """Versions that they named, evicted ones too."""
        self.wanted = 0
        """Versions of these that peers asked for."""
        self.handed_on = 0
        """Entries that a peer stored because we handed them on."""

    def announce(
        self, peer: Place, entry_id: EntryId, short_digest: bytes, now: Instant,
        *, at_once: bool = False,
    ) -> None:  # fmt: skip
        """Let a peer know that we hold a version, unless it promised to hold it as well."""
        if self._promises.has(peer, entry_id):
            return
        self.announce_new((peer,), entry_id, short_digest, 0, now, at_once=at_once)

    def announce_new(
        self, peers: Iterable[Place], entry_id: EntryId, short_digest: bytes, sequence: int,
        now: Instant, *, at_once: bool = False,
    ) -> None:  # fmt: skip
        """Let peers know that we hold a version which they have hardly promised yet: that is looked
        at when it is sent. `sequence`: under which it was stored just now. A part of every put."""
        lines = self._lines
        version = short_digest, sequence
        for peer in peers:
            line = lines.get(peer)
            if line is None:
                line = self._new_line(peer, sequence)
            versions = line.versions
            if sequence or entry_id not in versions:
                versions.pop(entry_id, None)  # its place is at the end now
                versions[entry_id] = version
            if at_once:
                self._arm(line, now)
            elif line.due is None:
                self._arm(line, now + line.patience * ANNOUNCE_MS * MS)
            if len(versions) >= line.full:
                self._pump(line, now)
                if len(versions) > ANNOUNCE_QUEUE_MAX:
                    versions.pop(entry_id, None)
                    line.covered = max(line.covered, sequence)

    def announce_evicted(
        self, peer: Place, entry_id: EntryId, short_digest: bytes, now: Instant
    ) -> None:
        """Let a peer know that we hold a version no more."""
        line = self._lines.get(peer) or self._new_line(peer)
        line.versions.pop(entry_id, None)
        if len(line.evicted) < ANNOUNCE_QUEUE_MAX:
            line.evicted[entry_id] = short_digest
            if line.due is None:
                self._arm(line, now + ANNOUNCE_MS * MS)

    def is_promised(self, peer: Place, entry_id: EntryId) -> None:
        """The peer says that it holds an entry itself: it need not be told."""
        self._promises.note(peer, entry_id)
        line = self._lines.get(peer)
        if line is not None and line.versions.pop(entry_id, None) is not None:
            self._drop_if_empty(line)

    def announced(self, peer: Place) -> int:
        """Up to which sequence a peer in our table has been told what it should hold; from now on
        it is told what comes later."""
        return self._announced.setdefault(peer, self._puts.committed)

    def forget(self, peer: Place) -> None:
        """The peer is gone."""
        self._lines.pop(peer, None)
        self._announced.pop(peer, None)

    def hurry(self, now: Instant) -> None:
        """Let nothing wait for company."""
        for line in self._lines.values():
            if line.versions or line.evicted:
                self._arm(line, now)

    @property
    def backlog(self) -> int:
        """Versions that wait to be announced, to all peers together."""
        return sum(len(line.versions) for line in self._lines.values())

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return not self._lines

    def on_timer(self, subject: Any, now: Instant) -> None:
        """A line has waited long enough; or versions of which a peer said neither that it holds nor
        that it wants them are named to it once more."""
        peer, again = subject
        if again:
            line = self._lines.get(peer) or self._new_line(peer)
            batch = [version for version in again if self._is_news(peer, *version)]
            self._send(line, batch, 0, now, is_last=True)
            self._drop_if_empty(line)
        elif (line_or_none := self._lines.get(peer)) is not None:
            self._pump(line_or_none, now)

    def _new_line(self, peer: Place, sequence: int = 0) -> _Line:
        """The first that it is to say was stored under `sequence`, or is not new."""
        own = self._core.identity.id
        assert own is not None
        before = sequence - 1 if sequence else self._puts.committed
        covered = self._announced.setdefault(peer, before)
        line = self._lines[peer] = _Line(peer, 1 if own < peer else 2, covered)
        return line

    def _arm(self, line: _Line, due: Instant) -> None:
        if line.due is None or due < line.due:
            line.due = due
            self._core.timers.set(due, Timer.ANNOUNCE, (line.peer, ()))

    def _pump(self, line: _Line, now: Instant) -> None:
        """Send what may go out."""
        if line.is_pumping:  # a request failed at once: the loop below sees it
            return
        line.is_pumping = True
        while line.in_flight < line.window and now >= line.paused_until:
            if line.wanted:
                self._hand_on(line, line.wanted.popleft(), now)
            elif line.is_due(now):
                self._send_next(line, now)
            else:
                break
        line.is_pumping = False
        self._drop_if_empty(line)

    def _drop_if_empty(self, line: _Line) -> None:
        if line.is_empty() and self._lines.get(line.peer) is line:
            del self._lines[line.peer]

    def _send_next(self, line: _Line, now: Instant) -> None:
        versions, taken = line.versions, []
        batch: list[Version] = []
        for version in versions.items():
            if len(batch) == ANNOUNCED_MAX:
                break
            taken.append(version[0])
            entry_id, (short_digest, _) = version
            if self._is_news(line.peer, entry_id, short_digest):
                batch.append(Version(entry_id, short_digest))
        for entry_id in taken:
            del versions[entry_id]
        evicted = 0
        while line.evicted and len(batch) < ANNOUNCED_MAX:
            entry_id = next(iter(line.evicted))
            evicted |= 1 << len(batch)
            batch.append(Version(entry_id, line.evicted.pop(entry_id)))
        if not versions and not line.evicted:
            line.due = None
        self._send(line, batch, evicted, now)

    def _send(
        self,
        line: _Line,
        batch: list[Version],
        evicted: int,
        now: Instant,
        *,
        is_last: bool = False,
    ) -> None:
        if not batch:
            return
        contact = self._core.table.get(line.peer)
        if contact is None:
            self.forget(line.peer)
            line.versions.clear()
            line.evicted.clear()
            return
        line.in_flight += 1
        self.sent += 1
        self.named += len(batch)
        since, upto = line.covered, self._cover(line)

        def answered(answer: Answer, now: Instant) -> None:
            line.in_flight -= 1
            if isinstance(answer.reply, Want):
                if (was := self._announced.get(line.peer)) is not None:
                    self._announced[line.peer] = max(was, upto)
                self._told(line, batch, evicted, answer.reply, is_last, now)
                line.window = min(line.window + 1, HAND_ON_WINDOW_MAX)
                self._pump(line, now)
            else:
                self._silent(line, now)

        self._core.ask(
            peer_of(contact), Announce(tuple(batch), evicted, since, upto), answered, now
        )

    def _cover(self, line: _Line) -> int:
        """Up to which sequence all is said now that this peer had to be told."""
        waiting = [sequence for _, sequence in line.versions.values() if sequence]
        first = min(waiting, default=NEVER_TOLD)
        upto = min(self._puts.committed, first - 1, self.told_before - 1)
        line.covered = max(line.covered, upto)
        return line.covered

    def _told(
        self, line: _Line, batch: list[Version], evicted: int, want: Want, is_last: bool,
        now: Instant,
    ) -> None:  # fmt: skip
        """What a peer holds is promised, what it wants it gets."""
        self.wanted += want.wanted.bit_count()
        again = []
        for i, version in enumerate(batch):
            bit = 1 << i
            if want.held & bit:
                if self._index.holds(version.short_digest, version.entry_id):
                    self._promises.note(line.peer, version.entry_id)
            elif want.wanted & bit:
                line.wanted.append(version.entry_id)
            elif not evicted & bit:
                again.append(version)
        if again and not is_last:
            due = now + ANNOUNCE_AGAIN_SECONDS * SECOND
            self._core.timers.set(due, Timer.ANNOUNCE, (line.peer, again))

    def _hand_on(self, line: _Line, entry_id: EntryId, now: Instant) -> None:
        data = self._store.get(entry_id, self._core.unix_ms(now))
        contact = self._core.table.get(line.peer)
        if data is None or contact is None:
            return
        line.in_flight += 1

        def answered(answer: Answer, now: Instant) -> None:
            line.in_flight -= 1
            if isinstance(answer.reply, PutAck):
                self._acknowledged(line, entry_id, data, answer, answer.reply, now)
                self._pump(line, now)
            else:
                self._silent(line, now)

        self._core.ask(peer_of(contact), Put(Entry(data), None, True), answered, now)

    def _acknowledged(
        self, line: _Line, entry_id: EntryId, data: bytes, answer: Answer, ack: PutAck, now: Instant
    ) -> None:
        line.busy = line.busy + 1 if ack.status is PutStatus.BUSY else 0
        if line.busy > HAND_ON_BUSY_MAX:
            return self._silent(line, now)  # for a while: it must not hold up the others
        if ack.status is PutStatus.BUSY:
            line.window = max(line.window // 2, 1)
            line.wanted.appendleft(entry_id)
            line.paused_until = now + BUSY_RETRY_MS * MS
            self._core.timers.set(line.paused_until, Timer.ANNOUNCE, (line.peer, ()))
            return
        line.window = min(line.window + 1, HAND_ON_WINDOW_MAX)
        if ack.status in STORED_STATUSES:
            self.handed_on += ack.status is PutStatus.STORED
            if self._store.get(entry_id, self._core.unix_ms(now)) == data:
                self._promises.note(line.peer, entry_id)
        elif ack.status is PutStatus.STALE and ack.held is not None and ack.held.id == entry_id:
            # The peer holds a newer version, and has sent it along.
            assert answer.session is not None
            self._puts.adopt(ack.held, answer.session, now)

    def _silent(self, line: _Line, now: Instant) -> None:
        if self._lines.get(line.peer) is line:
            del self._lines[line.peer]
            self._announced.pop(line.peer, None)
            self.on_silent(line.peer, now)
        line.versions.clear()
        line.evicted.clear()
        line.wanted.clear()

    def _is_news(self, peer: Place, entry_id: EntryId, short_digest: bytes) -> bool:
        """Whether we still hold a version, and the peer has not promised it since."""
        is_held = self._index.holds(short_digest, entry_id)
        return is_held and not self._promises.has(peer, entry_id)


def _nothing(*_: Any) -> None:
    return None
