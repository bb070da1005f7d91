"""What a node holds of stripes: their records, which of their shares, and what all that counts.

A share is kept once, however many stripes it is part of, and goes with the last of them. A stripe
is kept as long as it has a record, and a record as long as a share of it is here. This table does
the counting; whom to admit and whom to evict is decided in shares.py.

Memory: some 360 bytes a share beside its record, with one share and one record a stripe. So there
is no order by time of expiry, but 256 slices that are looked through when something in them is due;
and the order by rank is built when the node is full for the first time.
"""

from collections.abc import Callable, Collection, Iterator
from operator import attrgetter
from sys import maxsize

from sortedcontainers import SortedKeyList

from dave.names import UnixMs
from dave.share_limits import STRIPE_RECORD_COST_BYTES
from dave.store.rank import UNRANKED
from dave.wire.stripe import StripeRecord, share_cost

SLICES = 256
NEVER: UnixMs = maxsize

RecordKey = tuple[bytes, bytes, bytes]
"""(stripe id, owner, reference): there is one record of each."""


class HeldStripe:
    """A stripe of which shares are held."""

    __slots__ = ("id", "mask", "rank", "records")

    def __init__(self, stripe_id: bytes) -> None:
        self.id = stripe_id
        self.mask = 0
        """Bit i: share i is held."""
        self.rank = UNRANKED
        """Of its best record, once somebody asked for it."""
        self.records: tuple[bytes, ...] = ()
        """Encoded; no two of one owner and reference."""

    def find(self, owner: bytes, reference: bytes) -> StripeRecord | None:
        """Its record of that owner and reference."""
        for data in self.records:
            record = StripeRecord(data)
            if record.reference == reference and record.owner == owner:
                return record
        return None

    def held(self) -> dict[bytes, int]:
        """The addresses of the shares held, each once, with their sizes in bytes."""
        record = StripeRecord(self.records[0])
        mask = self.mask
        return {record.address(i): record.size(i) for i in range(record.n) if mask >> i & 1}


class StripeTable:
    """Stripes by id, the shares that they hold, the uploads that hold them."""

    def __init__(self, rank_of: Callable[[HeldStripe], float]) -> None:
        self.bytes_used = 0
        """Of shares and records, in the measure of the capacity."""
        self.shares = 0
        """Different shares held."""
        self._rank_of = rank_of
        self._slices: list[dict[bytes, HeldStripe]] = [{} for _ in range(SLICES)]
        self._soonest: list[UnixMs] = [NEVER] * SLICES
        """Nothing in the slice expires before this."""
        self._homes: dict[bytes, HeldStripe | dict[HeldStripe, None]] = {}
        """By address: the stripes that hold a share; nearly always one, then by itself. An owner
        may have one share in any number of stripes, so several are no list to be searched."""
        self._uploads: dict[bytes, dict[HeldStripe, None]] = {}
        """By owner and reference."""
        self._order: SortedKeyList[HeldStripe, float] | None = None

    def get(self, stripe_id: bytes) -> HeldStripe | None:
        """A stripe by its id."""
        return self._slices[stripe_id[-1]].get(stripe_id)

    def in_slice(self, n: int) -> dict[bytes, HeldStripe]:
        """The stripes in slice n, by id; the table's own dictionary."""
        return self._slices[n]

    def homes(self, address: bytes) -> Collection[HeldStripe]:
        """The stripes that hold a share; none where it is not held."""
        homes = self._homes.get(address)
        if homes is None:
            return ()
        return homes if isinstance(homes, dict) else (homes,)

    def size(self, address: bytes) -> int | None:
        """The bytes of a share that is held."""
        homes = self.homes(address)
        return next(iter(homes)).held()[address] if homes else None

    def upload(self, owner: bytes, reference: bytes) -> dict[HeldStripe, None]:
        """The stripes with a record of that upload; a copy."""
        return dict(self._uploads.get(owner + reference, ()))

    def add(self, stripe_id: bytes, record: StripeRecord, mask: int) -> None:
        """Take in a record, in place of one with the same owner and reference, and shares."""
        slice_ = self._slices[stripe_id[-1]]
        stripe = slice_.get(stripe_id)
        if stripe is None:
            stripe = slice_[stripe_id] = HeldStripe(stripe_id)
        self._unrank(stripe)
        old = stripe.find(record.owner, record.reference)
        if old is None:
            stripe.records = (*stripe.records, record.data)
            self.bytes_used += STRIPE_RECORD_COST_BYTES
            self._uploads.setdefault(record.owner + record.reference, {})[stripe] = None
        else:
            kept = [data for data in stripe.records if data != old.data]
            stripe.records = (*kept, record.data)
        self._hold(stripe, record, mask)
        n = stripe_id[-1]
        self._soonest[n] = min(self._soonest[n], record.expires_ms)
        self._rank(stripe)

    def _hold(self, stripe: HeldStripe, record: StripeRecord, mask: int) -> None:
        before = stripe.held() if stripe.mask else {}
        stripe.mask |= mask
        for address, size in stripe.held().items():
            if address in before:
                continue
            homes = self._homes.get(address)
            if homes is None:
                self._homes[address] = stripe
                self.shares += 1
                self.bytes_used += share_cost(size)
            elif isinstance(homes, dict):
                homes[stripe] = None
            else:
                self._homes[address] = {homes: None, stripe: None}

    def remove_record(self, stripe: HeldStripe, owner: bytes, reference: bytes) -> list[bytes]:
        """Let go of a record that is held; the addresses of shares that went with it."""
        record = stripe.find(owner, reference)
        assert record is not None
        if len(stripe.records) == 1:
            return self.remove(stripe)
        self._unrank(stripe)
        stripe.records = tuple(data for data in stripe.records if data != record.data)
        self.bytes_used -= STRIPE_RECORD_COST_BYTES
        self._leave_upload(stripe, owner + reference)
        self._rank(stripe)
        return []

    def remove(self, stripe: HeldStripe) -> list[bytes]:
        """Let go of a stripe; the addresses of the shares that no other stripe holds."""
        self._unrank(stripe)
        gone = [
            address for address, size in stripe.held().items() if self._leave(address, size, stripe)
        ]
        for data in stripe.records:
            record = StripeRecord(data)
            self._leave_upload(stripe, record.owner + record.reference)
        self.bytes_used -= len(stripe.records) * STRIPE_RECORD_COST_BYTES
        del self._slices[stripe.id[-1]][stripe.id]
        return gone

    def remove_share(self, address: bytes) -> list[HeldStripe]:
        """Let go of a share in all its stripes. Those returned hold nothing now: remove them."""
        empty = []
        for stripe in list(self.homes(address)):
            self._leave(address, stripe.held()[address], stripe)
            addresses = StripeRecord(stripe.records[0]).addresses
            stripe.mask &= ~sum(1 << i for i, each in enumerate(addresses) if each == address)
            if not stripe.mask:
                empty.append(stripe)
        return empty

    def lowest(self) -> Iterator[HeldStripe]:
        """All stripes from the lowest rank upward."""
        if self._order is None:
            self._order = SortedKeyList(key=attrgetter("rank"))
            ranked = []
            for slice_ in self._slices:
                for stripe in slice_.values():
                    stripe.rank = self._rank_of(stripe)
                    ranked.append(stripe)
            self._order.update(ranked)
        return iter(self._order)

    def is_due(self, n: int, now_ms: UnixMs) -> bool:
        """Whether there may be a record in slice n whose time is over."""
        return now_ms >= self._soonest[n]

    def due(self, n: int, now_ms: UnixMs, most: int) -> list[tuple[HeldStripe, StripeRecord]]:
        """Records in slice n whose time is over, `most` at a time. O(slice)."""
        soonest, found = NEVER, list[tuple[HeldStripe, StripeRecord]]()
        for stripe in self._slices[n].values():
            for data in stripe.records:
                record = StripeRecord(data)
                if record.expires_ms <= now_ms:
                    if len(found) == most:
                        return found
                    found.append((stripe, record))
                else:
                    soonest = min(soonest, record.expires_ms)
        self._soonest[n] = soonest
        return found

    def _leave(self, address: bytes, size: int, stripe: HeldStripe) -> bool:
        """A stripe holds a share no more; whether nobody does."""
        homes = self._homes[address]
        if not isinstance(homes, dict):
            del self._homes[address]
            self.shares -= 1
            self.bytes_used -= share_cost(size)
            return True
        del homes[stripe]
        if len(homes) == 1:
            self._homes[address] = next(iter(homes))
        return False

    def _leave_upload(self, stripe: HeldStripe, upload: bytes) -> None:
        stripes = self._uploads[upload]
        del stripes[stripe]
        if not stripes:
            del self._uploads[upload]

    def _unrank(self, stripe: HeldStripe) -> None:
        if self._order is not None and stripe.rank != UNRANKED:
            self._order.remove(stripe)
        stripe.rank = UNRANKED

    def _rank(self, stripe: HeldStripe) -> None:
        if self._order is not None:
            stripe.rank = self._rank_of(stripe)
            self._order.add(stripe)
