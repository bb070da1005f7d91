"""Makes one stripe whole: gathers, rebuilds what nobody has, places.

    shares to be placed --+-- somebody within reach, or we, have it: fetched as it is
                          `-- nobody has: any k shares are fetched, the world rebuilds it
    each goes, with the stripe record as it is, to the node within reach that holds fewest, the
    nearest of those; who refuses is followed by the next

No key is needed. What comes out is checked against the record's addresses, so that shares which do
not fit together (their owner's doing) are placed nowhere.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from dave.crypto import merkle
from dave.names import Instant, Place
from dave.node.shares import stripe_plan
from dave.node.shares.stripe_survey import Surveyed
from dave.share_limits import STRIPE_PLACE_TRIES
from dave.wire.stripe import StripeRecord

Came = Callable[[bytes | None, Instant], None]
Rebuilt = Callable[[Sequence[bytes] | None, Instant], None]


class Hands(Protocol):
    """What a job has its node do; each calls back once."""

    def is_here(self, address: bytes) -> bool:
        """Whether this node holds that share."""

    def takes(self, peer: Place, now: Instant) -> bool:
        """Whether it is worth while to offer a share to that peer."""

    def read(self, address: bytes, size: int, came: Came, now: Instant) -> None:
        """Read a share of our own."""

    def fetch(self, peer: Place, address: bytes, came: Came, now: Instant) -> None:
        """Fetch a share, whose address was checked; None: no such share came."""

    def rebuild(
        self, record: StripeRecord, shares: dict[int, bytes], wanted: Sequence[int],
        done: Rebuilt,
    ) -> None:  # fmt: skip
        """Compute the shares `wanted` from k others."""

    def place(
        self, peer: Place, record: StripeRecord, number: int, share: bytes,
        done: Callable[[bool, Instant], None], now: Instant,
    ) -> None:  # fmt: skip
        """Offer a share to a peer, or keep it; True: it is kept."""


class Outcome(NamedTuple):
    """What became of a job."""

    placed: int
    """Shares."""
    left: int
    """Shares that are still lacking."""
    rebuilt: int
    """Shares that nobody had."""
    moved: int
    """Bytes fetched from others and taken by others."""
    is_bad: bool
    """The shares do not fit together: it can never be done."""


class StripeJob:
    """One stripe. `own_id` is this node's; `order` puts peers into the order in which they are
    fetched from."""

    def __init__(
        self, found: Surveyed, own_id: Place, hands: Hands,
        order: Callable[[Sequence[Place]], Sequence[Place]],
        done: Callable[[Outcome, Instant], None],
    ) -> None:  # fmt: skip
        self._found = found
        self._record = found.record
        self._own_id = own_id
        self._hands = hands
        self._done = done
        self._wanted = stripe_plan.lacking(found.record.n, found.holdings)
        self._holdings = {each.node_id: each for each in found.holdings}
        self._shares: dict[int, bytes] = {}
        self._sources: dict[int, list[Place]] = {}
        """By number, who may still be asked for that share, the next one last."""
        for number, address in enumerate(found.record.addresses):
            holders = order([who for who in found.holders.get(address, ()) if who != own_id])
            own = [own_id] if hands.is_here(address) else []
            if own or holders:
                self._sources[number] = [*reversed(holders), *own]
        self._needs_k = any(number not in self._sources for number in self._wanted)
        self._asked: dict[int, None] = {}
        self._tries: dict[int, list[Place]] = {}
        """By number, who was offered that share."""
        self._under_way = 0
        self._placed = self._rebuilt = self._moved = 0
        self._left = 0
        self._is_gathered = False
        self._is_bad = False

    def start(self, now: Instant) -> None:
        """Gather, if there is anybody to place at."""
        if stripe_plan.receivers(self._found.holdings):
            self._gather(now)
        else:
            self._done(Outcome(0, len(self._wanted), 0, 0, False), now)

    # --- Gathering ---------------------------------------------------------------------------

    def _gather(self, now: Instant) -> None:
        """Ask for as many shares as are needed, and as can be had."""
        while (number := self._next()) is not None:
            self._asked[number] = None
            self._fetch(number, now)
        if not self._asked and not self._is_gathered:
            self._is_gathered = True
            self._gathered(now)

    def _next(self) -> int | None:
        """The next share to ask for: one to be placed first, then one that is here, then any."""
        free = [n for n in self._sources if n not in self._shares and n not in self._asked]
        wanted = [number for number in free if number in self._wanted]
        if not self._needs_k:
            return wanted[0] if wanted else None
        if len(self._shares) + len(self._asked) >= self._record.k or not free:
            return None
        here = [number for number in free if self._sources[number][-1] == self._own_id]
        return (wanted or here or free)[0]

    def _fetch(self, number: int, now: Instant) -> None:
        sources, address = self._sources[number], self._record.address(number)
        source = sources.pop()
        came = partial(self._came, number, source)
        if source == self._own_id:
            self._hands.read(address, self._record.size(number), came, now)
        else:
            self._hands.fetch(source, address, came, now)

    def _came(self, number: int, source: Place, data: bytes | None, now: Instant) -> None:
        if data is not None and len(data) == self._record.size(number):
            self._shares[number] = data
            if source != self._own_id:
                self._moved += len(data)
            del self._asked[number]
        elif self._sources[number]:
            self._fetch(number, now)
            return
        else:
            del self._sources[number], self._asked[number]
            self._needs_k = self._needs_k or number in self._wanted
        self._gather(now)

    def _gathered(self, now: Instant) -> None:
        lost = [number for number in self._wanted if number not in self._shares]
        if not lost:
            self._place_all(now)
        elif len(self._shares) < self._record.k:
            self._wanted = [number for number in self._wanted if number in self._shares]
            self._place_all(now, len(lost))
        else:
            numbers = sorted(self._shares)[: self._record.k]
            shares = {number: self._shares[number] for number in numbers}
            self._hands.rebuild(self._record, shares, lost, partial(self._came_back, lost))

    def _came_back(self, lost: Sequence[int], shares: Sequence[bytes] | None, now: Instant) -> None:
        record = self._record
        for number, share in zip(lost, shares or (), strict=False):
            if merkle.root(share) != record.address(number):
                self._is_bad = True
                break
            self._shares[number] = share
            self._rebuilt += 1
        if shares is None or self._is_bad:
            self._wanted = []
            self._place_all(now, len(lost))
        else:
            self._place_all(now)

    # --- Placing -----------------------------------------------------------------------------

    def _place_all(self, now: Instant, left: int = 0) -> None:
        self._left = left
        self._under_way = 1
        for number in self._wanted:
            self._place(number, now)
        self._settle(now)

    def _place(self, number: int, now: Instant) -> None:
        """Offer a share to the next who may take it."""
        tried = self._tries.setdefault(number, [])
        receivers = stripe_plan.receivers([*self._holdings.values()])
        receiver = next((who for who in receivers if who not in tried), None)
        if receiver is None or len(tried) >= STRIPE_PLACE_TRIES or self._is_idle(number, receiver):
            self._left += 1
            return
        tried.append(receiver)
        holding = self._holdings[receiver]
        self._holdings[receiver] = holding._replace(mask=holding.mask | 1 << number)
        self._under_way += 1
        done = partial(self._answered, number, receiver)
        self._hands.place(receiver, self._record, number, self._shares[number], done, now)

    def _is_idle(self, number: int, receiver: Place) -> bool:
        """Whether it would change nothing: the share is somewhere, and the receiver is not free."""
        is_somewhere = stripe_plan.held(self._found.holdings) >> number & 1
        return bool(is_somewhere) and not stripe_plan.is_free(receiver, [*self._holdings.values()])

    def _answered(self, number: int, receiver: Place, is_kept: bool, now: Instant) -> None:
        if is_kept:
            self._placed += 1
            if receiver != self._own_id:
                self._moved += self._record.size(number)
        else:
            holding = self._holdings[receiver]
            self._holdings[receiver] = holding._replace(
                mask=holding.mask & ~(1 << number), has_answered=False
            )
            self._place(number, now)
        self._settle(now)

    def _settle(self, now: Instant) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._done(
                Outcome(self._placed, self._left, self._rebuilt, self._moved, self._is_bad), now
            )
