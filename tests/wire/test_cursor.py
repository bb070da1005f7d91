"""The reader never reads past the end, and leaves nothing unread."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.errors import WireError
from dave.wire.cursor import ADDRESS_BYTES_MAX, Reader, encode_address
from tests.wire.made import addresses, neighbours


def test_reads_in_order():
    reader = Reader(b"x\x01\x02\x03abc", 1)
    assert reader.uint(1) == 1
    assert reader.uint(2) == 0x0302
    assert reader.take(1) == b"a"
    assert reader.rest() == b"bc"
    reader.done()


@given(st.binary(max_size=20), st.integers(0, 30))
def test_takes_all_or_raises(data, size):
    reader = Reader(data)
    if size <= len(data):
        assert reader.take(size) == data[:size]
        assert reader.offset == size
    else:
        with pytest.raises(WireError, match=f"{size - len(data)} bytes missing"):
            reader.take(size)
        assert reader.offset == 0


def test_trailing_bytes_are_an_error():
    reader = Reader(b"abc")
    reader.take(1)
    with pytest.raises(WireError, match="2 trailing"):
        reader.done()


@given(addresses())
def test_addresses_round_trip(address):
    data = encode_address(address)
    assert len(data) == (7 if "." in address[0] and ":" not in address[0] else ADDRESS_BYTES_MAX)
    reader = Reader(data)
    assert reader.address() == address
    reader.done()


@pytest.mark.parametrize("address", [("127.0.0.1", 1424), ("2001:db8::7", 65_535)])
def test_a_damaged_address_is_refused_or_reencodes_to_itself(address):
    for data in neighbours(encode_address(address)):
        reader = Reader(data)
        try:
            got = reader.address()
            reader.done()
        except WireError:
            continue
        assert encode_address(got) == data
        assert got != address


def test_an_ipv4_address_has_one_encoding():
    wrapped = b"\x06" + bytes(10) + b"\xff\xff\x7f\0\0\x01" + b"\x90\x05"
    with pytest.raises(WireError, match="wrapped"):
        Reader(wrapped).address()


def test_the_scope_of_a_link_local_address_stays_here():
    assert encode_address(("fe80::1%eth0", 1)) == encode_address(("fe80::1", 1))
