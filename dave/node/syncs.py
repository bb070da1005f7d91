"""When a node pulls, and from whom (DESIGN section 8, "Clock").

Peers say up to which sequence of their journal they have told us what we should hold: each ANNOUNCE
covers an interval, each PONG names the journal and how far that went. An interval that begins where
our clock stands moves the clock; where it begins later there is a gap, and the gap is pulled.

    clock >= since, all named is here: clock = upto       clock < since: pull (clock, since]

What was named but is still on its way holds the clock back. If it has not come after a while the
clock stays behind, and it is pulled.

One pull runs at a time, from peers drawn by jitter, and each begins by asking for names: so what
came from one neighbour does not come from the next one again. Where nobody writes nothing is asked.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dave.drops import Drop
from dave.limits import BUSY_RETRY_MS, JOURNAL_ID_BYTES
from dave.names import MS, SECOND, Instant, Place
from dave.node.clocks import Clock, Clocks
from dave.node.core import peer_of
from dave.node.limits import (
    SYNC_AGAIN_SECONDS,
    SYNC_AWAITED_MAX,
    SYNC_AWAITED_SECONDS,
    SYNC_FEW,
    SYNC_JITTER_SECONDS,
    SYNC_MEET_SECONDS,
    SYNC_PULL_SECONDS_MAX,
    SYNC_SOON_SECONDS,
    SYNC_STALL_SECONDS,
    SYNC_TRIES,
    SYNC_WAIT_SECONDS,
    SYNC_WAITING_MAX,
)
from dave.node.pull import Pull
from dave.node.requests import Answer
from dave.node.taker import Taker
from dave.node.timers import Timer
from dave.peers.contact import Contact
from dave.session.session import Session
from dave.wire.messages import Ping, Pong
from dave.wire.promises import Announce, Version

if TYPE_CHECKING:
    from dave.node.node import Node

EMPTY_UPTO = 1 << 32
"""A journal in its first segment in which nothing is stored yet stands here (store/journal.py)."""

_NO_JOURNAL = bytes(JOURNAL_ID_BYTES)


class _Chain:
    """What a peer announced without a gap, of which something has not come yet."""

    __slots__ = ("at", "awaited", "since", "upto")

    def __init__(self, since: int) -> None:
        self.since = self.upto = since
        self.awaited: dict[bytes, None] = {}
        """Short digests, at most SYNC_AWAITED_MAX."""
        self.at: Instant = 0
        """When the last of them was announced."""


class _Peer:
    """What we know of one peer's journal beside the clock."""

    __slots__ = ("chain", "due", "session", "since", "target", "tries")

    def __init__(self) -> None:
        self.session = -1
        """Index of the session in which we asked for its journal's id last: in another one it may
        be a new process, with a new journal."""
        self.chain: _Chain | None = None
        self.target = 0
        """Up to here its journal is to be pulled."""
        self.due: Instant | None = None
        """When its turn may come; None while there is nothing to pull."""
        self.since: Instant = 0
        """When it began to wait."""
        self.tries = 0
        """Pulls in a row that failed."""


class Syncs:
    """The clocks of one node, and its pulls."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._index = node.replicas.index
        self.clocks = Clocks()
        self._peers: dict[Place, _Peer] = {}
        """Those in the table that have said something; what left it is dropped with them."""
        self._came_at: Instant = 0
        """When the first of several nodes came that came lately."""
        self._met = 0
        """How many have come since."""
        self._tell_at: Instant = 0
        """Before this nothing that was pulled is announced."""
        self._is_meeting = False
        """Nodes have come, and what was pulled since is not announced yet."""
        self._calm_at: Instant = 0
        """Before this it is not clear yet, here or there, who should hold what."""
        self._pull: Pull | None = None
        self._puller: Contact | None = None
        self._pull_until: Instant = 0
        """When the pull that runs has to give its turn away, however it comes forward."""
        self._watch_at: Instant = 0
        """When the alarm for it rings."""
        self.pulls = 0
        """Pulls that came to their end."""
        self.failed = 0
        self.pulled = 0
        """Entries that came by pulls."""

    # --- What peers say ----------------------------------------------------------------------

    def on_announce(
        self, announce: Announce, awaited: Sequence[Version], contact: Contact, session: Session,
        now: Instant,
    ) -> None:  # fmt: skip
        """A contact announced an interval, of which we await some versions."""
        peer = self._peer(contact.id)
        if peer.session != session.index:
            self.greet(contact, session.index, now)
        clock = self.clocks.get(contact.public_key)
        if clock is None:
            return  # its PONG will tell what to do
        chain, reached = peer.chain, self._advance(peer, contact, clock, now)
        if announce.upto <= reached:
            return
        if chain is None or announce.since > chain.upto or len(chain.awaited) > SYNC_AWAITED_MAX:
            if announce.since > reached:
                self._gap(peer, contact.id, announce.since, now)
            chain = peer.chain = _Chain(announce.since)
        chain.upto = max(chain.upto, announce.upto)
        chain.awaited.update((version.short_digest, None) for version in awaited)
        chain.at = now
        self._advance(peer, contact, clock, now)

    def on_pong(self, pong: Pong, session: Session, now: Instant) -> None:
        """A node said what its journal is, and up to where it has told us of it."""
        assert session.node_id is not None
        contact = self._node.table.get(session.node_id)
        if contact is None or contact.address != session.address:
            return
        if pong.journal_id == _NO_JOURNAL:
            return
        peer = self._peer(contact.id)
        peer.session = session.index
        clock, upto = self.clocks.get(contact.public_key), pong.announced
        if clock is None or clock.journal_id != pong.journal_id:
            peer.chain, peer.target = None, 0
            start = pong.reached if pong.reached <= EMPTY_UPTO else 0
            self.clocks.set(contact.public_key, pong.journal_id, start)
            clock = Clock(pong.journal_id, start)
            upto = pong.reached
        reached = self._advance(peer, contact, clock, now)
        if peer.chain is not None and peer.chain.since <= reached:
            reached = peer.chain.upto
        if upto > reached:
            self._gap(peer, contact.id, upto, now)

    def came(self, node_ids: Sequence[Place], now: Instant) -> None:
        """Nodes have come: those near enough to share entries with us are asked for their journal.
        Those that have left are forgotten."""
        table = self._node.table
        peers = self._peers.items()
        for gone in [each for each, peer in peers if peer.due is None and table.get(each) is None]:
            del self._peers[gone]
        if now >= self._calm_at:
            self._came_at, self._met = now, 0
        self._met += len(node_ids)
        meet = SYNC_MEET_SECONDS if self._met > SYNC_FEW else SYNC_SOON_SECONDS
        first = self._came_at + self._jittered(meet)
        self._calm_at = max(first, now + self._pause())
        self._node.timers.set(self._calm_at, Timer.SYNC)
        # Two nodes that are in the region of one place are not much farther from each other.
        expected = self._node.replicas.regions.expected_distance(now)
        for node_id in node_ids:
            contact = table.get(node_id)
            is_near = expected is None or node_id ^ self._node.id <= 2 * expected
            if contact is not None and is_near:
                self._is_meeting = True
                self.greet(contact, 0, now)

    def greet(self, contact: Contact, session: int, now: Instant) -> None:
        """Ask a contact for its journal; once a session."""
        self._peer(contact.id).session = session
        self._node.ask(peer_of(contact), Ping(), _nothing, now)

    def is_pulling(self, node_id: Place, is_new: bool) -> bool:
        """Whether what that peer has will be pulled soon, from it or, where many nodes have met,
        from another one: then it need not send it. What is not new to the peer it tells of since
        somebody who held it has gone: that does not wait for pulls to begin."""
        if self._pull is None and not is_new:
            return False
        if self._is_meeting and self._has_pulls():
            return True
        peer = self._peers.get(node_id)
        if peer is None or peer.tries:
            return False
        is_puller = self._puller is not None and self._puller.id == node_id
        return is_puller or peer.due is not None

    def _has_pulls(self) -> bool:
        """Whether a pull runs, or one that has not failed waits."""
        peer = None if self._puller is None else self._peers.get(self._puller.id)
        if peer is not None and not peer.tries:
            return True
        return any(peer.due is not None and not peer.tries for peer in self._peers.values())

    # --- What is left to do --------------------------------------------------------------------

    def pending(self) -> list[tuple[Contact, bytes, int, int]]:
        """Pulls not finished: (contact, journal id, after, up to), to be kept beyond this
        process."""
        left = []
        for node_id, peer in self._peers.items():
            contact = self._node.table.get(node_id)
            clock = None if contact is None else self.clocks.get(contact.public_key)
            if contact is not None and clock is not None and clock.sequence < peer.target:
                left.append((contact, clock.journal_id, clock.sequence, peer.target))
        return left

    def restore(self, pending: Sequence[tuple[Contact, bytes, int, int]], now: Instant) -> None:
        """Go on with the pulls of an earlier process, once these nodes are contacts again."""
        for contact, journal_id, since, upto in pending:
            self.clocks.set(contact.public_key, journal_id, since)
            peer = self._peer(contact.id)
            self._gap(peer, contact.id, upto, now)

    # --- Inside ------------------------------------------------------------------------------

    def _peer(self, node_id: Place) -> _Peer:
        return self._peers.get(node_id) or self._peers.setdefault(node_id, _Peer())

    def _advance(self, peer: _Peer, contact: Contact, clock: Clock, now: Instant) -> int:
        """Move the clock over what was announced, if all of it has come; where it stands then."""
        chain, sequence = peer.chain, clock.sequence
        if chain is None or chain.since > sequence:
            return sequence
        for short_digest in [each for each in chain.awaited if self._index.knows(each)]:
            del chain.awaited[short_digest]
        if chain.awaited:
            if now - chain.at > SYNC_AWAITED_SECONDS * SECOND:
                peer.chain = None  # it did not come: who is told so pulls it
            return sequence
        peer.chain = None
        sequence = max(sequence, chain.upto)
        self.clocks.set(contact.public_key, clock.journal_id, sequence)
        return sequence

    def _gap(self, peer: _Peer, node_id: Place, upto: int, now: Instant) -> None:
        """Something up to there is missing."""
        peer.target = max(peer.target, upto)
        if peer.due is None:
            waiting = sum(each.due is not None for each in self._peers.values())
            if waiting < SYNC_WAITING_MAX:
                peer.since = now
                self._wait(peer, now + self._pause())

    def _wait(self, peer: _Peer, due: Instant) -> None:
        peer.due = due
        self._node.timers.set(due, Timer.SYNC)

    def _jittered(self, seconds: float = SYNC_JITTER_SECONDS) -> int:
        """Between half of it and all of it, in nanoseconds."""
        return int(seconds * SECOND * (0.5 + 0.5 * self._node.rng.random()))

    def _pause(self) -> int:
        """How long to wait so that neighbours do not all pull at once; less where few have met."""
        return self._jittered(SYNC_JITTER_SECONDS if self._met > SYNC_FEW else SYNC_SOON_SECONDS)

    def on_timer(self, _subject: None, now: Instant) -> None:
        """Pull from whose turn it is; or look after the pull that runs."""
        pull = self._pull
        if pull is None:
            self._next(now)
        elif pull.wants_wake and now < self._pull_until:
            pull.wake(now)
            self._watch(pull, now)
        elif now >= min(pull.moved_at + SYNC_STALL_SECONDS * SECOND, self._pull_until):
            pull.cancel()
            self._ended(False, False, now)
        else:
            self._watch(pull, now)

    def _next(self, now: Instant) -> None:
        node = self._node
        if node.puts.is_read_only or node.replicas.repair.is_leaving:
            return
        due = [(peer.due, node_id) for node_id, peer in self._peers.items() if peer.due is not None]
        for when, node_id in sorted(due):
            if when > now:
                break
            peer, contact = self._peers[node_id], node.table.get(node_id)
            clock = None if contact is None else self.clocks.get(contact.public_key)
            if contact is None or clock is None:
                if now < peer.since + SYNC_WAIT_SECONDS * SECOND:  # it may yet come
                    self._wait(peer, now + self._jittered())
                else:
                    del self._peers[node_id]
                continue
            if clock.sequence >= peer.target:
                peer.due = None
                continue
            latest = peer.since + SYNC_WAIT_SECONDS * SECOND
            if now < self._calm_at and now < latest:
                self._wait(peer, min(self._calm_at, latest))
                return
            self._start(contact, clock, peer.target, now)
            return
        if not self._has_pulls() and now >= self._tell_at:
            self._is_meeting = False
            node.replicas.announce_pulled(now)

    def _start(self, contact: Contact, clock: Clock, upto: int, now: Instant) -> None:
        def moved(sequence: int, now: Instant) -> None:
            present = self.clocks.get(contact.public_key)
            if present is not None and present.journal_id == clock.journal_id:
                self.clocks.set(contact.public_key, clock.journal_id, sequence)

        node, taker = self._node, Taker(self._node, contact)
        pull = Pull(
            peer_of(contact), clock.journal_id, clock.sequence, upto, node.streams, taker, moved,
            self._ended
        )  # fmt: skip
        self._pull, self._puller = pull, contact
        self._pull_until, self._watch_at = now + SYNC_PULL_SECONDS_MAX * SECOND, 0
        pull.start(now)
        if self._pull is pull:
            self._watch(pull, now)

    def _watch(self, pull: Pull, now: Instant) -> None:
        """Look again when something should have happened."""
        if pull.is_busy:
            due = now + BUSY_RETRY_MS * MS
        else:
            due = min(max(now, pull.moved_at) + SYNC_STALL_SECONDS * SECOND, self._pull_until)
        if not now < self._watch_at <= due:  # else an alarm rings soon enough
            self._watch_at = due
            self._node.timers.set(due, Timer.SYNC)

    def _ended(self, is_done: bool, is_fault: bool, now: Instant) -> None:
        """The pull has ended: the next one's turn."""
        pull, contact = self._pull, self._puller
        assert pull is not None
        assert contact is not None
        self._pull = self._puller = None
        self.pulled += pull.pulled
        self.pulls += is_done
        self.failed += not is_done
        peer = self._peers.get(contact.id)
        if is_fault:
            self._node.drops.add(Drop.SYNC)
        if peer is not None:
            peer.due = None
            peer.tries = 0 if is_done else peer.tries + 1
            clock = self.clocks.get(contact.public_key)
            if is_done and clock is not None:
                self._advance(peer, contact, clock, now)
            if not is_done and not is_fault and peer.tries <= SYNC_TRIES:
                self._wait(peer, now + self._jittered(SYNC_AGAIN_SECONDS * peer.tries))
                if peer.tries == 1:  # perhaps its journal is another one now
                    self.greet(contact, peer.session, now)
        if self._is_meeting:  # the others will have pulled as well by then, and not ask for it
            self._tell_at = now + self._jittered(SYNC_MEET_SECONDS)
            self._node.timers.set(self._tell_at, Timer.SYNC)
        self._node.timers.set(now, Timer.SYNC)


def _nothing(_answer: Answer, _now: Instant) -> None:
    return None
