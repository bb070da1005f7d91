"""Finds the nodes that should hold an entry: one lookup by FIND, and a wide one where the policy of
paths.py asks for it. What it learns on the way it leaves behind: the density of nodes, and whether
the network is so small that we know all of it.
"""

from collections.abc import Callable, Sequence

from dave.limits import (
    BUCKET_CONTACTS,
    DETOUR_REACH,
    KNOWS_ALL_SECONDS,
    LOOKUP_PATHS_WIDE,
)
from dave.names import SECOND, Instant, Place
from dave.node.candidate import Candidate, State, Step, merge
from dave.node.core import Core
from dave.node.lookup import Lookup
from dave.node.measure import measure
from dave.node.paths import detours, guides
from dave.node.requests import Answer, Peer
from dave.peers.density import RING
from dave.peers.region import region_size
from dave.wire.messages import Find, FindAck


class Search:
    """Calls `done(search, now)` once; `cancel` ends it without. `is_thorough`: wide in any case."""

    def __init__(
        self,
        core: Core,
        place: Place,
        done: Callable[["Search", Instant], None],
        *,
        is_put: bool = False,
        is_thorough: bool = False,
        is_enough: Callable[[], bool] = lambda: False,
    ) -> None:
        self._core = core
        self._place = place
        self._done = done
        self._is_enough = is_enough
        self._peers: Sequence[Peer] = ()
        self._paths = core.paths.first(is_thorough, is_put and core.identity.id is None)
        self._lookups: list[Lookup] = []
        self._is_around = False
        self.is_over = False
        self.expected: int | None = None
        """Where the R-th nearest node was expected before this search could say anything of it."""

    def start(self, peers: Sequence[Peer], now: Instant) -> None:
        """Begin with these."""
        self._peers = peers
        self._look(self._paths, peers, now)

    def hurry(self, now: Instant) -> None:
        """Make do with what was found so far."""
        if not self.is_over and any(c.state is State.ANSWERED for c in self._lookups[-1]):
            self.cancel()
            self._done(self, now)

    def cancel(self) -> None:
        """Stop asking; `done` is not called."""
        self.is_over = True
        self._lookups[-1].cancel()

    @property
    def trace(self) -> list[Step]:
        """Who was asked, in order."""
        return [step for lookup in self._lookups for step in lookup.trace]

    def candidates(self) -> list[Candidate]:
        """All nodes met, one each, nearest first."""
        return merge(self._lookups)

    def region(self) -> list[Candidate]:
        """The nodes that should hold the entry, nearest first; without those that failed."""
        return region_of(self.candidates(), self.expected, self._core.tuning.replicas)

    def _look(
        self,
        paths: int,
        peers: Sequence[Peer],
        now: Instant,
        around: Sequence[Peer] = (),
    ) -> None:
        """Look once, along so many paths; those beside the first are guided by `around`, if given,
        else by others whom we know."""
        core = self._core
        self.expected = core.expected_distance()
        reach = self.expected
        if reach is not None:
            reach = min(DETOUR_REACH * reach, RING - 1)
        lookup = Lookup(
            core,
            self._place,
            Find(self._place),
            self._on_reply,
            self._ended,
            is_enough=self._is_enough,
            detours=detours(self._place, paths, reach, core.rng),
            guides=around or ([] if reach is None else guides(core, paths - 1)),
        )
        self._lookups.append(lookup)
        lookup.start(peers, now)

    def _on_reply(self, _candidate: Candidate, answer: Answer, now: Instant) -> bool:
        measure(self._core, self._place, answer, now)
        return False

    def _ended(self, lookup: Lookup, now: Instant) -> None:
        core, answered = self._core, lookup.nearest(State.ANSWERED)
        if self.expected is None:
            self.expected = core.expected_distance()
        if is_all_known(core, lookup):
            self._explore(lookup, now)
        elif self._goes_on(lookup, answered, now):
            return
        if len(answered) >= core.tuning.replicas:
            self._judge(answered[core.tuning.replicas - 1].distance)
        self.is_over = True
        self._done(self, now)

    def _goes_on(self, lookup: Lookup, answered: Sequence[Candidate], now: Instant) -> bool:
        """Look again, wide, where that is due: once to check, and once more to get past a crowd,
        from nodes just outside of the region, whose neighbours the region is."""
        core, count = self._core, len(self._lookups)
        if count == 1 and self._paths < LOOKUP_PATHS_WIDE:
            if core.paths.wants_check(answered, self.expected, core.rng):
                self._look(LOOKUP_PATHS_WIDE, self._peers, now)
                return True
            return False
        if count > 1:
            core.paths.compare(list(self._lookups[0]), list(lookup))
        outside = [c.peer for c in answered if self.expected and c.distance > self.expected]
        if self._is_around or not outside or not self._is_crowd(answered):
            return False
        self._is_around = True
        self._look(LOOKUP_PATHS_WIDE, outside, now, outside[: LOOKUP_PATHS_WIDE - 1])
        return True

    def _is_crowd(self, answered: Sequence[Candidate]) -> bool:
        """Whether there are far more nodes than there should be."""
        replicas = self._core.tuning.replicas
        if self.expected is None or len(answered) < replicas:
            return False
        return 2 * answered[replicas - 1].distance < self.expected

    def _judge(self, distance: int) -> None:
        """What the distance of the R-th nearest says. A crowd or a gap moves the estimate by no
        more than half or twice at a time; and where there is a crowd, the region is taken twice as
        large, lest an estimate that is a little small leave nobody but the crowd."""
        expected, core = self.expected, self._core
        if expected is not None:
            if 2 * distance < expected:
                self.expected = 2 * expected
            distance = min(max(distance, expected // 2), 2 * expected)
        if core.paths.is_new(self._place):
            core.density.observe(distance, core.tuning.replicas)

    def _explore(self, lookup: Lookup, now: Instant) -> None:
        """All nodes there are have been told: get to know those that were not asked as well, so
        that the next operation can turn to the right ones at once. Nobody waits for this."""
        core = self._core
        left = lookup.nearest(State.NEW, State.ASKED, State.SLOW)
        answered = len(lookup.nearest(State.ANSWERED))
        if not left:
            _know_all(core, answered, now)
        elif not core.paths.is_exploring:
            core.paths.is_exploring = True
            answers: list[Answer] = []

            def note(answer: Answer, now: Instant) -> None:
                answers.append(answer)
                if len(answers) == len(left):
                    core.paths.is_exploring = False
                    if not any(_is_full(answer) for answer in answers):
                        more = sum(answer.failure is None for answer in answers)
                        _know_all(core, answered + more, now)

            for candidate in left:
                core.ask(candidate.peer, Find(self._place), note, now)


def region_of(
    candidates: Sequence[Candidate], expected: int | None, replicas: int
) -> list[Candidate]:
    """Those of the candidates, nearest first, that should hold the entry."""
    live = [c for c in candidates if c.state is not State.FAILED and c.peer.id is not None]
    return live[: region_size([c.distance for c in live], expected, replicas)]


def is_all_known(core: Core, lookup: Lookup) -> bool:
    """Whether all who were asked told of so few nodes that there can be no others."""
    is_answered = any(candidate.state is State.ANSWERED for candidate in lookup)
    return is_answered and lookup.is_whole and len(core.table) <= BUCKET_CONTACTS


def _know_all(core: Core, nodes: int, now: Instant) -> None:
    core.knows_all_until = now + KNOWS_ALL_SECONDS * SECOND
    core.nodes_known = nodes


def _is_full(answer: Answer) -> bool:
    """Whether who answered knows more nodes than one answer holds."""
    return isinstance(answer.reply, FindAck) and len(answer.reply.contacts) >= BUCKET_CONTACTS
