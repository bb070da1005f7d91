"""Iterative lookup (Kademlia, Maymounkov and Mazieres 2002, section 2.3): ask the nearest nodes
known, learn nearer ones from their answers, end when the nearest have all answered.

PUT and GET carry nearer contacts in their acknowledgements, so they are lookups themselves. A peer
that takes longer than its round trip promises is called slow: the next is asked beside it, and the
lookup does not wait for it as long as others suffice.
"""

from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum, auto
from typing import NamedTuple

from dave.limits import LOOKUP_GIVE_UP_MS, LOOKUP_PARALLEL, LOOKUP_PATIENCE_MS, REPLICAS
from dave.names import MS, Address, Instant, Place
from dave.node.core import Core, peer_of
from dave.node.requests import Answer, Peer
from dave.node.timers import Timer
from dave.session.session import Session
from dave.wire.messages import FindAck, GetAck, PutAck, Request

CANDIDATES_MAX = 256


class State(IntEnum):
    """How far a candidate is."""

    NEW = 0
    ASKED = auto()
    SLOW = auto()
    ANSWERED = auto()
    FAILED = auto()


class Step(NamedTuple):
    """One line of the trace that `--explain` prints."""

    address: Address
    id: Place | None
    outcome: str
    rtt_ns: int
    hop: int


class Candidate:
    """A node on the way."""

    __slots__ = ("distance", "hop", "is_given_up", "number", "peer", "state")

    def __init__(self, peer: Peer, distance: int, hop: int, number: int) -> None:
        self.peer = peer
        self.distance = distance
        self.hop = hop
        self.number = number
        self.state = State.NEW
        self.is_given_up = False
        """Slow for so long that the lookup ends without it."""


OnReply = Callable[[Candidate, Answer, Instant], bool]
"""Judge an answer; True ends the lookup."""


def go_on(*_: object) -> bool:
    """The judgement of a lookup that only wants to know who is there."""
    return False


class Lookup:
    """One lookup. `done(lookup, now)` is called once; `cancel` ends it without. `is_enough` says
    whether what has been answered is worth something even if slow peers are left out."""

    def __init__(
        self,
        core: Core,
        place: Place,
        request: Request,
        on_reply: OnReply,
        done: Callable[["Lookup", Instant], None],
        *,
        width: int = REPLICAS,
        parallel: int = LOOKUP_PARALLEL,
        is_enough: Callable[[], bool] = lambda: False,
    ) -> None:
        self._core = core
        self._place = place
        self._request = request
        self._on_reply = on_reply
        self._done = done
        self._width = width
        self._parallel = parallel
        self._is_enough = is_enough
        self._by_id: dict[Place, Candidate] = {}
        self._edges: dict[Address, Candidate] = {}
        self._order: list[Candidate] = []
        self._is_pumping = False
        self.is_over = False
        self.trace: list[Step] = []

    def start(self, peers: Sequence[Peer], now: Instant) -> None:
        """Begin with these."""
        for peer in peers:
            self._add(peer, 0)
        self._pump(now)

    def cancel(self) -> None:
        """Stop asking; `done` is not called."""
        self.is_over = True

    def nearest(self, *states: State) -> list[Candidate]:
        """The candidates in one of these states, nearest first."""
        return [candidate for candidate in self._order if candidate.state in states]

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[Candidate]:
        """All candidates, nearest first."""
        return iter(self._order)

    def on_timer(self, candidate: Candidate, now: Instant) -> None:
        """A candidate has used up our patience: first it is slow, then given up."""
        if self.is_over:
            return
        if candidate.state is State.ASKED:
            candidate.state = State.SLOW
            self.trace.append(_step(candidate, "slow", 0))
            self._core.timers.set(now + LOOKUP_GIVE_UP_MS * MS, Timer.LOOKUP, (self, candidate))
            self._pump(now)
        elif candidate.state is State.SLOW:
            candidate.is_given_up = True
            self._pump(now)

    def _add(self, peer: Peer, hop: int) -> None:
        """A node is one candidate, however many addresses are told of it: another address is tried
        only after the first has failed. Two nodes told at one address are two candidates, so that
        a liar cannot keep an honest one out."""
        if len(self._order) >= CANDIDATES_MAX:
            return
        if peer.id is None:
            if peer.address in self._edges:
                return
        else:
            known = self._by_id.get(peer.id)
            if known is not None:
                is_new = known.peer.address != peer.address
                if known.state is not State.FAILED or not is_new:
                    return
            edge = self._edges.get(peer.address)
            if edge is not None and edge.state is not State.FAILED and edge.peer.id is None:
                return  # it will tell its id
        # An edge of unknown id goes first: it is the only way in.
        distance = -1 if peer.id is None else peer.id ^ self._place
        candidate = Candidate(peer, distance, hop, len(self._order))
        if peer.id is None:
            self._edges[peer.address] = candidate
        else:
            self._by_id[peer.id] = candidate
        self._order.append(candidate)
        self._order.sort(key=_by_distance)

    def _identify(self, candidate: Candidate, session: Session) -> bool:
        """An edge has told its id; False if that node is a candidate already."""
        assert session.node_id is not None
        candidate.peer = Peer(session.address, session.public_key, session.nonce, session.node_id)
        candidate.distance = session.node_id ^ self._place
        self._order.sort(key=_by_distance)
        return self._by_id.setdefault(session.node_id, candidate) is candidate

    def _pump(self, now: Instant) -> None:
        if self.is_over or self._is_pumping:  # a request failed at once: the loop below sees it
            return
        self._is_pumping = True
        while not self.is_over and (candidate := self._next()) is not None:
            self._ask(candidate, now)
        self._is_pumping = False
        if not self.is_over and self._is_complete():
            self._end(now)

    def _end(self, now: Instant) -> None:
        self.is_over = True
        self._done(self, now)

    def _window(self) -> list[Candidate]:
        """The nearest that may still count."""
        order = [c for c in self._order if c.state not in (State.FAILED, State.SLOW)]
        return order[: self._width]

    def _next(self) -> Candidate | None:
        """Whom to ask now."""
        window = self._window()
        if sum(candidate.state is State.ASKED for candidate in window) >= self._parallel:
            return None
        return next((c for c in window if c.state is State.NEW), None)

    def _is_complete(self) -> bool:
        """Whether the nearest have all answered, and of those who did not, few are missed."""
        window = self._window()
        if any(candidate.state is not State.ANSWERED for candidate in window):
            return False
        slow = [candidate for candidate in self._order if candidate.state is State.SLOW]
        # An edge that never answered may be no node at all: it is waited for only while nobody
        # else has answered. Nor is a peer for ever.
        missed = [c for c in slow if c.peer.id is not None and not c.is_given_up]
        return not slow or len(window) > len(missed) or (bool(window) and self._is_enough())

    def _ask(self, candidate: Candidate, now: Instant) -> None:
        candidate.state = State.ASKED
        peer = candidate.peer
        rtt = self._core.table.rtt(peer.id) if peer.id is not None else None
        patience = LOOKUP_PATIENCE_MS * MS if rtt is None else 3 * rtt + 20 * MS
        self._core.timers.set(now + patience, Timer.LOOKUP, (self, candidate))
        self._core.ask(
            peer, self._request, lambda answer, now: self._answered(candidate, answer, now), now
        )

    def _answered(self, candidate: Candidate, answer: Answer, now: Instant) -> None:
        if answer.failure is not None:
            candidate.state = State.FAILED
            self.trace.append(_step(candidate, answer.failure.name.lower(), 0))
            if not self.is_over and self._on_reply(candidate, answer, now):
                self._end(now)
            self._pump(now)
            return
        session = answer.session
        assert session is not None
        is_edge = candidate.peer.id is None and session.node_id is not None
        if is_edge and not self._identify(candidate, session):
            candidate.state = State.FAILED
            self._pump(now)
            return
        candidate.state = State.ANSWERED
        candidate.is_given_up = False
        self.trace.append(_step(candidate, _outcome(answer), answer.rtt))
        if self.is_over:
            return
        if isinstance(answer.reply, FindAck | GetAck | PutAck):
            for told in answer.reply.contacts:
                contact = self._core.learn(told)
                if contact is not None:
                    self._add(peer_of(contact), candidate.hop + 1)
        if self._on_reply(candidate, answer, now):
            self._end(now)
        else:
            self._pump(now)


def _by_distance(candidate: Candidate) -> tuple[int, int]:
    return candidate.distance, candidate.number


def _step(candidate: Candidate, outcome: str, rtt: int) -> Step:
    return Step(candidate.peer.address, candidate.peer.id, outcome, rtt, candidate.hop)


def _outcome(answer: Answer) -> str:
    reply = answer.reply
    if isinstance(reply, GetAck):
        return "found" if reply.entry is not None else f"absent, {len(reply.contacts)} contacts"
    if isinstance(reply, PutAck):
        return reply.status.name.lower()
    if isinstance(reply, FindAck):
        return f"{len(reply.contacts)} contacts"
    return type(reply).__name__.lower()
