"""Real nodes that keep shares, and real clients of them."""

import random
import time

import dave
from dave.crypto import merkle, sign
from dave.names import hybrid_time
from dave.wire.stripe import Release, StripeRecord, encode_record, encode_release

NETWORK = {"network": "shares", "secret": b"sixteen bytes ok"}


def node_at(folder, *edges, **options):
    options = {"sync": "never", "blob_capacity": 1 << 30, **options}
    config = dave.Config(listen="127.0.0.1:0", edges=edges, data=folder, **NETWORK, **options)
    return dave.Node(config)


class Stripes:
    """Signed stripes of one owner, of random bytes."""

    def __init__(self, core, seed=1):
        self._core = core
        self._rng = random.Random(seed)
        self._seed = self._rng.randbytes(32)
        self.owner = sign.public_key(self._seed)

    def make(self, count=4, size=262_144, reference=b"r" * 16):
        """A record of `count` shares (k = n), and the shares."""
        shares = [self._rng.randbytes(size) for _ in range(count)]
        addresses = b"".join(map(merkle.root, shares))
        shape = count, count, size, size
        now = hybrid_time(time.time_ns() // 1_000_000)
        record = StripeRecord(encode_record(self.owner, reference, now, 3600, shape, addresses))
        signature = sign.sign(self._seed, record.signed_bytes(self._core.network))
        return record.with_proofs(signature, bytes(8)), shares

    def release(self, reference=b"r" * 16):
        now = hybrid_time(time.time_ns() // 1_000_000)
        release = Release(encode_release(self.owner, reference, now))
        signature = sign.sign(self._seed, release.signed_bytes(self._core.network))
        return Release(signature + release.data[64:])
