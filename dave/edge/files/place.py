"""Where the shares of a stripe go: one each to the nodes nearest to its place, beyond a node that
refuses or is silent to the next nearest; several to one where there are fewer nodes than shares.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dave.crypto import hashes
from dave.crypto.network import Network
from dave.edge.addresses import format_address
from dave.edge.driver import Driver
from dave.edge.files.share_locator import ShareLocator
from dave.edge.files.share_nodes import ShareNodes
from dave.edge.files.shares import Shares
from dave.edge.limits import (
    BUSY_PAUSE_SECONDS,
    BUSY_TRIES,
    GREET_LOOK_SECONDS,
    GREET_SECONDS,
    SHARE_SECONDS,
    SHUN_SECONDS,
    SHUN_SECONDS_MAX,
    SPARE_NODES,
)
from dave.edge.receipt import Refusal
from dave.errors import NetworkError, NotStored
from dave.limits import DIGEST_BYTES, SURPLUS_BITS_MAX
from dave.names import SECOND, Instant
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
    """Places the stripes of one upload by `shares` (edge/shares.py), and remembers who refused and
    who is silent."""

    def __init__(self, shares: Shares, driver: Driver, network: Network, max_work: int) -> None:
        self._shares = shares
        self._driver = driver
        self._network = network
        self._max_work = max_work
        self._locator = ShareLocator(driver, shares, ShareNodes())
        self._shunned: dict[bytes | None, Instant] = {}
        self._silences: Counter[bytes | None] = Counter()
        self._unheard: dict[bytes | None, Any] = {}
        """Nodes that were greeted and have not answered yet."""
        self._greeted_until: Instant = 0
        self.refused: Counter[Refusal] = Counter()
        """How often each node refused, and why."""
        self.holders: set[bytes | None] = set()
        """Public keys of all nodes that keep a share of this upload."""
        self.hashes_tried = 0

    def greet(self, peers: Sequence[Peer]) -> None:
        """Ask nodes something small: so that who of them is dead is known before a share waits for
        them, and connections are there when they are needed."""
        self._greeted_until = self._driver.now() + int(GREET_SECONDS * SECOND)
        for peer in peers:
            self._unheard[peer.public_key] = self._driver.spawn(self._greet(peer))

    def close(self) -> None:
        """Stop what is under way."""
        self._locator.close()
        for task in self._unheard.values():
            task.cancel()

    async def _greet(self, peer: Peer) -> None:
        key = peer.public_key
        try:
            await self._shares.held(peer, [bytes(DIGEST_BYTES)], SHARE_SECONDS)
            self._shunned.pop(key, None)
        except NetworkError:
            self._shun(key)
        self._unheard.pop(key, None)

    async def _has_answered(self, peer: Peer) -> bool:
        """Whether a node that was greeted has answered; those that were not are taken to."""
        key = peer.public_key
        while key in self._unheard:
            if self._driver.now() >= self._greeted_until:
                self._shun(key)
                return False
            await self._driver.sleep(GREET_LOOK_SECONDS)
        return self._shunned.get(key, 0) <= self._driver.now()

    def _shun(self, key: bytes | None) -> None:
        """Leave a silent node out for a while, longer each time."""
        now = self._driver.now()
        if self._shunned.get(key, 0) <= now:
            seconds = min(SHUN_SECONDS * 2 ** self._silences[key], SHUN_SECONDS_MAX)
            self._silences[key] += 1
            self._shunned[key] = now + int(seconds * SECOND)

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
        count = record.n
        peers = await self._locator.nearest(record.stripe_id, count + SPARE_NODES)
        stripe = _Stripe(record, data, peers)
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
            self._driver.spawn(self._place_one(stripe, index, await_silent))
            for index in range(stripe.record.n)
            if not stripe.is_stored(index)
        ]
        try:
            for task in tasks:
                await self._driver.join(task)
        finally:
            for task in tasks:
                task.cancel()

    async def _place_one(self, stripe: "_Stripe", index: int, await_silent: bool) -> None:
        for_now = self._shunned if not await_silent else {}
        while True:
            peer = stripe.next(index, for_now, self._driver.now())
            if peer is None:
                return
            if not await_silent and not await self._has_answered(peer):
                continue
            outcome = await self._offer(stripe, peer, index)
            stripe.tell(peer, index, outcome)
            if outcome.status in KEPT_STATUSES:
                return
            self._refusal(peer, outcome)

    async def _offer(self, stripe: "_Stripe", peer: Peer, index: int) -> ShareOutcome:
        stripe.begin(peer)
        for number in range(BUSY_TRIES):
            outcome: ShareOutcome = await self._shares.put(
                peer, stripe.record, index, stripe.data[index], SHARE_SECONDS
            )
            if outcome.status is not ShareStatus.BUSY:
                break
            await self._driver.sleep(BUSY_PAUSE_SECONDS * 2**number)
        if outcome.status in SILENT:
            self._shun(peer.public_key)
        else:
            self._silences.pop(peer.public_key, None)
        return outcome

    async def _place_again(self, stripe: "_Stripe") -> None:
        """Once more, with the work that full nodes ask for, if that is not too much."""
        bits = stripe.bits_short
        if bits > SURPLUS_BITS_MAX or stripe.record.work << bits > self._max_work:
            return
        stripe.record = await self.stamped(stripe.record, bits)
        for index, peer in stripe.full.items():
            if not stripe.is_stored(index):
                stripe.tell(peer, index, await self._offer(stripe, peer, index))

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
        self.data = data
        self._peers = peers
        self._by_peer: Counter[bytes | None] = Counter()
        """Shares that a node has or is being offered."""
        self._refusing: set[bytes | None] = set()
        self._silent: set[bytes | None] = set()
        self._stored: set[int] = set()
        self.holders: set[bytes | None] = set()
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

    def is_stored(self, index: int) -> bool:
        """Whether share `index` is kept."""
        return index in self._stored

    def next(
        self, index: int, shunned: Mapping[bytes | None, Instant], now: Instant
    ) -> Peer | None:
        """Whom to offer share `index`: its own node, else one beyond the n nearest, and where there
        are no n whoever has fewest. None if nobody is left."""
        count, few = self.record.n, len(self._peers) < self.record.n
        best: tuple[int, bool, int] | None = None
        chosen = None
        for number, peer in enumerate(self._peers):
            key = peer.public_key
            if key in self._refusing:
                continue
            if shunned.get(key, 0) > now:
                self._silent.add(key)
                continue
            is_own = number == index % len(self._peers)
            held = self._by_peer[key]
            if not few and (held or not (is_own or number >= count)):
                continue
            rank = (held, not is_own, number)
            if best is None or rank < best:
                best, chosen = rank, peer
        return chosen

    def begin(self, peer: Peer) -> None:
        """A share is about to be offered."""
        self._by_peer[peer.public_key] += 1

    def tell(self, peer: Peer, index: int, outcome: ShareOutcome) -> None:
        """How an offer ended."""
        key, status = peer.public_key, outcome.status
        if status in KEPT_STATUSES:
            self._silent.discard(key)
            self._stored.add(index)
            self.holders.add(key)
            if status is ShareStatus.STORED:
                self.sent_bytes += self.record.size(index)
            return
        self._refusing.add(key)
        if status in SILENT:
            self._silent.add(key)
        if status is ShareStatus.LOW_RANK:
            self.full[index] = peer
            self.bits_short = max(self.bits_short, outcome.detail)
