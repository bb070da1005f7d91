"""What an application asks of the network, as state machines: a put and a get.

Both count honestly: a put says of every node it asked what that node said; a get tells absent
(most of those who should hold it answered, none had it) from unreachable.
"""

from dave.limits import (
    BUSY_RETRIES,
    BUSY_RETRY_MS,
    JOIN_SECONDS_MAX,
    LOOKUP_GIVE_UP_MS,
    LOOKUP_PARALLEL,
    REPLICAS,
)
from dave.names import MS, SECOND, EntryId, HybridTime, Instant, Place, place_of
from dave.node.core import Core, peer_of
from dave.node.lookup import Candidate, Lookup, State, go_on
from dave.node.requests import Answer, Peer
from dave.node.results import Found, GetResult, Outcome, PutResult, is_genuine
from dave.node.timers import Timer
from dave.session.session import FailReason
from dave.wire.entry import Entry, order
from dave.wire.messages import Find, Get, GetAck, Put, PutAck, WireContact
from dave.wire.status import PutStatus

_SILENCE = Answer(None, None, 0, FailReason.NO_ANSWER)


class PutOperation:
    """Finds the nodes nearest to the entry and hands it to them, outward until R have stored it.

    Resolves `operation` at quorum or when nothing is left to try, `operation + 1` when all that
    were asked have answered; both with the same PutResult.
    """

    def __init__(
        self,
        core: Core,
        operation: int,
        entry: Entry,
        expected: HybridTime | None,
        deadline: Instant,
    ) -> None:
        self._core = core
        self._operation = operation
        self._put = Put(entry, expected, is_direct=True)
        self._place = place_of(entry.id)
        self._deadline = deadline
        self._queue: list[Peer] = []
        self._asked: set[Place | None] = set()
        self._waiting: dict[Place | None, Peer] = {}
        self._resolved = False
        self._is_pumping = False
        self._lookup: Lookup | None = None
        self.result = PutResult()

    def start(self, now: Instant) -> None:
        """Begin; where we know the whole network, and have sessions, the nearest are asked now."""
        near = self._core.peers_near(self._place)
        self._core.timers.set(self._deadline, Timer.DEADLINE, self)
        is_all = now < self._core.knows_all_until
        is_all = is_all and len(near) >= min(REPLICAS, self._core.nodes_known)
        if is_all and near and all(self._core.sessions.find(peer.address) for peer in near):
            self.result.known = len(near)
            self._queue = near
            self._pump(now)
            return
        self._lookup = Lookup(
            self._core, self._place, Find(self._place), self._on_found, self._located
        )
        self._lookup.start(near, now)

    def _on_found(self, candidate: Candidate, answer: Answer, now: Instant) -> bool:
        if answer.failure is not None:
            self._record(candidate.peer, None, answer)
        return False

    def _located(self, lookup: Lookup, now: Instant) -> None:
        self.result.trace += lookup.trace
        _note_completeness(self._core, lookup, now)
        # An edge that never answered has no id: it may be no node at all.
        told = [c for c in lookup.nearest(State.ANSWERED, State.SLOW) if c.peer.id is not None]
        self.result.known = len(told)
        # Who is slow may have lost a packet: those are asked last. Nobody waits for the dead; that
        # they should hold it and do not is told.
        told.sort(key=lambda candidate: candidate.state is State.SLOW)
        self._queue = [candidate.peer for candidate in told if not candidate.is_given_up]
        for candidate in told:
            if candidate.is_given_up:
                self._record(candidate.peer, None, _SILENCE)
            elif candidate.state is State.SLOW:
                patience = LOOKUP_GIVE_UP_MS * MS
                self._core.timers.set(now + patience, Timer.GIVE_UP, (self, candidate.peer))
        self._pump(now)

    def _pump(self, now: Instant) -> None:
        if self._is_pumping:  # a request failed at once: the loop below sees it
            return
        self._is_pumping = True
        while self._queue and self.result.stored + len(self._waiting) < REPLICAS:
            peer = self._queue.pop(0)
            if peer.id not in self._asked:
                self._asked.add(peer.id)
                self._waiting[peer.id] = peer
                self._ask(peer, 0, now)
        self._is_pumping = False
        result = self.result
        if not self._resolved and (result.has_quorum or not self._waiting):
            self._resolved = True
            self._core.resolve(self._operation, result)
        if not self._waiting and not result.is_settled:
            result.is_settled = True
            self._core.resolve(self._operation + 1, result)

    def _ask(self, peer: Peer, tries: int, now: Instant) -> None:
        self._core.ask(
            peer, self._put, lambda answer, now: self._answered(peer, tries, answer, now), now
        )

    def _answered(self, peer: Peer, tries: int, answer: Answer, now: Instant) -> None:
        if peer.id not in self._waiting:
            return  # given up
        ack = answer.reply if isinstance(answer.reply, PutAck) else None
        if ack is not None and ack.status is PutStatus.BUSY and tries < BUSY_RETRIES:
            wait = BUSY_RETRY_MS * MS << tries
            self._core.timers.set(now + wait, Timer.RETRY_PUT, (self, peer, tries + 1))
            return
        del self._waiting[peer.id]
        self._record(peer, ack, answer)
        if ack is not None:
            for told in ack.contacts:
                self._consider(told)
        self._pump(now)

    def _consider(self, told: WireContact) -> None:
        contact = self._core.learn(told)
        if contact is not None and contact.id not in self._asked:
            self._queue.append(peer_of(contact))
            self._queue.sort(key=lambda peer: (peer.id or 0) ^ self._place)

    def retry(self, peer: Peer, tries: int, now: Instant) -> None:
        """The wait after a BUSY is over."""
        if peer.id in self._waiting:
            self._ask(peer, tries, now)

    def give_up(self, peer: Peer, now: Instant) -> None:
        """Wait no longer for a peer that was slow before it was asked."""
        if self._waiting.pop(peer.id, None) is not None:
            self._record(peer, None, _SILENCE)
            self._pump(now)

    def on_deadline(self, now: Instant) -> None:
        """The time is used up: say how it stands."""
        if self.result.is_settled:
            return
        if self._lookup is not None:
            self._lookup.cancel()
        self._queue.clear()
        for peer in self._waiting.values():
            self._record(peer, None, _SILENCE)
        self._waiting.clear()
        self._pump(now)

    def _record(self, peer: Peer, ack: PutAck | None, answer: Answer) -> None:
        self.result.outcomes.append(Outcome(peer.address, peer.id, ack, answer.failure, answer.rtt))


class GetOperation:
    """Asks the nodes nearest to an entry until enough agree on the newest version.

    `quorum`: how many must agree; 0 asks all of the R nearest. Where fewer nodes are known than
    that, all of them must. Resolves `operation` with a GetResult.
    """

    def __init__(
        self, core: Core, operation: int, entry_id: EntryId, quorum: int, deadline: Instant
    ) -> None:
        self._core = core
        self._operation = operation
        self._entry_id = entry_id
        self._place = place_of(entry_id)
        self._quorum = quorum or REPLICAS
        self._deadline = deadline
        self._newest: tuple[HybridTime, bool, bytes] | None = None
        self.result = GetResult()
        self._heard: set[bytes] = set()
        """Keys of the nodes that answered: each counts once, whatever its addresses."""
        self._gets: list[Lookup] = []
        self._has_explored = False
        self._lookup = self._ask_nearest()

    def _ask_nearest(self) -> Lookup:
        lookup = Lookup(
            self._core,
            self._place,
            Get(self._entry_id),
            self._on_reply,
            self._located,
            parallel=max(LOOKUP_PARALLEL, self._quorum),
            is_enough=lambda: self.result.entry is not None,
        )
        self._gets.append(lookup)
        return lookup

    def start(self, now: Instant, own: Entry | None = None) -> None:
        """Begin; `own` is the version in the asker's own store, if any."""
        self._core.timers.set(self._deadline, Timer.DEADLINE, self)
        if own is not None:
            self._take(own)
        self._lookup.start(self._core.peers_near(self._place), now)

    def _on_reply(self, candidate: Candidate, answer: Answer, now: Instant) -> bool:
        result = self.result
        if answer.failure is not None:
            result.failures.append((candidate.peer.address, answer.failure))
            return False
        assert answer.session is not None
        if answer.session.public_key in self._heard:
            return False
        self._heard.add(answer.session.public_key)
        result.answered += 1
        if isinstance(answer.reply, GetAck) and answer.reply.entry is not None:
            if self._is_valid(answer.reply.entry, now):
                self._take(answer.reply.entry)
            elif candidate.peer.id is not None:
                self._core.table.failed(candidate.peer.id, now)
        return 0 < min(self._quorum, len(self._candidates())) <= result.replicas

    def _is_valid(self, entry: Entry, now: Instant) -> bool:
        """Whether it is the entry asked for, alive, and its owner's."""
        return (
            entry.id == self._entry_id
            and entry.expires_ms > self._core.unix_ms(now)
            and is_genuine(entry, self._core.network)
        )

    def _take(self, entry: Entry) -> None:
        place_in_order = order(entry, self._core.network)
        if self._newest is None or place_in_order > self._newest:
            self._newest = place_in_order
            self.result.entry = entry
            self.result.replicas = 0
        if place_in_order == self._newest:
            self.result.replicas += 1

    def _located(self, lookup: Lookup, now: Instant) -> None:
        """Enough agree, or nobody is left to ask. Where that is because we know too few nodes, ask
        them for others first."""
        self._note(lookup)
        is_thin = self.result.entry is not None and len(self._candidates()) < self._quorum
        if is_thin and not self._has_explored and now >= self._core.knows_all_until:
            self._has_explored = True
            peers = [candidate.peer for candidate in lookup.nearest(State.ANSWERED)]
            self._lookup = Lookup(
                self._core,
                self._place,
                Find(self._place),
                go_on,
                self._explored,
                is_enough=lambda: True,
            )
            self._lookup.start(peers, now)
        else:
            self._finish()

    def _explored(self, lookup: Lookup, now: Instant) -> None:
        _note_completeness(self._core, lookup, now)
        self.result.trace += lookup.trace
        others = [
            c.peer
            for c in lookup.nearest(State.NEW, State.ANSWERED, State.SLOW)
            if c.peer.public_key not in self._heard and not c.is_given_up
        ]
        if others:
            self._lookup = self._ask_nearest()
            self._lookup.start(others, now)
        else:
            self._finish()

    def _note(self, lookup: Lookup) -> None:
        self.result.trace += lookup.trace
        self.result.asked = sum(c.state is not State.NEW for c in self._candidates())

    def _candidates(self) -> list[Candidate]:
        """All nodes that were or could be asked for the entry, one each, nearest first."""
        found: dict[object, Candidate] = {}
        for lookup in self._gets:
            for candidate in lookup:
                peer = candidate.peer
                # The last address tried of a node counts, and one that answered always does.
                who = peer.address if peer.id is None else peer.id
                known = found.get(who)
                if known is None or known.state is not State.ANSWERED:
                    found[who] = candidate
        return sorted(found.values(), key=lambda candidate: candidate.distance)

    def _is_absent(self) -> bool:
        """Whether most of the nodes that should hold the entry have answered, and nobody is left:
        what farther nodes say is no evidence."""
        nearest = [c for c in self._candidates() if c.peer.id is not None][:REPLICAS]
        answered = sum(candidate.state is State.ANSWERED for candidate in nearest)
        is_over = all(c.state not in (State.NEW, State.ASKED) for c in nearest)
        return is_over and 2 * answered > len(nearest)

    def _finish(self) -> None:
        result = self.result
        if result.entry is not None:
            is_deleted = result.entry.is_tombstone
            result.found = Found.ABSENT if is_deleted else Found.FOUND
        elif self._is_absent():
            result.found = Found.ABSENT
        self._core.resolve(self._operation, result)

    def on_deadline(self, now: Instant) -> None:
        """The time is used up: say how it stands."""
        if not self._lookup.is_over:
            self._lookup.cancel()
            self._note(self._lookup)
            self._finish()


def _note_completeness(core: Core, lookup: Lookup, now: Instant) -> None:
    """Where all were asked and nobody knows of anybody else, we know the whole network."""
    answered = len(lookup.nearest(State.ANSWERED))
    if answered and len(lookup) == len(lookup.nearest(State.ANSWERED, State.FAILED)):
        core.knows_all_until = now + JOIN_SECONDS_MAX * SECOND
        core.nodes_known = answered
