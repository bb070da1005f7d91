"""Signed stripes of one owner, of random bytes that no code has seen: k = n."""

from random import Random

from dave.crypto import hashes, merkle, sign
from dave.crypto.work import search
from dave.wire.stripe import Release, StripeRecord, encode_record, encode_release


class SignedStripes:
    """`time` says the hybrid time; where the network asks work, stamps pay for it."""

    def __init__(self, network, time, seed=1):
        self._network = network
        self._time = time
        self.rng = Random(seed)
        self.seed = self.rng.randbytes(32)
        self.owner = sign.public_key(self.seed)

    def stripe(self, count=3, size=100_000, reference=b"r" * 16, ttl=3600):
        """A record of `count` shares, and the shares."""
        shares = [self.rng.randbytes(size) for _ in range(count)]
        return self.record(shares, reference, ttl), shares

    def record(self, shares, reference=b"r" * 16, ttl=3600):
        """The record of these shares."""
        addresses = b"".join(merkle.root(share) for share in shares)
        shape = len(shares), len(shares), len(shares[0]), len(shares[-1])
        data = encode_record(self.owner, reference, self._time(), ttl, shape, addresses)
        record = StripeRecord(data)
        signature = sign.sign(self.seed, record.signed_bytes(self._network))
        return record.with_proofs(signature, self._nonce(record))

    def _nonce(self, record):
        if not self._network.asks_work:
            return bytes(8)
        prefix = hashes.STRIPE_STAMP_TAG + record.digest(self._network)
        return search(prefix, record.work, 0, 64 * record.work).to_bytes(8, "little")

    def release(self, reference=b"r" * 16):
        """The owner's word on an upload."""
        bare = Release(encode_release(self.owner, reference, self._time()))
        return bare.with_signature(sign.sign(self.seed, bare.signed_bytes(self._network)))
