"""All shares that a node keeps, and the stripe records that keep them: one rule of admission, one
of eviction. Their bytes are elsewhere (edge/shares/files.py); here is what they are, in memory.

The rule is that of entries (store.py). A stripe's rank is that of its best record, by its age, its
work and the closeness of its place. Where the node is full, stripes of lower rank make room. Where
the network asks no work nothing was paid to displace what another was promised, so that nothing is
evicted there: the node says FULL.

`judge` says what would become of a share and changes nothing; `insert` follows once it is on the
disk, and decides anew.
"""

from collections.abc import Callable, Sequence
from math import floor
from typing import NamedTuple

from dave.crypto.network import Network
from dave.limits import CLOCK_AHEAD_MS_MAX, SURPLUS_BITS_MAX
from dave.names import Place, UnixMs, hybrid_ms
from dave.share_limits import (
    SIBLINGS_PASSED_MAX,
    STRIPE_RECORD_COST_BYTES,
    STRIPE_RECORDS_MAX,
    STRIPES_SLICE,
)
from dave.store.rank import UNRANKED
from dave.store.releases import Releases
from dave.store.stripe_ranks import StripeRanks
from dave.store.stripe_table import SLICES, HeldStripe, RecordKey, StripeTable
from dave.wire.share_status import ShareStatus
from dave.wire.stripe import Release, StripeRecord, share_cost

DETAIL_MAX = 2**32 - 1


class Plan(NamedTuple):
    """How a share with its record would be taken in."""

    status: ShareStatus
    """STORED, or LOW_RANK or FULL with a detail."""
    detail: int = 0
    victims: Sequence[HeldStripe] = ()
    """Stripes that make room."""


class Judgement(NamedTuple):
    """What would become of a share that is offered with a record."""

    status: ShareStatus
    """WANTED, HELD or a reason to refuse."""
    detail: int = 0
    """As the status says."""
    digest: bytes = b""
    """Of the record, 32 bytes, with WANTED, and with HELD if `is_new`."""
    surplus: float = 0.0
    """Bits of work beyond what is asked, with WANTED, and with HELD if `is_new`."""
    is_new: bool = False
    """With HELD: the share is here, the record is not (or is better than the one held). Verify
    its signature, SaveRecord, then `insert`, then say HELD."""
    mask: int = 0
    """With WANTED, and with HELD if `is_new`: the mask to save with the record."""


class Gone(NamedTuple):
    """What the index does not hold any more: pass it on as DropShares(*gone)."""

    addresses: Sequence[bytes] = ()
    records: Sequence[RecordKey] = ()

    def __bool__(self) -> bool:
        return bool(self.addresses or self.records)


class Insertion(NamedTuple):
    """How an insertion went. Pass `gone` on in any case."""

    status: ShareStatus
    """STORED; or EXPIRED, RELEASED, LOW_RANK, FULL or BUSY where that has changed since it was
    judged: then what was written is in `gone`."""
    gone: Gone


class ShareIndex:
    """Shares by address, stripes by id, within `capacity_bytes`.

    A share counts its bytes, at least 32 KiB, and a record 8 KiB. Where more is held than the
    capacity, since that was lowered, nothing goes for that alone.
    """

    def __init__(
        self, node_id: Place, capacity_bytes: int, network: Network, half_life_ms: int
    ) -> None:
        self.capacity_bytes = capacity_bytes
        self.on_lost: Callable[[StripeRecord], None] | None = None
        """Told of each stripe of a share that `lost` was called for, before that is forgotten."""
        self._network = network
        self._ranks = StripeRanks(node_id, network, half_life_ms)
        self._table = StripeTable(self._ranks.of_stripe)
        self._released = Releases()
        self._sweep: list[tuple[bytes, bytes, list[HeldStripe]]] = []
        """What is left of large uploads that were released."""
        self._slice = 0

    # --- Admission ---------------------------------------------------------------------------

    def judge(self, record: StripeRecord, number: int, now_ms: UnixMs) -> Judgement:
        """Whether a share would be taken in; changes nothing. All is checked but the signature."""
        if not 0 <= number < record.n:
            return Judgement(ShareStatus.BAD)
        if record.expires_ms <= now_ms:
            return Judgement(ShareStatus.EXPIRED)
        ahead_ms = hybrid_ms(record.time) - now_ms
        if ahead_ms > CLOCK_AHEAD_MS_MAX:
            return Judgement(ShareStatus.FUTURE, min(ahead_ms // 1000, DETAIL_MAX))
        if record.owner + record.reference in self._released:
            return Judgement(ShareStatus.RELEASED)
        size = self._table.size(record.address(number))
        if size is not None and size != record.size(number):
            return Judgement(ShareStatus.BAD)
        stripe_id = record.stripe_id
        stripe = self._table.get(stripe_id)
        bit = 1 << number
        old = None if stripe is None else stripe.find(record.owner, record.reference)
        is_held = stripe is not None and stripe.mask & bit
        if is_held and old is not None and old.data == record.data:
            return Judgement(ShareStatus.HELD)
        digest = record.digest(self._network)
        surplus = self._ranks.surplus(record, digest)
        if surplus is None:
            return Judgement(ShareStatus.LOW_WORK, min(record.work, DETAIL_MAX))
        if is_held and old is not None and not self._ranks.is_better(record, digest, surplus, old):
            return Judgement(ShareStatus.HELD)
        plan = self._plan(record, stripe_id, number, surplus)
        if plan.status is not ShareStatus.STORED:
            return Judgement(plan.status, plan.detail)
        status = ShareStatus.WANTED if size is None else ShareStatus.HELD
        return Judgement(status, 0, digest, surplus, size is not None, bit)

    def insert(
        self, record: StripeRecord, number: int, now_ms: UnixMs, *, is_written: bool = True
    ) -> Insertion:
        """Take in a share that `judge` wanted, once it is on the disk with its record.

        `is_written`: by WriteShare. False after a SaveRecord, for a share that was HELD: should
        that have gone meanwhile, the answer is BUSY.
        """
        stripe_id = record.stripe_id
        address = record.address(number)
        size = self._table.size(address)
        stripe = self._table.get(stripe_id)
        old = None if stripe is None else stripe.find(record.owner, record.reference)
        digest = record.digest(self._network)
        surplus = self._ranks.surplus(record, digest) or 0.0
        if record.expires_ms <= now_ms:
            plan = Plan(ShareStatus.EXPIRED)
        elif record.owner + record.reference in self._released:
            plan = Plan(ShareStatus.RELEASED)
        elif size != record.size(number) and not (size is None and is_written):
            plan = Plan(ShareStatus.BUSY)
        else:
            plan = self._plan(record, stripe_id, number, surplus)
        if plan.status is not ShareStatus.STORED:
            keys = [(stripe_id, record.owner, record.reference)] if old is None else []
            return Insertion(plan.status, Gone([address] if size is None else [], keys))
        if old is not None and not self._ranks.is_better(record, digest, surplus, old):
            record = old
        # First what comes: a share that victims hold too must not be dropped.
        self._table.add(stripe_id, record, 1 << number)
        return Insertion(plan.status, self._remove(plan.victims))

    def load(self, record: StripeRecord, mask: int) -> bool:
        """Take in a record from the disk, when the node starts, and the shares in `mask`, which are
        there; whether it is held now. It is not if it was released.

        What is held beyond the capacity stays: it was promised. No time is looked at: a clock that
        is wrong must not lose what is stored. `expire` does that, once it is known to be right.
        """
        mask &= (1 << record.n) - 1
        for number in range(record.n):
            size = self._table.size(record.address(number))
            if size is not None and size != record.size(number):
                mask &= ~(1 << number)
        if not mask:
            return False
        if record.owner + record.reference in self._released:
            return False
        self._table.add(record.stripe_id, record, mask)
        return True

    # --- What is held ------------------------------------------------------------------------

    def holds(self, address: bytes) -> int | None:
        """The size in bytes of a share that is held."""
        return self._table.size(address)

    def stripe(self, stripe_id: bytes) -> tuple[StripeRecord, int] | None:
        """The record of a stripe that lives longest, and which of its shares are held (bit i:
        share i)."""
        records = self.records(stripe_id)
        stripe = self._table.get(stripe_id)
        if stripe is None:
            return None
        return max(records, key=lambda record: record.expires_ms), stripe.mask

    def records(self, stripe_id: bytes) -> list[StripeRecord]:
        """All records of a stripe, one for each upload that has it."""
        stripe = self._table.get(stripe_id)
        return [] if stripe is None else [StripeRecord(data) for data in stripe.records]

    def has_record(self, key: RecordKey) -> bool:
        """Whether there is a record of that stripe, owner and reference."""
        stripe = self._table.get(key[0])
        return stripe is not None and stripe.find(key[1], key[2]) is not None

    def stripes_in(self, n: int) -> list[bytes]:
        """The ids of all stripes in slice n (0 to 255), in order of arrival."""
        return list(self._table.in_slice(n))

    @property
    def bytes_used(self) -> int:
        """What is held, in the measure of the capacity."""
        return self._table.bytes_used

    def __len__(self) -> int:
        """Shares held."""
        return self._table.shares

    # --- What goes ---------------------------------------------------------------------------

    def release(self, release: Release) -> tuple[int, Gone]:
        """Let go of all records of an upload, for ever; how many there were. The caller has checked
        the signature. Of a large upload the rest goes in `expire`."""
        stripes = list(self._table.upload(release.owner, release.reference))
        self._released.add(release.owner + release.reference, was_here=bool(stripes))
        under_way = [(owner, reference) for owner, reference, _ in self._sweep]
        if stripes and (release.owner, release.reference) not in under_way:  # told once more
            self._sweep.append((release.owner, release.reference, stripes))
        return len(stripes), self._go_on()

    def is_release_lasting(self, release: Release) -> bool:
        """Whether a release is to be remembered on the disk."""
        return self._released.is_lasting(release.owner + release.reference)

    def load_release(self, owner: bytes, reference: bytes) -> None:
        """Take in a release when the node starts, before any record."""
        self._released.add(owner + reference)

    def expire(self, now_ms: UnixMs) -> Gone:
        """Let go of what has had its time, or was released: some each time, so that the loop never
        stops for long. To be called every few seconds."""
        gone = self._go_on()
        if not self._table.bytes_used:
            return gone  # nothing is held: no look at all slices
        addresses, records = list(gone.addresses), list(gone.records)
        for _ in range(SLICES):
            left = STRIPES_SLICE - len(records)
            if left <= 0:
                break
            if self._table.is_due(self._slice, now_ms):
                for stripe, record in self._table.due(self._slice, now_ms, left):
                    records.append((stripe.id, record.owner, record.reference))
                    addresses += self._table.remove_record(stripe, record.owner, record.reference)
            if len(records) < STRIPES_SLICE:
                self._slice = (self._slice + 1) % SLICES
        return Gone(addresses, records)

    def lost(self, address: bytes) -> Gone:
        """A share turned out to be damaged or missing: it is not held any more."""
        homes = self._table.homes(address)
        if not homes:
            return Gone()
        if self.on_lost is not None:
            for stripe in list(homes):
                self.on_lost(StripeRecord(stripe.records[0]))
        gone = self._remove(self._table.remove_share(address))
        return Gone([address, *gone.addresses], gone.records)

    def _go_on(self) -> Gone:
        """Let go of up to STRIPES_SLICE records that were released."""
        addresses: list[bytes] = []
        records: list[RecordKey] = []
        while self._sweep and len(records) < STRIPES_SLICE:
            owner, reference, stripes = self._sweep[-1]
            if not stripes:
                self._sweep.pop()
                continue
            stripe = stripes.pop()
            # It may have gone since, or come anew.
            if self._table.get(stripe.id) is stripe and stripe.find(owner, reference) is not None:
                records.append((stripe.id, owner, reference))
                addresses += self._table.remove_record(stripe, owner, reference)
        return Gone(addresses, records)

    def _remove(self, stripes: Sequence[HeldStripe]) -> Gone:
        addresses: list[bytes] = []
        records: list[RecordKey] = []
        for stripe in stripes:
            held = map(StripeRecord, stripe.records)
            records += [(stripe.id, record.owner, record.reference) for record in held]
            addresses += self._table.remove(stripe)
        return Gone(addresses, records)

    # --- Rank --------------------------------------------------------------------------------

    def _plan(self, record: StripeRecord, stripe_id: bytes, number: int, surplus: float) -> Plan:
        table = self._table
        stripe = table.get(stripe_id)
        full = Plan(ShareStatus.FULL, min(self.capacity_bytes >> 10, DETAIL_MAX))
        is_more = stripe is None or stripe.find(record.owner, record.reference) is None
        if stripe is not None and is_more and len(stripe.records) >= STRIPE_RECORDS_MAX:
            # Anybody may add records to a stripe, and release them: none gives its place up, or a
            # stranger could so put out the owner's. Who comes too late is told, and asks others.
            return full
        address = record.address(number)
        cost = STRIPE_RECORD_COST_BYTES if is_more else 0
        if table.size(address) is None:
            cost += share_cost(record.size(number))
        # Who lowered the capacity below what is held does not break promises by that alone.
        need = min(table.bytes_used + cost - self.capacity_bytes, cost)
        if need <= 0:
            return Plan(ShareStatus.STORED)
        if cost > self.capacity_bytes or not self._network.asks_work:
            return full
        newcomer = self._ranks.of_record(record, stripe_id, surplus)
        if stripe is not None:
            newcomer = max(newcomer, self._ranks.of_stripe(stripe))
        victims, outrank = self._victims(need, stripe, address, record)
        if victims is None:
            return full
        if newcomer > outrank:
            return Plan(ShareStatus.STORED, 0, victims)
        return _low_rank(outrank - newcomer, surplus) or full

    def _victims(
        self, need: int, spared: HeldStripe | None, address: bytes, record: StripeRecord
    ) -> tuple[list[HeldStripe] | None, float]:
        """Stripes of the lowest rank that make up `need` bytes, without the stripe and the share
        that come; and the highest rank among them. None where all together do not.

        No upload displaces its own stripes: it would else be acknowledged, part by part, and not
        be there in the end.
        """
        siblings = 0
        victims: list[HeldStripe] = []
        outrank = UNRANKED
        left: dict[bytes, int] = {}
        for stripe in self._table.lowest():
            if need <= 0:
                break
            if stripe is spared:
                continue
            if stripe.find(record.owner, record.reference) is not None:
                if (siblings := siblings + 1) > SIBLINGS_PASSED_MAX:
                    return None, outrank
                continue
            victims.append(stripe)
            outrank = stripe.rank
            need -= len(stripe.records) * STRIPE_RECORD_COST_BYTES
            for each, size in stripe.held().items():
                left[each] = left.get(each, len(self._table.homes(each))) - 1
                if not left[each] and each != address:
                    need -= share_cost(size)
        return (victims, outrank) if need <= 0 else (None, outrank)


def _low_rank(short: float, surplus: float) -> Plan | None:
    """So many bits are lacking; None where no stamp has so many."""
    # An equal rank displaces nobody: whole bits that lift the newcomer strictly above.
    bits = floor(short) + 1
    return Plan(ShareStatus.LOW_RANK, bits) if surplus + bits <= SURPLUS_BITS_MAX else None
