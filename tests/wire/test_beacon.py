"""Beacons: known to their network only, and nothing but exactly one is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.crypto.network import network
from dave.errors import WireError
from dave.wire import layout
from dave.wire.beacon import Beacon
from dave.wire.describe import describe, kind_of
from tests.wire.made import damaged, fixed

KEY = network("home", b"sixteen bytes ok").key
SAMPLE = Beacon.make(1424, bytes(range(16)), KEY)
beacons = st.builds(Beacon, st.integers(1, 65_535), fixed(16), fixed(16))


def test_only_its_network_knows_it() -> None:
    assert SAMPLE.made_in(KEY)
    for other in (network("home"), network("other", b"sixteen bytes ok")):
        assert not SAMPLE.made_in(other.key)
    again = Beacon.make(1424, bytes(16), KEY)
    assert again.tag != SAMPLE.tag
    assert not again._replace(port=1425).made_in(KEY)


@given(beacons)
def test_round_trip(beacon: Beacon) -> None:
    assert Beacon.decode(beacon.encode()) == beacon


def test_prefixes_and_trailing_bytes_are_refused() -> None:
    data = SAMPLE.encode()
    for wrong in (*(data[:n] for n in range(len(data))), data + b"\0"):
        with pytest.raises(WireError):
            Beacon.decode(wrong)


def test_every_changed_byte_is_refused_or_belongs_to_no_network() -> None:
    data = SAMPLE.encode()
    for i in range(len(data)):
        for flip in (1, 0x80, 0xFF):
            changed = data[:i] + bytes((data[i] ^ flip,)) + data[i + 1 :]
            try:
                assert not Beacon.decode(changed).made_in(KEY)
            except WireError:
                assert i < 2


@given(damaged(beacons.map(Beacon.encode)))
def test_the_declaration_agrees(data: bytes) -> None:
    try:
        ours = Beacon.decode(data)
    except WireError:
        with pytest.raises(WireError):
            layout.BEACON.parse(data)
        return
    declared = layout.BEACON.parse(data)
    assert ours == (declared.port, declared.random, declared.tag)
    assert layout.BEACON.build(declared) == data


def test_it_is_described() -> None:
    assert kind_of(SAMPLE.encode()) == "BEACON"
    assert [field.name for field in describe(SAMPLE.encode())] == [
        "version", "type", "port", "random", "tag",
    ]  # fmt: skip


def test_a_port_of_0_is_none() -> None:
    with pytest.raises(WireError):
        Beacon.decode(SAMPLE._replace(port=0).encode())
