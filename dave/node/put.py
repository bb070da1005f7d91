"""A put: an entry is handed to all nodes of its region, then outward until enough have stored it.

It counts honestly: of every node that it turned to, it tells what that node said.
"""

from dave.limits import (
    BUCKET_CONTACTS,
    BUSY_RETRIES,
    BUSY_RETRY_MS,
    PUT_HEARD_SECONDS,
    PUT_ROUNDS_MAX,
    PUTS_IN_FLIGHT_PER_ENTRY,
)
from dave.names import MS, SECOND, HybridTime, Instant, Place, place_of
from dave.node.candidate import State, Step, score_of
from dave.node.core import Core, peer_of
from dave.node.requests import Answer, Peer
from dave.node.results import HERE, Outcome, PutResult
from dave.node.search import Search
from dave.node.timers import Timer
from dave.peers.region import region_size
from dave.session.session import FailReason
from dave.wire.entry import Entry
from dave.wire.messages import Put, PutAck, WireContact
from dave.wire.status import STORED_STATUSES, PutStatus


class PutOperation:
    """Resolves `operation` at quorum or when nothing is left to try, `operation + 1` when all that
    were asked have answered; both with the same PutResult."""

    def __init__(
        self,
        core: Core,
        operation: int,
        entry: Entry,
        expected: HybridTime | None,
        deadline: Instant,
    ) -> None:
        self._core = core
        self._replicas = core.tuning.replicas
        self._operation = operation
        self._entry = entry
        self._expected = expected
        self._place = place_of(entry.id)
        self._deadline = deadline
        self._put = Put(entry, expected, is_direct=True)
        self._region: list[Peer] = []
        """Who is asked in any case ..."""
        self._edge_of_region = -1
        self._outward: list[Peer] = []
        """... and who as long as too few have stored it; nearest first."""
        self._hops: dict[Place | None, int] = {}
        self._asked: set[Place | None] = set()
        self._waiting: dict[Place | None, Peer] = {}
        self._is_waiting_here = False
        self._weight = 0.0
        """What the acknowledgements so far are worth; R is enough."""
        self._silent: list[Peer] = []
        """Who has not answered, and is asked again while there is no quorum ..."""
        self._tries: dict[Place, int] = {}
        """... PUT_ROUNDS_MAX times in all."""
        self._heard: dict[Place | None, Instant] = {}
        """When those asked were heard last, before they were asked."""
        self._rounds = 1
        self._started: Instant = 0
        self._resolved = False
        self._is_pumping = False
        self._search: Search | None = None
        self.result = PutResult(core.tuning.replicas)

    def start(self, now: Instant) -> None:
        """Begin; where we know the whole network, and have sessions, the region is asked now."""
        core = self._core
        if self._rounds == 1:
            self._started = now
        core.timers.set(self._deadline, Timer.DEADLINE, self)
        core.timers.set((now + self._deadline) // 2, Timer.HALF_TIME, self)
        if now < core.knows_all_until:
            near = core.table.nearest(self._place, BUCKET_CONTACTS)
            distances = [contact.id ^ self._place for contact in near]
            size = region_size(distances, core.expected_distance(), self._replicas)
            is_all = 0 < size >= min(self._replicas, core.nodes_known)
            if is_all and all(core.sessions.find(contact.address) for contact in near[:size]):
                peers = [peer_of(contact) for contact in near]
                self.result.known = len(near)
                self._hand_out(peers[:size], peers[size:], distances[size - 1], now)
                return
        self._search = Search(core, self._place, self._located, is_put=True)
        self._search.start(core.peers_near(self._place, BUCKET_CONTACTS), now)

    def _located(self, search: Search, now: Instant) -> None:
        self.result.trace += search.trace
        region = search.region()
        edge = region[-1].distance if region else -1
        live = []
        for candidate in search.candidates():
            if candidate.state is State.FAILED or candidate.peer.id is None:
                if candidate.failure is not None and (candidate.distance <= edge or not region):
                    self._tell(candidate.peer, None, candidate.failure, now)
                continue
            self.result.known += candidate.state in (State.ANSWERED, State.SLOW)
            self._hops[candidate.peer.id] = candidate.hop
            if not candidate.is_given_up:
                live.append(candidate)
            elif candidate.distance <= edge:
                # Nobody waits for the dead; that they should hold it and do not is told.
                self._tell(candidate.peer, None, FailReason.NO_ANSWER, now)
            if candidate.state is State.SLOW:
                patience = self._core.tuning.give_up_ms * MS
                self._core.timers.set(now + patience, Timer.GIVE_UP, (self, candidate.peer))
        # Who is slow may have lost a packet: those are asked last.
        live.sort(key=lambda candidate: candidate.state is State.SLOW)
        inside = [candidate.peer for candidate in live if candidate.distance <= edge]
        outside = [candidate.peer for candidate in live if candidate.distance > edge]
        self._hand_out(inside, outside, edge, now)

    def _hand_out(self, region: list[Peer], outward: list[Peer], edge: int, now: Instant) -> None:
        """Ask the region, whose farthest node is at distance `edge`; this node too, if it is in."""
        core, result = self._core, self.result
        self._region, self._outward, self._edge_of_region = region, outward, edge
        own = core.identity.id
        if own is not None and (own ^ self._place <= edge or len(region) < self._replicas):
            self._is_waiting_here = True
            self._is_waiting_here = core.put_here(self._put, self._here, now)
            result.known += self._is_waiting_here
        if result.known == 1 and not self._is_waiting_here:
            # Others may be known to that node only: let it hand the entry on.
            self._put = Put(self._entry, self._expected)
        self._pump(now)

    def _pump(self, now: Instant) -> None:
        if self._is_pumping:  # a request failed at once: the loop below sees it
            return
        self._is_pumping = True
        while len(self._waiting) < PUTS_IN_FLIGHT_PER_ENTRY:
            if self._region:
                peer = self._region.pop(0)
            elif self._outward and self._hoped_for(now) < self._replicas:
                peer = self._outward.pop(0)
            elif (again := self._lossy(now)) is not None:
                peer = again
                self._silent.remove(peer)
                self._asked.discard(peer.id)
            else:
                break
            if peer.id not in self._asked:
                self._asked.add(peer.id)
                self._waiting[peer.id] = peer
                self._ask(peer, 0, now)
        self._is_pumping = False
        result = self.result
        is_settled = not self._waiting and not self._is_waiting_here
        if is_settled and self._starts_again(now):
            return
        if not self._resolved and (is_settled or result.has_quorum):
            self._resolved = True
            tally = self._core.tally
            tally.puts[result.has_quorum] += 1
            tally.put_time.note(now - self._started)
            self._core.resolve(self._operation, result)
        if is_settled and not result.is_settled:
            result.is_settled = True
            self._note_promises(now)
            self._core.resolve(self._operation + 1, result)

    def _lossy(self, now: Instant) -> Peer | None:
        """Whom to ask again, since too few have stored it: one that was silent and lives, so that
        packets must have been lost. Nobody waits for the dead."""
        if self.result.has_quorum:
            return None
        since = now - PUT_HEARD_SECONDS * SECOND
        return next((p for p in self._silent if self._heard.get(p.id, since) > since), None)

    def _starts_again(self, now: Instant) -> bool:
        """Not even an edge has answered: its packets may have been lost."""
        failures = [outcome.failure for outcome in self.result.outcomes]
        is_silent = bool(failures) and all(why is FailReason.NO_ANSWER for why in failures)
        if self.result.known or not is_silent or self._rounds >= PUT_ROUNDS_MAX:
            return False
        if now >= self._deadline:
            return False
        self._rounds += 1
        self.start(now)
        return True

    def _hoped_for(self, now: Instant) -> float:
        """What the acknowledgements are worth if all that are out come in."""
        weight = self._core.trust.weight
        out = sum(weight(peer_id, now) for peer_id in self._waiting)
        return self._weight + out + self._is_waiting_here

    def _ask(self, peer: Peer, tries: int, now: Instant) -> None:
        heard = None if peer.id is None else self._core.table.heard(peer.id)
        if heard is not None:
            self._heard[peer.id] = heard
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
        self._tell(peer, ack, answer.failure, now, answer.rtt)
        if ack is not None:
            if ack.status in STORED_STATUSES:
                self._weight += self._core.trust.weight(peer.id, now)
            for told in ack.contacts:
                self._consider(told)
        self._pump(now)

    def _here(self, ack: PutAck, now: Instant) -> None:
        """This node's own store has answered."""
        if not self._is_waiting_here:
            return  # the time was used up
        self._is_waiting_here = False
        self._weight += ack.status in STORED_STATUSES
        self.result.outcomes.append(Outcome(HERE, self._core.identity.id, ack, None, 0))
        self._pump(now)

    def _consider(self, told: WireContact) -> None:
        contact = self._core.learn(told)
        if contact is None or contact.id in self._asked:
            return
        if contact.id ^ self._place <= self._edge_of_region:
            self._region.append(peer_of(contact))
        else:
            self._outward.append(peer_of(contact))
            self._outward.sort(key=lambda peer: (peer.id or 0) ^ self._place)

    def retry(self, peer: Peer, tries: int, now: Instant) -> None:
        """The wait after a BUSY is over."""
        if peer.id in self._waiting:
            self._ask(peer, tries, now)

    def give_up(self, peer: Peer, now: Instant) -> None:
        """Wait no longer for a peer that was slow before it was asked."""
        if self._waiting.pop(peer.id, None) is not None:
            self._tell(peer, None, FailReason.NO_ANSWER, now)
            self._pump(now)

    def on_half_time(self, now: Instant) -> None:
        """Half of the time is used up: a search that still goes on leaves none for the entry."""
        if self._search is not None and not self._search.is_over:
            self._search.hurry(now)

    def on_deadline(self, now: Instant) -> None:
        """The time is used up: say how it stands."""
        if self.result.is_settled:
            return
        if self._search is not None and not self._search.is_over:
            self._search.cancel()
            for candidate in self._search.candidates():
                if candidate.failure is not None:
                    self._tell(candidate.peer, None, candidate.failure, now)
        for queue in (self._region, self._outward, self._silent):
            queue.clear()
        for peer in self._waiting.values():
            self._tell(peer, None, FailReason.NO_ANSWER, now)
        self._waiting.clear()
        self._is_waiting_here = False
        self._pump(now)

    def _tell(
        self,
        peer: Peer,
        ack: PutAck | None,
        failure: FailReason | None,
        now: Instant,
        rtt: int = 0,
    ) -> None:
        """What a node said, or why it said nothing: for the receipt and for the trace."""
        outcome = Outcome(peer.address, peer.id, ack, failure, rtt)
        others = [each for each in self.result.outcomes if each[:2] != outcome[:2]]
        self.result.outcomes = [*others, outcome]  # the last word of each counts
        if failure is FailReason.NO_ANSWER and peer.id is not None and now < self._deadline:
            tries = self._tries[peer.id] = self._tries.get(peer.id, 0) + 1
            if tries < PUT_ROUNDS_MAX:
                self._silent.append(peer)
        what = ack.status if ack is not None else failure
        said = "put" if what is None else f"put: {what.name.lower()}"
        hop, trust = self._hops.get(peer.id, 0), score_of(self._core.trust, peer.id, now)
        self.result.trace.append(Step(peer.address, peer.id, said, rtt, hop, trust=trust))

    def _note_promises(self, now: Instant) -> None:
        """An acknowledgement is a promise, which can be tested by who holds the entry as well."""
        core = self._core
        held = core.own(self._entry.id, now)
        if held is not None and held.same_version(self._entry.data):
            for outcome in self.result.outcomes:
                if outcome.stored and outcome.address != HERE and outcome.id is not None:
                    core.promises.note(outcome.id, self._entry.id)
