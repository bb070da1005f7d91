"""What the records of stripes are worth to a node: which of two takes the other's place, and how a
whole stripe ranks."""

from dave.crypto import hashes, work
from dave.crypto.network import Network
from dave.names import Place
from dave.store.rank import UNRANKED, distance, rank
from dave.store.stripe_table import HeldStripe
from dave.wire.stripe import StripeRecord


class StripeRanks:
    """As one node ranks them."""

    def __init__(self, node_id: Place, network: Network, half_life_ms: int) -> None:
        self._node_id = node_id
        self._network = network
        self._half_life_ms = half_life_ms

    def surplus(self, record: StripeRecord, digest: bytes) -> float | None:
        """Bits of work beyond what is asked, 0.0 where none is; None for too little work."""
        if not self._network.asks_work:
            return 0.0
        stamp = hashes.stripe_stamp(digest, record.nonce)
        if not work.meets(stamp, record.work):
            return None
        return work.surplus_bits(stamp, record.work)

    def is_better(
        self, record: StripeRecord, digest: bytes, surplus: float, old: StripeRecord
    ) -> bool:
        """Whether a record takes the place of another of the same owner, reference and stripe: the
        newer one does, or the same with a better stamp."""
        if record.time != old.time:
            return record.time > old.time
        old_digest = old.digest(self._network)
        if digest != old_digest:
            return digest > old_digest
        return surplus > (self.surplus(old, digest) or 0.0)

    def of_record(self, record: StripeRecord, stripe_id: bytes, surplus: float) -> float:
        """The rank of a record, and so of what it keeps: as of an entry (rank.py)."""
        far = distance(stripe_id, self._node_id)
        return rank(record.time, far, self._half_life_ms, surplus, is_tombstone=False)

    def of_stripe(self, stripe: HeldStripe) -> float:
        """The rank of a stripe's best record."""
        if stripe.rank != UNRANKED:
            return stripe.rank
        return max(
            self.of_record(record, stripe.id, self._surplus_of(record))
            for record in map(StripeRecord, stripe.records)
        )

    def _surplus_of(self, record: StripeRecord) -> float:
        return self.surplus(record, record.digest(self._network)) or 0.0
