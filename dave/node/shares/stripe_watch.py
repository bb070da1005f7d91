"""Goes round the stripes of which this node holds shares, and looks at those that a death concerns.

The round is slow and never ends: batch after batch, one peer asked every ten seconds, so that what
nothing else tells of is found some day (a disk that was lost, a holder that newcomers have pushed
out of reach). Where a node has left the routing table, a walk through the index finds the stripes
that it may have held shares of, and those for which this node is one of the few nearest are looked
at within seconds. A node without shares sends nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from dave.names import MS, SECOND, Instant, Place, hybrid_ms
from dave.node.core import Core
from dave.node.shares.stripe_plan import reach
from dave.node.shares.stripe_survey import Ask, Survey, Surveyed
from dave.node.timers import Timer
from dave.share_limits import (
    SHARE_AUDIT_SECONDS,
    SHARE_LEAF_SECONDS,
    STRIPE_BATCH,
    STRIPE_EXAMINERS,
    STRIPE_GONE_MAX,
    STRIPE_LOOK_SECONDS,
    STRIPE_SETTLE_SECONDS,
    STRIPE_WALK_MS,
    STRIPE_WALK_REST,
    STRIPE_WALK_SLICE,
)
from dave.store.shares import ShareIndex
from dave.store.stripe_table import SLICES
from dave.wire.stripe import StripeRecord, place_of_stripe

Found = Callable[[list[Surveyed], Instant], None]
"""Called with what was found about some stripes."""
Came = Callable[[list[Place], Instant], None]
"""Called with the nodes that have entered the routing table."""


class StripeWatch:
    """The rounds and walks of one node."""

    def __init__(
        self, core: Core, index: ShareIndex, ask: Ask, on_found: Found, on_came: Came
    ) -> None:
        self._core = core
        self._index = index
        self._ask = ask
        self._on_found = on_found
        self._on_came = on_came
        self._rest: Iterator[bytes] = iter(())
        """What is left of the round."""
        self._round: Survey | None = None
        self._round_from: Instant = 0
        self._known: list[Place] = []
        """Who was in the routing table when we last looked."""
        self._gone: dict[Place, None] = {}
        """Who has left it since the last walk began; at most STRIPE_GONE_MAX."""
        self._concerns: list[Place] = []
        """Of the walk under way: who had left."""
        self._walked: Iterator[bytes] | None = None
        """What is left of the walk; None: there is none."""
        self._walk_began: Instant = 0
        self._walk_again: Instant = 0
        """Not before then."""
        self._batch: list[tuple[bytes, StripeRecord]] = []
        self.examined = 0
        """Stripes looked at, over all."""

    def start(self, now: Instant) -> None:
        """Begin."""
        self._set(now, STRIPE_LOOK_SECONDS, self._look)
        self._set(now, SHARE_AUDIT_SECONDS, self._tick)

    def examine(
        self, stripes: Sequence[tuple[bytes, StripeRecord]], done: Found, now: Instant
    ) -> None:
        """Look at some stripes at once, 1 to STRIPE_BATCH; `done` is called once. They need not be
        in the index."""
        self.examined += len(stripes)
        Survey(self._core, self._index, self._ask, stripes, done).ask_all(now)

    # --- The round ---------------------------------------------------------------------------

    def _tick(self, now: Instant) -> None:
        """Ask one peer."""
        self._set(now, SHARE_AUDIT_SECONDS, self._tick)
        if not len(self._index) or not len(self._core.table):
            return
        if self._round is None:
            if self._round_from and now - self._round_from < SHARE_LEAF_SECONDS * SECOND:
                return
            stripes = self._next_stripes(now)
            if not stripes:
                return
            self.examined += len(stripes)
            self._round_from = now
            self._round = Survey(self._core, self._index, self._ask, stripes, self._round_done)
        self._round.ask_one(now)

    def _round_done(self, found: list[Surveyed], now: Instant) -> None:
        self._round = None
        self._on_found(found, now)

    def _next_stripes(self, now: Instant) -> list[tuple[bytes, StripeRecord]]:
        """The next of the round, without those that may still be on their way; behind the last it
        begins anew, anywhere, so that the holders of a stripe come to it at different times."""
        batch = list(islice(self._rest, STRIPE_BATCH))
        if not batch:
            self._rest = self._all(self._core.rng.randrange(SLICES))
            batch = list(islice(self._rest, STRIPE_BATCH))
        since = self._core.unix_ms(now) - STRIPE_SETTLE_SECONDS * 1000
        known = [(stripe_id, self._index.stripe(stripe_id)) for stripe_id in batch]
        return [
            (stripe_id, held[0])
            for stripe_id, held in known
            if held is not None and hybrid_ms(held[0].time) <= since
        ]

    def _all(self, first: int) -> Iterator[bytes]:
        """The ids of all stripes, from that slice on. The index may change meanwhile."""
        for i in range(SLICES):
            yield from self._index.stripes_in((first + i) % SLICES)

    # --- The walk ----------------------------------------------------------------------------

    def _look(self, now: Instant) -> None:
        """Who has gone?"""
        self._set(now, STRIPE_LOOK_SECONDS, self._look)
        known = [contact.id for contact in self._core.table]
        if len(self._index):
            here = frozenset(known)
            for node_id in self._known:
                if node_id not in here and len(self._gone) < STRIPE_GONE_MAX:
                    self._gone[node_id] = None
            before = frozenset(self._known)
            if came := [node_id for node_id in known if node_id not in before]:
                self._on_came(came, now)
        self._known = known
        if self._gone and self._walked is None and now >= self._walk_again:
            self._walk_began = now
            self._concerns, self._gone = list(self._gone), {}
            self._walked = self._all(0)
            self._walk(now)

    def _walk(self, now: Instant) -> None:
        """Look through the next stripes; a full batch is examined before the walk goes on."""
        assert self._walked is not None
        looked = 0
        for stripe_id in islice(self._walked, STRIPE_WALK_SLICE):
            looked += 1
            held = self._index.stripe(stripe_id)
            if held is not None and self._is_concerned(place_of_stripe(stripe_id), held[0].n):
                self._batch.append((stripe_id, held[0]))
            if len(self._batch) == STRIPE_BATCH:
                break
        is_over = looked < STRIPE_WALK_SLICE and len(self._batch) < STRIPE_BATCH
        if len(self._batch) == STRIPE_BATCH or (is_over and self._batch):
            batch, self._batch = self._batch, []
            self.examine(batch, self._walk_found, now)
        elif is_over:
            self._walked = None
            self._walk_again = now + STRIPE_WALK_REST * (now - self._walk_began)
        else:
            self._core.timers.set(now + STRIPE_WALK_MS * MS, Timer.SHARES, self._walk)

    def _walk_found(self, found: list[Surveyed], now: Instant) -> None:
        self._on_found(found, now)
        self._core.timers.set(now + STRIPE_WALK_MS * MS, Timer.SHARES, self._walk)

    def _is_concerned(self, place: Place, n: int) -> bool:
        """Whether one of the gone may have held a share, and we are to look."""
        own = self._core.identity.id
        assert own is not None
        near = [contact.id ^ place for contact in self._core.table.nearest(place, reach(n))]
        if sum(distance < own ^ place for distance in near) >= STRIPE_EXAMINERS:
            return False
        return len(near) < reach(n) or any(gone ^ place < near[-1] for gone in self._concerns)

    def _set(self, now: Instant, seconds: float, action: Callable[[Instant], None]) -> None:
        wait = int(seconds * SECOND * (0.75 + 0.5 * self._core.rng.random()))
        self._core.timers.set(now + wait, Timer.SHARES, action)
