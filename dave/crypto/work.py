"""Proof of work in integers: what an entry or a node id costs, and whether a stamp pays it.

A work W is a number of hashes, the expected cost of a stamp. A stamp (32 bytes, hashes.py) read as
a big-endian integer is good for W when stamp * W < 2^256: exact, so that no two nodes can differ by
a rounding (DESIGN section 4). Only surplus bits are a float, since they weigh in a node's own rank
and never decide what is valid.
"""

from math import log2

from blake3 import blake3

from dave.crypto.hashes import STAMP_PREFIX_BYTES
from dave.limits import (
    STORE_OVERHEAD_BYTES,
    SURPLUS_BITS_MAX,
    WORK_BYTE_SECONDS_PER_HASH,
    WORK_MIN,
    WORK_NONCE_BYTES,
)
from dave.share_limits import SHARE_BYTE_SECONDS_PER_HASH

STAMP_SPACE = 1 << 256
"""How many stamps there are."""


def entry_work(encoded_bytes: int, ttl_seconds: int) -> int:
    """Expected hashes that an entry costs, at least 2^12: its encoded size and a store's overhead
    for it, times its lifetime, at one hash per kibibyte-second (DESIGN section 4)."""
    byte_seconds = (encoded_bytes + STORE_OVERHEAD_BYTES) * ttl_seconds
    return max(WORK_MIN, byte_seconds // WORK_BYTE_SECONDS_PER_HASH)


def share_work(share_bytes: int, ttl_seconds: int) -> int:
    """Expected hashes that a stripe record costs, at least 1: the bytes of all its shares that
    are to be paid for (wire/stripe.py) times their lifetime, at one hash per 4,096 kibibyte-seconds
    on disk (DESIGN sections 1 and 9)."""
    return max(1, share_bytes * ttl_seconds // SHARE_BYTE_SECONDS_PER_HASH)


def node_work(bits: int) -> int:
    """Expected hashes of a node's stamp with `bits` (0 to 64) leading zero bits."""
    return 1 << bits


def meets(stamp: bytes, work: int) -> bool:
    """Whether `stamp` (32 bytes) is good for `work` hashes; any stamp is for a work of 0."""
    return int.from_bytes(stamp, "big") * work < STAMP_SPACE


def threshold(work: int) -> int:
    """The largest stamp, as an integer, that is good for `work` hashes."""
    return (STAMP_SPACE - 1) // max(work, 1)


def surplus_bits(stamp: bytes, work: int) -> float:
    """Bits of work in `stamp` beyond `work` hashes, held to 0 to 24. Each doubles the cost.

    0.0 for a work of 0: a network that asks no work counts no surplus.
    """
    if work <= 0:
        return 0.0
    bits = 256 - log2(int.from_bytes(stamp, "big") + 1) - log2(work)
    return min(max(bits, 0.0), float(SURPLUS_BITS_MAX))


def search(prefix56: bytes, work: int, start: int, count: int) -> int | None:
    """The first nonce in [start, start + count) whose stamp is good for `work`, or None.

    A stamp is BLAKE3(prefix56, nonce as 8 bytes little-endian); nonces go up to 2^64 - 1. Runs in
    pure Python, about 2 million tries a second: call it in slices (edge/search.py drives it).
    """
    assert len(prefix56) == STAMP_PREFIX_BYTES
    limit = threshold(work).to_bytes(32, "big")
    for nonce in range(start, start + count):
        # Bytes compare as the big-endian integers they are, without making any.
        if blake3(prefix56 + nonce.to_bytes(WORK_NONCE_BYTES, "little")).digest() <= limit:
            return nonce
    return None
