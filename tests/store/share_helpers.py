"""Stripe records for tests: valid in form, with addresses that nothing hashes to."""

from dave.names import hybrid_time
from dave.store.shares import ShareIndex
from dave.wire.stripe import Release, StripeRecord, encode_record, encode_release
from tests.store.helpers import CLOSED, DAY, NOW, OPEN, owner

CAPACITY = 1 << 20
SMALL = 40 << 10
"""A share that counts as small and a record: 32 + 8 KiB."""


def address(n: int) -> bytes:
    return n.to_bytes(32, "big")


def reference(n: int) -> bytes:
    return n.to_bytes(16, "big")


def stripe(
    addresses=(1, 2, 3),
    *,
    by: int = 1,
    upload: int = 1,
    k: int = 1,
    at: int = NOW,
    ttl: int = 86_400,
    size: int = 1000,
    last: int | None = None,
    nonce: int = 0,
) -> StripeRecord:
    shape = (k, len(addresses), size, size if last is None else last)
    joined = b"".join(map(address, addresses))
    return StripeRecord(
        encode_record(
            owner(by), reference(upload), hybrid_time(at), ttl, shape, joined,
            nonce=nonce.to_bytes(8, "little"),
        )
    )  # fmt: skip


def release(by: int = 1, upload: int = 1, at: int = NOW) -> Release:
    return Release(encode_release(owner(by), reference(upload), hybrid_time(at)))


def key_of(record):
    return record.stripe_id, record.owner, record.reference


def open_index(capacity: int = CAPACITY, half_life_ms: int = DAY) -> ShareIndex:
    """In a network that asks work."""
    return ShareIndex(7, capacity, OPEN, half_life_ms)


def closed_index(capacity: int = CAPACITY) -> ShareIndex:
    """In a network that asks none."""
    return ShareIndex(7, capacity, CLOSED, DAY)


def offer(index, record, number=0, now=NOW):
    """Judge, and insert if wanted; the status said in the end, and what went."""
    verdict = index.judge(record, number, now)
    if verdict.status.name == "WANTED" or verdict.is_new:
        insertion = index.insert(record, number, now, is_written=not verdict.is_new)
        assert insertion.status.name == "STORED"
        return verdict.status.name, insertion.gone
    return verdict.status.name, None
