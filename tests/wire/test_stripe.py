"""Stripe records and releases: what they accept, what they refuse, and what is signed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.crypto import hashes, work
from dave.crypto.network import network
from dave.errors import WireError
from dave.limits import TTL_SECONDS_MAX
from dave.share_limits import BLOCK_BYTES, CODE_SHARES_MAX, STRIPE_RECORD_BYTES_MAX
from dave.wire.stripe import (
    Release,
    StripeRecord,
    encode_record,
    encode_release,
    place_of_stripe,
)
from tests.wire.made import U64, fixed, neighbours

OWNER = bytes(range(32))
REFERENCE = b"r" * 16
NETWORK = network()
SHAPE = (4, 6, BLOCK_BYTES, 1000)
ADDRESSES = b"".join(bytes((i,)) * 32 for i in range(6))


def made(shape=SHAPE, addresses=ADDRESSES, time=77 << 16 | 5, ttl=60, owner=OWNER):
    return StripeRecord(
        encode_record(owner, REFERENCE, time, ttl, shape, addresses, b"s" * 64, b"n" * 8)
    )


@st.composite
def shapes(draw):
    n = draw(st.integers(1, CODE_SHARES_MAX))
    k = draw(st.integers(1, n))
    share_bytes = draw(st.integers(1, BLOCK_BYTES) | st.just(BLOCK_BYTES))
    return k, n, share_bytes, draw(st.integers(1, share_bytes)) if k > 1 else share_bytes


@st.composite
def records(draw):
    shape = draw(shapes())
    addresses = draw(fixed(32 * shape[1]))
    ttl = draw(st.integers(1, TTL_SECONDS_MAX))
    fields = draw(fixed(32)), draw(fixed(16)), draw(U64), ttl, shape, addresses
    return StripeRecord(encode_record(*fields, draw(fixed(64)), draw(fixed(8))))


releases = st.builds(
    lambda *fields: Release(encode_release(*fields)), fixed(32), fixed(16), U64, fixed(64)
)


@given(records())
def test_fields_encode_to_the_same_bytes(record):
    shape = record.k, record.n, record.share_bytes, record.last_bytes
    fields = record.owner, record.reference, record.time, record.ttl, shape
    joined = b"".join(record.addresses)
    assert encode_record(*fields, joined, record.signature, record.nonce) == record.data
    assert StripeRecord(record.data) == record
    assert hash(StripeRecord(record.data)) == hash(record)
    assert record.shape.total_bytes == sum(map(record.size, range(record.n)))
    assert record.expires_ms == (record.time >> 16) + 1000 * record.ttl


@given(releases)
def test_a_release_encodes_to_the_same_bytes(release):
    fields = release.owner, release.reference, release.time, release.signature
    assert encode_release(*fields) == release.data
    assert Release(release.data) == release
    assert hash(Release(release.data)) == hash(release)
    assert len({release, 1}) == 2


RELEASE = Release(encode_release(OWNER, REFERENCE, 1, b"s" * 64))


@pytest.mark.parametrize("sample", [made(), made((1, 1, 1, 1), bytes(32)), RELEASE])
def test_damage_is_refused_or_another_of_the_same_bytes(sample):
    kind, refused = type(sample), 0
    for data in neighbours(sample.data):
        try:
            other = kind(data)
        except WireError:
            refused += 1
            continue
        assert len(data) == len(sample.data)
        assert other.data == data
        assert other != sample
    assert refused > len(sample.data)


@pytest.mark.parametrize(
    "shape",
    [
        (0, 6, 5, 5),
        (7, 6, 5, 5),
        (4, 6, 0, 0),
        (4, 6, BLOCK_BYTES + 1, 5),
        (4, 6, 5, 6),
        (4, 6, 5, 0),
        (1, 6, 5, 4),
        (4, 5, 5, 5),
    ],
)
def test_shapes_that_no_stripe_has(shape):
    with pytest.raises(WireError):
        made(shape)


def test_the_largest_and_one_share_more():
    n = CODE_SHARES_MAX
    assert len(made((n, n, 2, 1), bytes(32 * n)).data) == STRIPE_RECORD_BYTES_MAX
    with pytest.raises(WireError):
        made((n, n + 1, 2, 1), bytes(32 * (n + 1)))


@pytest.mark.parametrize("ttl", [0, TTL_SECONDS_MAX + 1])
def test_lifetimes_that_no_record_has(ttl):
    with pytest.raises(WireError):
        made(ttl=ttl)


def test_only_the_last_share_of_the_data_is_short():
    record = made()
    assert [record.size(i) for i in range(6)] == [BLOCK_BYTES] * 3 + [1000] + [BLOCK_BYTES] * 2
    assert record.address(5) == b"\x05" * 32


def test_the_id_covers_code_sizes_and_addresses_alone():
    same = made(time=5, ttl=5, owner=bytes(32))
    assert same.stripe_id == made().stripe_id
    for shape in ((3, 6, BLOCK_BYTES, 1000), (4, 6, 5000, 1000), (4, 6, BLOCK_BYTES, 999)):
        assert made(shape).stripe_id != made().stripe_id
    assert made(addresses=ADDRESSES[32:] + ADDRESSES[:32]).stripe_id != made().stripe_id
    assert place_of_stripe(made().stripe_id) == int.from_bytes(made().stripe_id[:8], "big")


def test_signed_is_all_but_nonce_and_signature_and_bound_to_the_network():
    record = made()
    again = record.with_proofs(b"t" * 64, b"m" * 8)
    assert (again.signature, again.nonce) == (b"t" * 64, b"m" * 8)
    assert again != record
    assert again.digest(NETWORK) == record.digest(NETWORK) != record.digest(network("other"))
    assert made(ttl=61).digest(NETWORK) != record.digest(NETWORK)
    # What is signed as one thing never passes for another.
    heads = {
        record.signed_bytes(NETWORK)[:24],
        RELEASE.signed_bytes(NETWORK)[:24],
        NETWORK.signed_prefix[:24],
    }
    assert len(heads) == 3


def test_all_shares_are_paid_for_at_the_price_of_disk():
    month = 30 * 86_400
    assert made(ttl=month).work == (5 * BLOCK_BYTES + 32_768) * month // (4096 * 1024)
    assert made((2, 3, 2, 1), ADDRESSES[:96], ttl=month).work == 3 * 32_768 * month // 4096 // 1024
    assert made((1, 1, 1, 1), bytes(32), ttl=1).work == 1
    digest = made().digest(NETWORK)
    prefix = hashes.STRIPE_STAMP_TAG + digest
    nonce = work.search(prefix, 300, 0, 10_000).to_bytes(8, "little")
    assert work.meets(hashes.stripe_stamp(digest, nonce), 300)


def test_repr_tells_no_secret():
    assert repr(made()) == f"StripeRecord(4/6, {5 * BLOCK_BYTES + 1000} bytes)"
    assert RELEASE.with_signature(b"t" * 64).data == b"t" * 64 + RELEASE.data[64:]
    assert repr(RELEASE) == f"Release({b'rrrr'.hex()}…)"
