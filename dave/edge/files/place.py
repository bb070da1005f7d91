"""Where the shares of a stripe go: one each to the nodes nearest to its place, beyond a node that
refuses or is silent to the next nearest; several to one where there are fewer nodes than shares.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from dave.crypto import hashes
from dave.crypto.network import Network
from dave.edge.addresses import format_address
from dave.edge.driver import Driver, gather
from dave.edge.files.share_locator import ShareLocator
from dave.edge.files.share_nodes import DEAD, ShareNodes
from dave.edge.files.shares import Shares
from dave.edge.limits import (
    BUSY_PAUSE_SECONDS,
    BUSY_TRIES,
    GREET_SECONDS,
    SHARE_SECONDS,
    SPARE_NODES,
)
from dave.edge.receipt import Refusal
from dave.errors import NetworkError, NotStored
from dave.limits import SURPLUS_BITS_MAX
from dave.node.requests import Peer
from dave.node.shares.lane import ShareData
from dave.wire.share_status import KEPT_STATUSES, ShareStatus
from dave.wire.shares import ShareOutcome
from dave.wire.stripe import StripeRecord

SILENT = (ShareStatus.NO_ANSWER, ShareStatus.TIMED_OUT)


class Placed(NamedTuple):
    """How the shares of a stripe were taken in."""

    stored: int
    """Of its shares: how many are kept by a node."""
    holders: int
    """How many nodes keep one."""
    sent_bytes: int
    """Bytes of shares that nodes did not have before."""


class Placer:
    """Places the stripes of one upload by `shares` (edge/files/shares.py), and remembers who
    refused and who is silent."""

    def __init__(self, shares: Shares, driver: Driver, network: Network, max_work: int) -> None:
        self._shares = shares
        self._driver = driver
        self._network = network
        self._max_work = max_work
        self._nodes = ShareNodes()
        self._locator = ShareLocator(driver, shares, self._nodes)
        self.refused: Counter[Refusal] = Counter()
        """How often each node refused, and why."""
        self.holders: set[bytes | None] = set()
        """Public keys of all nodes that keep a share of this upload."""
        self.hashes_tried = 0

    def greet(self, peers: Sequence[Peer]) -> None:
        """Find out who of them is dead before a share waits for them."""
        self._locator.greet(
            peers, GREET_SECONDS, lambda node: self._nodes.silent(node, self._driver.now())
        )

    def close(self) -> None:
        """Stop what is under way."""
        self._locator.close()

    async def stamped(self, record: StripeRecord, bits: int = 0) -> StripeRecord:
        """The signed record with a stamp `bits` better than asked."""
        if not self._network.asks_work:
            return record
        prefix = hashes.STRIPE_STAMP_TAG + record.digest(self._network)
        nonce, tried = await self._driver.search(prefix, record.work << bits, None)
        self._driver.core.tally.hashes += tried
        self.hashes_tried += tried
        return record.with_proofs(record.signature, nonce)

    async def kept(self, stripe_id: bytes) -> int:
        """How many shares of a stripe nodes say that they hold."""
        try:
            holders = await self._locator.holders(stripe_id)
        except NetworkError:
            return 0
        self.holders.update(peer.public_key for _, peer in holders)
        return len({number for number, _ in holders})

    async def place(self, record: StripeRecord, data: Sequence[ShareData]) -> Placed:
        """Have the shares stored. Raises NotStored where too few nodes take one, NetworkError."""
        peers = await self._locator.nearest(record.stripe_id, record.n + SPARE_NODES)
        stripe = _Stripe(record, data, peers)
        return await self._fill(stripe)

    async def extend(
        self,
        record: StripeRecord,
        rebuilt: Callable[[Sequence[int]], Awaitable[Mapping[int, ShareData]]],
    ) -> Placed:
        """Have all who hold a share keep it by this record; what nobody holds is rebuilt, and
        placed. Raises as `place` and `rebuilt`."""
        stripe_id, count = record.stripe_id, record.n
        peers = await self._locator.nearest(stripe_id, count + SPARE_NODES)
        stripe = _Stripe(record, [None] * count, peers)
        stripe.spares_from = 0

        async def extend_one(number: int, peer: Peer) -> None:
            stripe.tell(peer, number, await self._offer(stripe, peer, number))

        found = await self._locator.holders(stripe_id)
        calls = [partial(extend_one, number, peer) for number, peer in found if number < count]
        await gather(self._driver, calls, len(calls))
        lacking = [number for number in range(count) if not stripe.is_stored(number)]
        if lacking:
            for number, share in (await rebuilt(lacking)).items():
                stripe.data[number] = share
        return await self._fill(stripe)

    async def _fill(self, stripe: "_Stripe") -> Placed:
        """Place what is not stored yet."""
        count = stripe.record.n
        await self._round(stripe, await_silent=False)
        if stripe.stored < count and stripe.bits_short:
            await self._place_again(stripe)
        if not stripe.is_safe:
            await self._round(stripe, await_silent=True)
        if not stripe.is_safe:
            raise NotStored(
                f"{len(stripe.holders)} nodes took {stripe.stored} of the {count} shares of a "
                f"part of it; {stripe.enough} are needed ({self.why()})"
            )
        self.holders.update(stripe.holders)
        return Placed(stripe.stored, len(stripe.holders), stripe.sent_bytes)

    async def _round(self, stripe: "_Stripe", *, await_silent: bool) -> None:
        """Offer each share that is not stored to one node after the other. A node that was silent a
        while ago is left out, so that it does not slow each stripe down, unless it is needed."""
        tasks = [
            self._driver.spawn(self._place_one(stripe, number, await_silent))
            for number in range(stripe.record.n)
            if not stripe.is_stored(number)
        ]
        try:
            for task in tasks:
                await self._driver.join(task)
        finally:
            for task in tasks:
                task.cancel()

    async def _place_one(self, stripe: "_Stripe", number: int, await_silent: bool) -> None:
        while True:
            peer = stripe.next(number, _nobody if await_silent else self._is_silent)
            if peer is None:
                return
            if not await_silent and not await self._locator.answers(peer):
                continue
            outcome = await self._offer(stripe, peer, number)
            stripe.tell(peer, number, outcome)
            if outcome.status in KEPT_STATUSES:
                return
            self._refusal(peer, outcome)

    async def _offer(self, stripe: "_Stripe", peer: Peer, number: int) -> ShareOutcome:
        stripe.begin(peer)
        for tries in range(BUSY_TRIES):
            outcome: ShareOutcome = await self._shares.put(
                peer, stripe.record, number, stripe.data[number], SHARE_SECONDS
            )
            if outcome.status is not ShareStatus.BUSY:
                break
            await self._driver.sleep(BUSY_PAUSE_SECONDS * 2**tries)
        if outcome.status in SILENT:
            self._nodes.silent(self._nodes.of(peer), self._driver.now())
        else:
            self._nodes.heard(self._nodes.of(peer))
        return outcome

    def _is_silent(self, peer: Peer) -> bool:
        return self._nodes.of(peer).standing(self._driver.now()) >= DEAD

    async def _place_again(self, stripe: "_Stripe") -> None:
        """Once more, with the work that full nodes ask for, if that is not too much."""
        bits = stripe.bits_short
        if bits > SURPLUS_BITS_MAX or stripe.record.work << bits > self._max_work:
            return
        stripe.record = await self.stamped(stripe.record, bits)
        for number, peer in stripe.full.items():
            if not stripe.is_stored(number):
                stripe.tell(peer, number, await self._offer(stripe, peer, number))

    def _refusal(self, peer: Peer, outcome: ShareOutcome) -> None:
        where = format_address(peer.address)
        self.refused[Refusal(where, outcome.status.name.lower(), outcome.detail)] += 1

    def why(self) -> str:
        """Why shares were refused, for a person."""
        # A node may have refused shares for one reason with several details.
        nodes = {(refusal.reason, refusal.address): None for refusal in self.refused}
        reasons = Counter(reason for reason, _ in nodes)
        texts = [
            f"{reason} at {count} node{'s' if count > 1 else ''}"
            for reason, count in reasons.most_common()
        ]
        return ", ".join(texts) or "there are no more nodes"


class _Stripe:
    """A stripe under way."""

    def __init__(
        self, record: StripeRecord, data: Sequence[ShareData], peers: Sequence[Peer]
    ) -> None:
        self.record = record
        self.data = list(data)
        self._peers = peers
        self._by_peer: Counter[bytes | None] = Counter()
        """Shares that a node has or is being offered."""
        self._refusing: set[bytes | None] = set()
        self._silent: set[bytes | None] = set()
        self._stored: set[int] = set()
        self.holders: set[bytes | None] = set()
        self.spares_from = record.n
        """Which of the peers, beside a share's own, may take it: those from here on."""
        self.full: dict[int, Peer] = {}
        """Who would take a share for more work."""
        self.bits_short = 0
        self.sent_bytes = 0

    @property
    def stored(self) -> int:
        """Shares that are kept."""
        return len(self._stored)

    @property
    def enough(self) -> int:
        """How many shares must be kept: one may be lost, if there are nodes for that."""
        answering = len(self._peers) - len(self._silent)
        return min(self.record.n, max(self.record.k, min(self.record.k + 1, answering)))

    @property
    def is_safe(self) -> bool:
        """Whether it counts as stored: all shares, or enough of them at enough nodes."""
        answering = len(self._peers) - len(self._silent)
        return self.stored == self.record.n or (
            self.stored >= self.enough and len(self.holders) >= min(self.enough, answering)
        )

    def is_stored(self, number: int) -> bool:
        """Whether share `number` is kept."""
        return number in self._stored

    def next(self, number: int, is_silent: Callable[[Peer], bool]) -> Peer | None:
        """Whom to offer share `number`: its own node, else a spare one without a share, and where
        there are no n nodes whoever has fewest. None if nobody is left."""
        few = len(self._peers) < self.record.n
        best: tuple[int, bool, int] | None = None
        chosen = None
        for at, peer in enumerate(self._peers):
            key = peer.public_key
            if key in self._refusing:
                continue
            if is_silent(peer):
                self._silent.add(key)
                continue
            is_own = at == number % len(self._peers)
            held = self._by_peer[key]
            if not few and (held or not (is_own or at >= self.spares_from)):
                continue
            rank = (held, not is_own, at)
            if best is None or rank < best:
                best, chosen = rank, peer
        return chosen

    def begin(self, peer: Peer) -> None:
        """A share is about to be offered."""
        self._by_peer[peer.public_key] += 1

    def tell(self, peer: Peer, number: int, outcome: ShareOutcome) -> None:
        """How an offer ended."""
        key, status = peer.public_key, outcome.status
        if status in KEPT_STATUSES:
            self._silent.discard(key)
            self._stored.add(number)
            self.holders.add(key)
            if status is ShareStatus.STORED:
                self.sent_bytes += self.record.size(number)
            return
        if status is ShareStatus.WANTED:  # it has lost what it said to hold
            self._by_peer[key] -= 1
            return
        self._refusing.add(key)
        if status in SILENT:
            self._silent.add(key)
        if status is ShareStatus.LOW_RANK:
            self.full[number] = peer
            self.bits_short = max(self.bits_short, outcome.detail)


def _nobody(_peer: Peer) -> bool:
    return False
