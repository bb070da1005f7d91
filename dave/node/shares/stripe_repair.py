"""Which stripes are to be made whole, when, and in which order; one is worked on at a time.

A stripe seen to lack shares becomes a case, which is due

    after a grace of up to ten minutes, the shorter the fewer shares are left beyond the k needed
    + ten minutes for each holder that is nearer to the stripe's place: that is its turn

so that a node which only starts anew causes no work, and the nearest holder does what there is; the
next one only what is not done by then. Who is out of reach with a share that is lacking hands it on
without waiting for a turn. Of the cases that are due the one with fewest shares left comes first;
ties are broken at random, so that two holders hardly ever work on the same one. Just before, the
stripe is looked at again. What is moved is limited to STRIPE_REPAIR_BYTES_PER_SECOND.

A stripe of which too few shares are left can only be waited for: it is looked at more and more
seldom, until a holder comes back.

Nothing is ever dropped here: when a node comes back with shares that were rebuilt meanwhile, there
are two of each until they expire or something of a higher rank needs the room. That costs room, and
cannot lose anything.
"""

from collections.abc import Callable, Sequence
from heapq import nlargest

from dave.names import SECOND, Instant, Place
from dave.node.core import Core
from dave.node.shares import stripe_plan
from dave.node.shares.stripe_job import Hands, Outcome, StripeJob
from dave.node.shares.stripe_survey import Surveyed
from dave.node.timers import Timer
from dave.peers.choice import by_trust
from dave.share_limits import (
    STRIPE_AGAIN_SECONDS,
    STRIPE_BAD_MAX,
    STRIPE_CASES_MAX,
    STRIPE_GRACE_SECONDS,
    STRIPE_HOPELESS_SECONDS_MAX,
    STRIPE_JOB_SECONDS,
    STRIPE_REPAIR_BYTES_PER_SECOND,
    STRIPE_SETTLE_SECONDS,
    STRIPE_TURN_SECONDS,
)
from dave.store.shares import ShareIndex
from dave.wire.stripe import StripeRecord, place_of_stripe

Stripe = tuple[bytes, StripeRecord]
Examine = Callable[[Sequence[Stripe], Callable[[list[Surveyed], Instant], None], Instant], None]
"""Called as StripeWatch.examine."""


class _Case:
    """A stripe that lacks shares."""

    __slots__ = (
        "again", "due", "hopeless", "is_own", "left", "looked", "reach", "record", "since", "tie",
    )  # fmt: skip

    def __init__(self, record: StripeRecord, since: Instant, tie: int) -> None:
        self.record = record
        self.since = since
        """When that was first seen."""
        self.tie = tie
        self.due: Instant = 0
        self.again: Instant = 0
        """After a failure: not before."""
        self.left = record.n
        """Shares beyond the k needed; negative where it cannot be rebuilt ..."""
        self.hopeless = 0
        """... and how often in a row it was looked at in vain, since that is so."""
        self.looked: Instant = 0
        """When that was last."""
        self.reach: Place = -1
        """How far from its place a node may be that holds a share; -1: any."""
        self.is_own = False
        """Whether it was our own share that was lost: the record may be here no more."""


class StripeRepair:
    """The cases of one node."""

    def __init__(self, core: Core, index: ShareIndex, hands: Hands) -> None:
        self._core = core
        self._index = index
        self._hands = hands
        self.examine: Examine = _never
        self._cases: dict[bytes, _Case] = {}
        self._bad: dict[bytes, None] = {}
        """Stripes whose shares do not fit together; at most STRIPE_BAD_MAX."""
        self._is_working = False
        self._jobs = 0
        self._not_before: Instant = 0
        self._alarm: Instant | None = None
        self.mended = self.failed = 0
        """Stripes: made whole, and tried without that."""
        self.placed = self.rebuilt = self.moved = 0
        """Shares placed; of these, that nobody had; bytes fetched and placed."""

    def __len__(self) -> int:
        return len(self._cases)

    def on_found(self, found: list[Surveyed], now: Instant) -> None:
        """What a survey has found."""
        for each in found:
            self._note(each, now)
        self._wake(now)

    def lost(self, stripe_id: bytes, record: StripeRecord, now: Instant) -> None:
        """A share that was here is lost, and with it perhaps the record."""
        case = self._case(stripe_id, record, now)
        case.is_own = True
        case.due = now
        self._wake(now)

    # --- Cases -------------------------------------------------------------------------------

    def _fit(self, found: Surveyed, now: Instant) -> Surveyed:
        """The same, without hope in those who have no room."""
        takes = self._hands.takes
        return found._replace(
            holdings=[
                each if takes(each.node_id, now) else each._replace(has_answered=False)
                for each in found.holdings
            ]
        )

    def _note(self, found: Surveyed, now: Instant) -> None:
        found = self._fit(found, now)
        record, stripe_id = found.record, found.stripe_id
        missing = stripe_plan.lacking(record.n, found.holdings)
        if not missing or stripe_id in self._bad:
            self._cases.pop(stripe_id, None)
            return
        case = self._case(stripe_id, record, now)
        self._see(case, found)
        case.due = max(case.again, case.since + self._wait(found, case, missing))

    def _see(self, case: _Case, found: Surveyed) -> None:
        """How many shares are left, and within which reach."""
        case.left = stripe_plan.held(found.holdings).bit_count() - case.record.k
        is_small = len(found.holdings) < stripe_plan.reach(case.record.n)
        case.reach = -1 if is_small else found.holdings[-1].node_id ^ found.place
        if case.left >= 0 and case.hopeless:  # who was waited for is back
            case.hopeless = case.again = 0

    def came(self, node_ids: Sequence[Place], now: Instant) -> None:
        """These nodes have entered the routing table: what they may bring is looked at sooner."""
        for stripe_id, case in self._cases.items():
            if not case.hopeless:
                continue
            place = place_of_stripe(stripe_id)
            if case.reach < 0 or any(node_id ^ place <= case.reach for node_id in node_ids):
                soon = max(now, case.looked + STRIPE_AGAIN_SECONDS * SECOND)
                case.due = case.again = min(case.again, soon)
        self._wake(now)

    def _wait(self, found: Surveyed, case: _Case, missing: Sequence[int]) -> int:
        """How long after it was first seen a stripe's turn comes here, nanoseconds."""
        record = found.record
        is_hopeless = case.left < 0  # others have to come back first: no hurry
        share = 1.0 if is_hopeless else min(case.left / max(record.n - record.k, 1), 1.0)
        grace = max(STRIPE_SETTLE_SECONDS, STRIPE_GRACE_SECONDS * share)
        own = self._core.identity.id
        assert own is not None
        turn = stripe_plan.rank(own, found.place, found.holdings)
        is_within = any(each.node_id == own for each in found.holdings)
        if not is_within and any(self._hands.is_here(record.address(i)) for i in missing):
            turn = 0
        return int((grace + turn * STRIPE_TURN_SECONDS) * SECOND)

    def _case(self, stripe_id: bytes, record: StripeRecord, now: Instant) -> _Case:
        case = self._cases.get(stripe_id)
        if case is None:
            if len(self._cases) >= STRIPE_CASES_MAX:
                # Some at a time: to find one takes as long, and a death may bring many thousands.
                for name in nlargest(STRIPE_CASES_MAX // 8 or 1, self._cases, self._urgency):
                    del self._cases[name]
            case = self._cases[stripe_id] = _Case(record, now, self._core.rng.getrandbits(32))
        return case

    def _urgency(self, stripe_id: bytes) -> tuple[bool, int, int]:
        """The smaller the sooner."""
        case = self._cases[stripe_id]
        return case.left < 0, case.left, case.tie

    # --- Working -----------------------------------------------------------------------------

    def _wake(self, now: Instant) -> None:
        """Begin with the most urgent of the cases that are due, or set an alarm for the first."""
        if self._is_working or not self._cases:
            return
        first = max(min(case.due for case in self._cases.values()), self._not_before)
        if first <= now:
            due = [stripe_id for stripe_id, case in self._cases.items() if case.due <= now]
            self._begin(min(due, key=self._urgency), now)
        elif self._alarm is None or first < self._alarm:
            self._alarm = first
            self._core.timers.set(first, Timer.SHARES, self._ring)

    def _ring(self, now: Instant) -> None:
        if self._alarm is not None and self._alarm <= now:
            self._alarm = None
            self._wake(now)

    def _begin(self, stripe_id: bytes, now: Instant) -> None:
        """Look at it once more."""
        case = self._cases[stripe_id]
        held = self._index.stripe(stripe_id)
        if held is None and not case.is_own:  # released, expired or evicted
            del self._cases[stripe_id]
            self._core.timers.set(now, Timer.SHARES, self._wake)
            return
        self._is_working = True
        record = case.record if held is None else held[0]
        self.examine([(stripe_id, record)], self._examined, now)

    def _examined(self, found: list[Surveyed], now: Instant) -> None:
        one = self._fit(found[0], now)
        case = self._cases.get(one.stripe_id)
        missing = stripe_plan.lacking(one.record.n, one.holdings)
        if not missing or case is None or self._is_over(one.record, now):
            self._cases.pop(one.stripe_id, None)
            self._next(now)
            return
        self._see(case, one)
        own, began = self._core.identity.id, now
        assert own is not None

        self._jobs += 1
        job = self._jobs

        def done(outcome: Outcome, now: Instant) -> None:
            if job == self._jobs and self._is_working:
                self._done(one, outcome, began, now)

        def late(now: Instant) -> None:
            done(Outcome(0, len(missing), 0, 0, False), now)

        self._core.timers.set(now + STRIPE_JOB_SECONDS * SECOND, Timer.SHARES, late)
        StripeJob(one, own, self._hands, lambda peers: self._order(peers, now), done).start(now)

    def _done(self, found: Surveyed, outcome: Outcome, began: Instant, now: Instant) -> None:
        stripe_id = found.stripe_id
        self.placed += outcome.placed
        self.rebuilt += outcome.rebuilt
        self.moved += outcome.moved
        self._not_before = began + outcome.moved * SECOND // STRIPE_REPAIR_BYTES_PER_SECOND
        case = self._cases.get(stripe_id)
        if outcome.is_bad:
            if len(self._bad) >= STRIPE_BAD_MAX:
                del self._bad[next(iter(self._bad))]
            self._bad[stripe_id] = None
        if outcome.left and not outcome.is_bad:
            self.failed += 1
            if case is not None:
                wait = STRIPE_AGAIN_SECONDS * (0.75 + 0.5 * self._core.rng.random())
                if case.left < 0:
                    wait = min(wait * 2 ** min(case.hopeless, 16), STRIPE_HOPELESS_SECONDS_MAX)
                    case.hopeless += 1
                    case.looked = now
                case.due = case.again = now + int(wait * SECOND)
        else:
            self.mended += not outcome.is_bad
            self._cases.pop(stripe_id, None)
        self._next(now)

    def _next(self, now: Instant) -> None:
        self._is_working = False
        # By an alarm, so that a thousand stripes that are whole again are no recursion.
        self._core.timers.set(now, Timer.SHARES, self._wake)

    def _is_over(self, record: StripeRecord, now: Instant) -> bool:
        return record.expires_ms <= self._core.unix_ms(now) + STRIPE_SETTLE_SECONDS * 1000

    def _order(self, peers: Sequence[Place], now: Instant) -> list[Place]:
        """Peers as they are to be asked for a share."""
        core = self._core
        contacts = [contact for peer in peers if (contact := core.table.get(peer)) is not None]
        return [c.id for c in by_trust(contacts, core.trust, core.table.rtt, core.rng, now)]


def _never(
    _stripes: Sequence[Stripe], _done: Callable[[list[Surveyed], Instant], None], _now: Instant
) -> None:
    raise AssertionError("nobody examines")
