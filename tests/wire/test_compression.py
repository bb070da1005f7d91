"""Compressed values: what was put comes back, and nothing makes a reader swell."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.errors import WireError
from dave.limits import INFLATED_BYTES_MAX
from dave.wire.compression import compressed, plain_value
from dave.wire.entry import BLOB, COMPRESSED, PRIVATE, Entry, encode
from tests.wire.made import neighbours

VALUE = b"one value, and one value more"


def entry(value, flags=COMPRESSED):
    return Entry(encode(bytes(32), b"k", value, 1 << 16, 60, flags))


@given(st.binary(max_size=50), st.integers(1, 1300))
def test_what_was_compressed_comes_back(part, times):
    value = part * times
    packed = compressed(value)
    if packed is not None:
        assert len(packed) < len(value)
        if len(packed) < 1200:
            assert plain_value(entry(packed)) == value
    elif value and len(value) < 1200:
        assert plain_value(entry(value, flags=0)) == value


def test_it_is_used_only_where_it_helps():
    assert compressed(b"a" * INFLATED_BYTES_MAX)
    assert compressed(b"a" * (INFLATED_BYTES_MAX + 1)) is None
    assert compressed(bytes(range(256))) is None
    assert compressed(b"") is None


def test_the_largest_value_inflates_and_one_byte_more_does_not():
    largest = bytes(INFLATED_BYTES_MAX)
    assert plain_value(entry(zlib.compress(largest))) == largest
    for size in (INFLATED_BYTES_MAX + 1, 1_000_000):
        with pytest.raises(WireError, match="more than 65536 bytes"):
            plain_value(entry(zlib.compress(bytes(size), 9)))


def inflated(value):
    try:
        return plain_value(entry(value))
    except WireError as error:
        return str(error)


def test_damage_is_told_whatever_it_is():
    good = zlib.compress(VALUE)
    for wrong in neighbours(good):
        if wrong:
            found = inflated(wrong)
            # Bits of zlib's header say how hard it was compressed, which is no damage.
            assert "compressed" in found if isinstance(found, str) else wrong[2:] == good[2:]
            assert isinstance(found, str) or found == VALUE
    assert "tail" in inflated(good + b"\0")


@pytest.mark.parametrize("flags", [BLOB, PRIVATE, BLOB | PRIVATE, PRIVATE | COMPRESSED])
def test_what_is_sealed_or_a_root_is_no_plain_value(flags):
    entry = Entry(encode(bytes(32), b"k", bytes(40), 1, 60, flags))
    with pytest.raises(WireError, match="sealed, or the root"):
        plain_value(entry)
