"""Iterative lookup (Kademlia, Maymounkov and Mazieres 2002, section 2.3): ask the nearest nodes
known, learn nearer ones from their answers, end when the nearest have all answered.

PUT and GET carry nearer contacts in their acknowledgements, so they are lookups themselves. A peer
that takes longer than its round trip promises is called slow: the next is asked beside it, and the
lookup does not wait for it as long as others suffice.

Colluders answer with each other only, so one liar near the beginning can lead a lookup astray. A
wide lookup therefore goes several disjoint paths (S/Kademlia, Baumgart and Mies 2007, section 4.4):
the peers known are dealt to the paths, whom one path has asked the others do not ask, and each
ends for itself. The answers are joined at the end, and the nearest of all have to answer too. The
paths aim at places side by side in the region, so that a crowd right beside the key does not fill
every answer; and each but the first asks a guide as well, somebody known who is in no crowd.
"""

from bisect import insort
from collections.abc import Callable, Iterator, Sequence

from dave.limits import (
    BUCKET_CONTACTS,
    LOOKUP_ASKED_MAX,
    LOOKUP_CANDIDATES_MAX,
)
from dave.names import MS, Address, Instant, Place
from dave.node.candidate import Candidate, State, Step, outcome_of, score_of
from dave.node.core import Core, peer_of
from dave.node.requests import Answer, Peer
from dave.node.timers import Timer
from dave.session.session import FailReason, Session
from dave.wire.messages import Find, FindAck, GetAck, PutAck, Request

OnReply = Callable[[Candidate, Answer, Instant], bool]
"""Judge an answer; True ends the lookup."""


def go_on(*_: object) -> bool:
    """The judgement of a lookup that only wants to know who is there."""
    return False


class _Path:
    """One of the disjoint paths: what it aims at, and its candidates, nearest to that first."""

    __slots__ = ("order", "request", "target")

    def __init__(self, target: Place, request: Request) -> None:
        self.target = target
        self.request = request
        self.order: list[tuple[int, int, Candidate]] = []
        """By distance to the target; ties broken by the candidate's number."""


class Lookup:
    """One lookup. `done(lookup, now)` is called once; `cancel` ends it without. `is_enough` says
    whether what has been answered is worth something even if slow peers are left out. `detours`:
    where further paths aim at, by FIND; without any there is one path, which sends `request`.
    `width`: how many nearest have to answer, R unless told; `parallel`: alpha unless told.
    `guides`: whom each of those asks first, in their order. `is_closed`: ask those it starts with,
    and nobody else. `reserve`: with whom to go on where those it starts with do not suffice."""

    def __init__(
        self,
        core: Core,
        place: Place,
        request: Request,
        on_reply: OnReply,
        done: Callable[["Lookup", Instant], None],
        *,
        width: int | None = None,
        parallel: int | None = None,
        is_enough: Callable[[], bool] = lambda: False,
        detours: Sequence[Place] = (),
        guides: Sequence[Peer] = (),
        is_closed: bool = False,
        reserve: Callable[[], Sequence[Peer]] | None = None,
    ) -> None:
        self._core = core
        self._place = place
        self._on_reply = on_reply
        self._done = done
        self._width = core.tuning.replicas if width is None else width
        self.parallel = core.tuning.parallel if parallel is None else parallel
        """How many may be asked at a time; may change on the way."""
        self._is_enough = is_enough
        self._is_closed = is_closed
        self._reserve = reserve
        self._paths = [_Path(place, request), *[_Path(place, Find(place)) for place in detours]]
        self._all = self._paths[0] if not detours else _Path(place, request)
        """Every candidate, by distance to the place."""
        self._by_id: dict[Place, Candidate] = {}
        self._edges: dict[Address, Candidate] = {}
        self._guides = [
            Candidate(peer, (peer.id or 0) ^ place, 0, -1, path)
            for path, peer in enumerate(guides, 1)
        ]
        self._asked = 0
        self._late = 0
        """Peers that were slow: so many more are asked at once, or a crowd of the dead would be
        gone through one by one."""
        self._is_dealing = False
        self._is_pumping = False
        self.is_over = False
        self.is_whole = True
        """Whether all who answered told of all nodes they know, being so few."""
        self.trace: list[Step] = []

    def start(self, peers: Sequence[Peer], now: Instant, first: Sequence[Peer] = ()) -> None:
        """Begin with these; `first` are asked at once, whoever is nearer."""
        self._is_dealing = not self._guides and len(peers) < len(self._paths)
        for i, peer in enumerate(peers):
            self._add(peer, 0, i % len(self._paths))
        self._is_pumping = True
        for peer in first:
            assert peer.id is not None
            self._ask(self._by_id[peer.id], now)
        for guide in self._guides:
            self._ask(guide, now)
        self._is_pumping = False
        self._pump(now)

    def cancel(self) -> None:
        """Stop asking; `done` is not called."""
        self.is_over = True

    def nearest(self, *states: State) -> list[Candidate]:
        """The candidates in one of these states, nearest first."""
        return [candidate for candidate in self if candidate.state in states]

    def __len__(self) -> int:
        return len(self._all.order)

    def __iter__(self) -> Iterator[Candidate]:
        """All candidates, nearest first."""
        return iter([candidate for _, _, candidate in self._all.order])

    def on_timer(self, candidate: Candidate, now: Instant) -> None:
        """A candidate has used up our patience: first it is slow, then given up."""
        if self.is_over:
            return
        if candidate.state is State.ASKED:
            self._go_beside(candidate, now)
            self._pump(now)
        elif candidate.state is State.SLOW:
            candidate.is_given_up = True
            self._pump(now)

    def _go_beside(self, candidate: Candidate, now: Instant) -> None:
        """Go on beside it, and give it up later."""
        candidate.state = State.SLOW
        self._late += 1
        self._note(candidate, "slow", 0, now)
        self._core.timers.set(
            now + self._core.tuning.give_up_ms * MS, Timer.LOOKUP, (self, candidate)
        )

    def _add(self, peer: Peer, hop: int, path: int = 0) -> None:
        """A node is one candidate, however many addresses are told of it: another address is tried
        only after the first has failed. Two nodes told at one address are two candidates, so that
        a liar cannot keep an honest one out."""
        if len(self) >= LOOKUP_CANDIDATES_MAX:
            return
        if peer.id is None:
            if peer.address in self._edges:
                return
        else:
            known = self._by_id.get(peer.id)
            if known is not None:
                is_new = known.peer.address != peer.address
                if known.path != path and known.state is State.NEW:
                    self._hand_over(known, path)
                if known.state is not State.FAILED or not is_new:
                    return
            edge = self._edges.get(peer.address)
            if edge is not None and edge.state is not State.FAILED and edge.peer.id is None:
                return  # it will tell its id
        # An edge of unknown id goes first: it is the only way in.
        distance = -1 if peer.id is None else peer.id ^ self._place
        candidate = Candidate(peer, distance, hop, len(self), path)
        if peer.id is None:
            self._edges[peer.address] = candidate
        else:
            self._by_id[peer.id] = candidate
        self._sort_in(candidate)

    def _hand_over(self, candidate: Candidate, path: int) -> None:
        """Several paths were told of a candidate that none has asked: it goes to the one that aims
        nearest to it, lest the first to be told leaves nobody to the others."""
        old, new = self._paths[candidate.path], self._paths[path]
        node_id = candidate.peer.id
        assert node_id is not None
        if node_id ^ new.target < node_id ^ old.target:
            old.order = [item for item in old.order if item[2] is not candidate]
            insort(new.order, (node_id ^ new.target, candidate.number, candidate))
            candidate.path = path

    def _sort_in(self, candidate: Candidate) -> None:
        insort(self._all.order, (candidate.distance, candidate.number, candidate))
        if len(self._paths) > 1:
            path = self._paths[candidate.path]
            node_id = candidate.peer.id
            distance = -1 if node_id is None else node_id ^ path.target
            insort(path.order, (distance, candidate.number, candidate))

    def _identify(self, candidate: Candidate, session: Session) -> bool:
        """An edge has told its id; False if that node is a candidate already."""
        assert session.node_id is not None
        for path in (self._all, self._paths[candidate.path]):
            path.order = [item for item in path.order if item[2] is not candidate]
        candidate.peer = Peer(session.address, session.public_key, session.nonce, session.node_id)
        candidate.distance = session.node_id ^ self._place
        self._sort_in(candidate)
        return self._by_id.setdefault(session.node_id, candidate) is candidate

    def _pump(self, now: Instant) -> None:
        if self.is_over or self._is_pumping:  # a request failed at once: the loop below sees it
            return
        self._is_pumping = True
        while not self.is_over and (candidate := self._next() or self._from_reserve()) is not None:
            self._ask(candidate, now)
        self._is_pumping = False
        if not self.is_over and self._is_complete():
            self._end(now)

    def _end(self, now: Instant) -> None:
        self.is_over = True
        self._done(self, now)

    def _window(self, path: _Path) -> list[Candidate]:
        """The nearest of a path that may still count."""
        window: list[Candidate] = []
        is_spent = self._asked >= LOOKUP_ASKED_MAX
        for _, _, candidate in path.order:
            state = candidate.state
            if state is State.FAILED or state is State.SLOW or (is_spent and state is State.NEW):
                continue
            window.append(candidate)
            if len(window) == self._width:
                break
        return window

    def _next(self) -> Candidate | None:
        """Whom to ask now: the nearest of each path, and after that the nearest of all."""
        live = [path for path in self._paths if path.order]
        parallel = max(1, self.parallel // max(1, len(live)))
        if len(live) == 1:
            parallel += self._late
        is_under_way = any(guide.state is State.ASKED for guide in self._guides)
        for path in live:
            window = self._window(path)
            asked = sum(candidate.state is State.ASKED for candidate in window)
            new = next((c for c in window if c.state is State.NEW), None)
            if new is not None and asked < parallel:
                return new
            is_under_way = is_under_way or asked > 0
        if len(live) < 2 or is_under_way:
            return None
        return next((c for c in self._window(self._all) if c.state is State.NEW), None)

    def _from_reserve(self) -> Candidate | None:
        """Those it began with are too few, or slow: go on with the reserve, once."""
        reserve = self._reserve
        if reserve is None or sum(c.state is State.ASKED for c in self) >= self.parallel:
            return None
        if len(self._window(self._all)) >= self._width:
            return None
        self._reserve = None
        for peer in reserve():
            self._add(peer, 0)
        return self._next()

    def _is_complete(self) -> bool:
        """Whether the nearest have all answered, and of those who did not, few are missed."""
        if any(guide.state is State.ASKED for guide in self._guides):
            return False
        window = self._window(self._all)
        paths = [window, *map(self._window, self._paths)] if len(self._paths) > 1 else [window]
        if any(c.state is not State.ANSWERED for nearest in paths for c in nearest):
            return False
        slow = self.nearest(State.SLOW)
        # An edge that never answered may be no node at all: it is waited for only while nobody
        # else has answered. Nor is a peer for ever.
        missed = [c for c in slow if c.peer.id is not None and not c.is_given_up]
        return not slow or len(window) > len(missed) or (bool(window) and self._is_enough())

    def _ask(self, candidate: Candidate, now: Instant) -> None:
        candidate.state = State.ASKED
        self._asked += 1
        peer = candidate.peer
        table = self._core.table
        if peer.id is not None and table.is_lost(peer.id):
            # Others still tell of it, and it may be back; but nobody else should wait for it.
            self._go_beside(candidate, now)
        else:
            rtt = table.rtt(peer.id) if peer.id is not None else None
            first = self._core.tuning.patience_ms * MS
            patience = first if rtt is None else 3 * rtt + 20 * MS
            self._core.timers.set(now + patience, Timer.LOOKUP, (self, candidate))
        request = self._paths[candidate.path].request
        self._core.ask(
            peer, request, lambda answer, now: self._answered(candidate, answer, now), now
        )

    def _answered(self, candidate: Candidate, answer: Answer, now: Instant) -> None:
        self._note(candidate, outcome_of(answer), answer.rtt, now)
        if answer.failure is not None:
            candidate.state = State.FAILED
            candidate.failure = answer.failure
            if answer.failure is FailReason.FULL:
                self._asked -= 1  # nothing was sent
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
        if self.is_over:
            return
        self._learn(candidate, answer)
        if self._on_reply(candidate, answer, now):
            self._end(now)
        else:
            self._pump(now)

    def _learn(self, candidate: Candidate, answer: Answer) -> None:
        """Take in the contacts told; those that few first peers told are dealt to all paths, unless
        the network is so small that it has but one."""
        if self._is_closed or not isinstance(answer.reply, FindAck | GetAck | PutAck):
            return
        told = answer.reply.contacts
        is_full = len(told) >= BUCKET_CONTACTS
        self.is_whole = self.is_whole and not is_full
        is_dealt = self._is_dealing and candidate.hop == 0 and is_full
        for i, wire_contact in enumerate(told):
            contact = self._core.learn(wire_contact)
            if contact is not None:
                path = i % len(self._paths) if is_dealt else candidate.path
                self._add(peer_of(contact), candidate.hop + 1, path)

    def _note(self, candidate: Candidate, outcome: str, rtt: int, now: Instant) -> None:
        """A line for the trace."""
        score = score_of(self._core.trust, candidate.peer.id, now)
        self.trace.append(candidate.step(outcome, rtt, score))
