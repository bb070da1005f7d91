"""An owner of entries: signs and stamps what simulated clients put."""

from collections.abc import Sequence
from random import Random

from dave.crypto import hashes, sign
from dave.crypto.network import Network
from dave.crypto.work import entry_work, search
from dave.limits import TOMBSTONE_TTL_SECONDS
from dave.names import HybridTime
from dave.wire.entry import TOMBSTONE, Entry, encode
from dave.wire.stripe import Shape, StripeRecord, encode_record


class Owner:
    """An Ed25519 key and what it can make."""

    def __init__(self, rng: Random, network: Network) -> None:
        self._seed = rng.randbytes(sign.SEED_BYTES)
        self._network = network
        self.public_key = sign.public_key(self._seed)

    def entry(self, key: bytes, value: bytes, time: HybridTime, ttl: int = 3600) -> Entry:
        """A signed entry, with a stamp where the network asks for one."""
        return self._prove(Entry(encode(self.public_key, key, value, time, ttl)))

    def tombstone(self, key: bytes, time: HybridTime) -> Entry:
        """The retraction of a key."""
        ttl = TOMBSTONE_TTL_SECONDS
        return self._prove(Entry(encode(self.public_key, key, b"", time, ttl, TOMBSTONE)))

    def stamped(self, entry: Entry, start: int) -> Entry:
        """The same version under a stamp searched from another nonce on."""
        nonce = stamp_nonce(entry, self._network, start)
        return entry.with_proofs(entry.signature, nonce)

    def record(
        self, shape: Shape, addresses: Sequence[bytes], time: HybridTime, ttl: int,
        reference: bytes,
    ) -> StripeRecord:  # fmt: skip
        """The record of a stripe, without a stamp: for networks that ask no work."""
        joined = b"".join(addresses)
        data = encode_record(self.public_key, reference, time, ttl, shape, joined)
        record = StripeRecord(data)
        signature = sign.sign(self._seed, record.signed_bytes(self._network))
        return record.with_proofs(signature, bytes(8))

    def _prove(self, entry: Entry) -> Entry:
        signature = sign.sign(self._seed, entry.signed_bytes(self._network))
        nonce = stamp_nonce(entry, self._network) if self._network.asks_work else bytes(8)
        return entry.with_proofs(signature, nonce)


def stamp_nonce(entry: Entry, network: Network, start: int = 0) -> bytes:
    """The first nonce from `start` on that pays for an entry."""
    prefix = hashes.ENTRY_STAMP_TAG + entry.digest(network)
    work = entry_work(len(entry.data), entry.ttl)
    while (nonce := search(prefix, work, start, work)) is None:
        start += work
    return nonce.to_bytes(8, "little")
