"""The declarations against the fast codecs: the same verdict and the same fields on any bytes."""

import re
from pathlib import Path

import pytest
from hypothesis import given

from dave.errors import WireError
from dave.wire import layout, packet
from dave.wire.cursor import Reader, encode_address
from dave.wire.entry import Entry
from tests.wire.made import (
    addresses,
    damaged,
    entries,
    fixed,
    init_payloads,
    neighbours,
    packets,
)

ROOT = Path(__file__).parents[2]


def verdict(decode, data):
    """What `decode` makes of the bytes; None for a refusal."""
    try:
        return decode(data)
    except WireError:
        return None


def plain_address(parsed):
    data = bytes((parsed.family,)) + parsed.ip + parsed.port.to_bytes(2, "little")
    reader = Reader(data)
    return reader.address()


def entry_fields(parsed):
    names = ("nonce", "signature", "flags", "time", "ttl", "owner", "key", "value")
    return tuple(getattr(parsed, name) for name in names)


def agree_on_entry(data):
    ours, declared = verdict(Entry, data), verdict(layout.ENTRY.parse, data)
    assert (ours is None) == (declared is None)
    if ours is not None:
        assert entry_fields(ours) == entry_fields(declared)
        assert layout.ENTRY.build(declared) == data
    return ours is not None


def packet_declared(data):
    declaration = layout.PACKETS.get(data[1]) if len(data) > 1 else None
    return verdict(declaration.parse, data) if declaration else None


def agree_on_packet(data):
    ours, declared = verdict(packet.decode, data), packet_declared(data)
    assert (ours is None) == (declared is None)
    if ours is None:
        return False
    for name, value in ours._asdict().items():
        other = plain_address(declared.address) if name == "address" else declared[name]
        assert value == other
    assert layout.PACKETS[data[1]].build(declared) == data == ours.encode()
    return True


def agree_on_init_payload(data):
    ours = verdict(packet.decode_init_payload, data)
    declared = verdict(layout.INIT_PAYLOAD.parse, data)
    assert (ours is None) == (declared is None)
    if ours is not None:
        assert ours == (bool(declared.flags), declared.nonce, declared.message)
    return ours is not None


@given(damaged(entries().map(lambda entry: entry.data)))
def test_entries_agree(data):
    agree_on_entry(data)


@given(damaged(packets.map(lambda made: made.encode())))
def test_packets_agree(data):
    agree_on_packet(data)


@given(damaged(init_payloads))
def test_init_payloads_agree(data):
    agree_on_init_payload(data)


@given(damaged(addresses().map(encode_address)))
def test_addresses_agree(data):
    def read(data):
        reader = Reader(data)
        address = reader.address()
        reader.done()
        return address

    ours, declared = verdict(read, data), verdict(layout.ADDRESS.parse, data)
    assert (ours is None) == (declared is None)
    if ours is not None:
        assert plain_address(declared) == ours


ENTRY_SAMPLE = layout.ENTRY.build(
    {
        "nonce": bytes(8),
        "signature": bytes(64),
        "flags": 0,
        "time": 1,
        "ttl": 1,
        "value_length": 3,
        "owner": bytes(32),
        "key_length": 2,
        "key": b"ke",
        "value": b"val",
    }
)
PACKET_SAMPLES = [
    packet.Hello(b"r" * 16),
    packet.Cookie(b"e" * 16, b"k" * 32, b"n" * 8, b"p" * 8, b"c" * 16, ("10.0.0.1", 9)),
    packet.Cookie(b"e" * 16, b"k" * 32, b"n" * 8, b"p" * 8, b"c" * 16, ("2001:db8::1", 9)),
    packet.Init(1, bytes(16), b"x" * 107),
    packet.Accept(1, 2, b"x" * 48),
    packet.Data(1, 2, b"x" * 16),
]


def test_the_neighbours_of_an_entry_agree():
    assert agree_on_entry(ENTRY_SAMPLE)
    verdicts = {agree_on_entry(data) for data in neighbours(ENTRY_SAMPLE)}
    assert verdicts == {True, False}


@pytest.mark.parametrize("sample", PACKET_SAMPLES, ids=lambda sample: type(sample).__name__)
def test_the_neighbours_of_a_packet_agree(sample):
    data = sample.encode()
    assert agree_on_packet(data)
    assert False in {agree_on_packet(other) for other in neighbours(data)}


@pytest.mark.parametrize(("kind", "noise_at"), [(3, 22), (4, 10), (5, 14)])
def test_the_largest_packet_agrees(kind, noise_at):
    head = bytes((1, kind)) + bytes(noise_at - 2)
    assert agree_on_packet(head + bytes(1424 - noise_at))
    assert not agree_on_packet(head + bytes(1425 - noise_at))


def test_unknown_versions_and_types_are_refused_by_both():
    hello = PACKET_SAMPLES[0].encode()
    assert not agree_on_packet(b"\x02" + hello[1:])
    assert not agree_on_packet(b"\x01\x06" + hello[2:])
    assert not agree_on_packet(b"")


@given(fixed(16))
def test_located_and_plain_read_the_same(random):
    data = packet.Hello(random).encode()
    plain, located = layout.HELLO.parse(data), layout.HELLO.parse(data, located=True)
    assert located.random == plain.random == random
    assert (located["@type"], located["@random"], located["@padding"]) == (2, 18, 192)


def test_what_makes_no_entry_cannot_be_built():
    with pytest.raises(WireError, match="no valid entry"):
        layout.ENTRY.build({"nonce": bytes(7)})


def test_construct_is_imported_by_declarations_only():
    importers = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "dave").rglob("*.py"))
        if re.search(r"^\s*(from|import) construct\b", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert importers == [path for path in importers if path.startswith("dave/wire/layout")]
    assert "dave/wire/layout.py" in importers
