"""An entry's codec: what it accepts, what it refuses, and what is signed."""

import pytest
from hypothesis import given

from dave.crypto.network import network
from dave.errors import EntryError, WireError
from dave.limits import (
    ENTRY_BYTES_MAX,
    ENTRY_HEADER_BYTES,
    KEY_AND_VALUE_BYTES_MAX,
    TOMBSTONE_TTL_SECONDS,
    TTL_SECONDS_MAX,
)
from dave.share_limits import SEAL_BYTES
from dave.wire.entry import (
    BLOB,
    COMPRESSED,
    PRIVATE,
    TOMBSTONE,
    VALUE_FLAGS,
    Entry,
    check_fields,
    encode,
    order,
)
from tests.wire.made import entries, neighbours

OWNER = bytes(range(32))
NETWORK = network()


def made(key=b"key", value=b"value", time=77 << 16 | 5, ttl=60, flags=0):
    return Entry(encode(OWNER, key, value, time, ttl, flags, b"s" * 64, b"n" * 8))


def test_fields_are_read_back():
    entry = made()
    assert (entry.owner, entry.key, entry.value) == (OWNER, b"key", b"value")
    assert (entry.time, entry.ttl, entry.flags) == (77 << 16 | 5, 60, 0)
    assert (entry.signature, entry.nonce) == (b"s" * 64, b"n" * 8)
    assert entry.expires_ms == 77 + 60_000
    assert not entry.is_tombstone


@given(entries())
def test_fields_encode_to_the_same_bytes(entry):
    fields = (entry.owner, entry.key, entry.value, entry.time, entry.ttl, entry.flags)
    assert encode(*fields, entry.signature, entry.nonce) == entry.data
    assert Entry(entry.data) == entry
    assert hash(Entry(entry.data)) == hash(entry)


@pytest.mark.parametrize("entry", [made(), made(value=b"", ttl=TOMBSTONE_TTL_SECONDS, flags=1)])
def test_damage_is_refused_or_another_entry_of_the_same_bytes(entry):
    refused = 0
    for data in neighbours(entry.data):
        try:
            other = Entry(data)
        except WireError:
            refused += 1
            continue
        assert len(data) == len(entry.data)
        assert other.data == data
        assert other != entry
    assert refused > len(entry.data)


@pytest.mark.parametrize(
    "fields",
    [
        {"key": b"", "value": b"v"},
        {"ttl": 0},
        {"ttl": TTL_SECONDS_MAX + 1},
        {"flags": 3},
        {"flags": 5},
        {"flags": COMPRESSED | BLOB},
        {"flags": COMPRESSED | BLOB | PRIVATE, "value": bytes(40)},
        {"flags": TOMBSTONE | PRIVATE, "value": bytes(40)},
        {"flags": 16},
        {"flags": COMPRESSED, "value": b""},
        {"flags": BLOB, "value": b""},
        {"flags": PRIVATE, "value": bytes(SEAL_BYTES - 1)},
        {"flags": PRIVATE | BLOB, "value": bytes(SEAL_BYTES - 1)},
        {"flags": TOMBSTONE},
        {"flags": TOMBSTONE, "value": b"", "ttl": TOMBSTONE_TTL_SECONDS - 1},
        {"flags": TOMBSTONE, "ttl": TOMBSTONE_TTL_SECONDS},
        {"value": bytes(KEY_AND_VALUE_BYTES_MAX - 2)},
    ],
)
def test_what_is_out_of_range_is_no_entry(fields):
    with pytest.raises(WireError):
        made(**fields)


@pytest.mark.parametrize("flags", sorted(VALUE_FLAGS))
def test_flags_say_what_the_value_is(flags):
    entry = made(value=bytes(SEAL_BYTES), flags=flags)
    said = (entry.is_compressed, entry.is_blob, entry.is_private)
    assert said == (bool(flags & COMPRESSED), bool(flags & BLOB), bool(flags & PRIVATE))
    assert not entry.is_tombstone


def test_the_largest_entry():
    entry = made(value=bytes(KEY_AND_VALUE_BYTES_MAX - 3))
    assert len(entry.data) == ENTRY_BYTES_MAX
    check_fields(entry.key, entry.value, entry.ttl)
    assert len(made(key=b"k" * 255).key) == 255


@pytest.mark.parametrize(
    ("key", "value", "ttl", "said"),
    [
        (b"", b"", 1, "key is empty"),
        (b"k" * 256, b"", 1, "the key has 256 bytes"),
        (b"k", bytes(KEY_AND_VALUE_BYTES_MAX), 1, f"limit is {KEY_AND_VALUE_BYTES_MAX - 1}"),
        (b"k", b"", 0, "TTL is 0 s"),
        (b"k", b"", TTL_SECONDS_MAX + 1, "366 days"),
    ],
)
def test_a_caller_is_told_the_limit(key, value, ttl, said):
    with pytest.raises(EntryError, match=said):
        check_fields(key, value, ttl)


def test_signed_is_all_but_nonce_and_signature_and_bound_to_the_network():
    entry = made()
    assert entry.signed_bytes(NETWORK) == NETWORK.signed_prefix + entry.data[72:]
    stamped_anew = entry.with_proofs(b"t" * 64, b"m" * 8)
    assert stamped_anew != entry
    assert stamped_anew.digest(NETWORK) == entry.digest(NETWORK)
    assert stamped_anew.same_version(entry.data)
    assert not made(value=b"other").same_version(entry.data)
    assert entry.digest(network("other")) != entry.digest(NETWORK)


def test_key_and_value_cannot_be_cut_elsewhere():
    assert made(key=b"ab", value=b"c").digest(NETWORK) != made(key=b"a", value=b"bc").digest(
        NETWORK
    )


def test_identity_depends_on_owner_and_key_alone():
    other_owner = Entry(encode(bytes(32), b"key", b"value", 1, 60))
    assert made(value=b"1", time=1).id == made(value=b"2", time=2).id
    assert made(key=b"yek").id != made().id
    assert other_owner.id != made().id


def test_order_is_time_then_tombstone_then_digest():
    tombstone = made(value=b"", ttl=TOMBSTONE_TTL_SECONDS, flags=TOMBSTONE)
    assert order(made(time=78 << 16), NETWORK) > order(tombstone, NETWORK)
    assert order(tombstone, NETWORK) > order(made(), NETWORK)
    a, b = made(value=b"a"), made(value=b"b")
    assert (order(a, NETWORK) < order(b, NETWORK)) == (a.digest(NETWORK) < b.digest(NETWORK))


def test_repr_names_the_key_and_no_value():
    assert "b'key'" in repr(made())
    assert "value" not in repr(made())
    assert len(made().data) == ENTRY_HEADER_BYTES + 8
