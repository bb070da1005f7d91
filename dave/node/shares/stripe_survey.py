"""One look at some stripes: which nodes within reach say to hold which of their shares.

Each node within reach is asked once, about all of the stripes that it may hold something of. In a
round the asking is spread over time, one peer a tick; where something has happened a few are asked
at a time.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from dave.names import Instant, Place
from dave.node.core import Core
from dave.node.shares.audits import Masks
from dave.node.shares.stripe_plan import Holding, parted, reach
from dave.peers.contact import Contact
from dave.share_limits import STRIPE_ASKED_AT_ONCE
from dave.store.shares import ShareIndex
from dave.wire.stripe import StripeRecord, place_of_stripe

Ask = Callable[[Contact, Sequence[bytes], Masks, Instant], None]
"""Called as ShareAudits.ask."""


class Surveyed(NamedTuple):
    """What was found out about one stripe."""

    stripe_id: bytes
    record: StripeRecord
    place: Place
    holdings: list[Holding]
    """Of the nodes within reach, nearest first; copies told apart (stripe_plan.parted)."""
    holders: dict[bytes, list[Place]]
    """By the address of a share, who says to hold it, nearest first; this node as well, and then
    even out of reach."""


class Survey:
    """Of up to STRIPE_BATCH stripes; `done` is called once with what was found."""

    def __init__(
        self, core: Core, index: ShareIndex, ask: Ask,
        stripes: Sequence[tuple[bytes, StripeRecord]],
        done: Callable[[list[Surveyed], Instant], None],
    ) -> None:  # fmt: skip
        self._core = core
        self._index = index
        self._ask = ask
        self._stripes = stripes
        self._done = done
        self._masks: dict[tuple[bytes, Place], int] = {}
        """Who answered, with what."""
        self._near: dict[bytes, list[Contact]] = {}
        self._left: deque[tuple[Contact, list[bytes]]] = deque()
        self._under_way = 0
        self._at_once = False
        asked: dict[Place, tuple[Contact, list[bytes]]] = {}
        for stripe_id, record in stripes:
            near = core.table.nearest(place_of_stripe(stripe_id), reach(record.n))
            self._near[stripe_id] = near
            for contact in near:
                asked.setdefault(contact.id, (contact, []))[1].append(stripe_id)
        self._left.extend(asked.values())

    def ask_all(self, now: Instant) -> None:
        """Ask everybody, STRIPE_ASKED_AT_ONCE at a time."""
        self._at_once = True
        while self._left and self._under_way < STRIPE_ASKED_AT_ONCE:
            self._ask_next(now)
        self._finish(now)

    def ask_one(self, now: Instant) -> None:
        """Ask the next one, unless one is being asked."""
        if self._left and not self._under_way:
            self._ask_next(now)
        self._finish(now)

    def _ask_next(self, now: Instant) -> None:
        contact, stripe_ids = self._left.popleft()
        self._under_way += 1
        self._ask(contact, stripe_ids, partial(self._answered, contact.id, stripe_ids), now)

    def _answered(
        self, peer: Place, stripe_ids: list[bytes], masks: Sequence[int] | None, now: Instant
    ) -> None:
        self._under_way -= 1
        for stripe_id, mask in zip(stripe_ids, masks or (), strict=False):
            self._masks[stripe_id, peer] = mask
        if self._at_once and self._left:
            self._ask_next(now)
        self._finish(now)

    def _finish(self, now: Instant) -> None:
        if not self._left and not self._under_way and self._stripes:
            stripes, self._stripes = self._stripes, ()
            self._done([self._surveyed(*each) for each in stripes], now)

    def _surveyed(self, stripe_id: bytes, record: StripeRecord) -> Surveyed:
        own = self._core.identity.id
        assert own is not None
        place, full = place_of_stripe(stripe_id), (1 << record.n) - 1
        held = self._index.stripe(stripe_id)
        holdings = [Holding(own, 0 if held is None else held[1])]
        for contact in self._near[stripe_id]:
            mask = self._masks.get((stripe_id, contact.id))
            holdings.append(Holding(contact.id, (mask or 0) & full, mask is not None))
        holdings.sort(key=lambda holding: holding.node_id ^ place)
        addresses = record.addresses
        holders: dict[bytes, list[Place]] = {}
        for holding in holdings:
            for number, address in enumerate(addresses):
                if holding.mask >> number & 1:
                    known = holders.setdefault(address, [])
                    if holding.node_id not in known:
                        known.append(holding.node_id)
        within = parted(addresses, holdings[: reach(record.n)])
        return Surveyed(stripe_id, record, place, within, holders)
