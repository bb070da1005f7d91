"""Every packet: round trip, all prefixes, all single-byte changes, a trailing byte."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.errors import WireError
from dave.limits import PACKET_BYTES_MAX
from dave.wire.packet import (
    SIZES,
    Accept,
    Cookie,
    Data,
    Hello,
    Init,
    InitPayload,
    Packet,
    PacketType,
    decode,
    decode_init_payload,
)

R = Random(3)
SAMPLES: list[Packet] = [
    Hello(R.randbytes(16)),
    Cookie(R.randbytes(16), R.randbytes(32), R.randbytes(8), R.randbytes(8), R.randbytes(16),
           ("192.0.2.7", 65535)),
    Cookie(R.randbytes(16), R.randbytes(32), R.randbytes(8), R.randbytes(8), R.randbytes(16),
           ("2001:db8::7", 1)),
    Init(2**32 - 1, R.randbytes(16), R.randbytes(107)),
    Accept(1, 2**32 - 2, R.randbytes(48)),
    Data(7, 2**64 - 1, R.randbytes(16)),
]  # fmt: skip
IDS = [type(p).__name__ + str(i) for i, p in enumerate(SAMPLES)]
all_packets = pytest.mark.parametrize("packet", SAMPLES, ids=IDS)


@all_packets
def test_round_trip(packet: Packet) -> None:
    assert decode(packet.encode()) == packet
    assert type(decode(packet.encode())) is type(packet)


@all_packets
def test_every_prefix_is_refused(packet: Packet) -> None:
    data = packet.encode()
    for n in range(len(data)):
        with pytest.raises(WireError):
            decode(data[:n])


@all_packets
def test_every_changed_byte_is_refused_or_encodes_identically(packet: Packet) -> None:
    data = packet.encode()
    for i in range(len(data)):
        for value in range(256):
            changed = data[:i] + bytes((value,)) + data[i + 1 :]
            try:
                decoded = decode(changed)
            except WireError:
                assert changed != data
            else:
                assert decoded.encode() == changed


@pytest.mark.parametrize("packet", SAMPLES[:3], ids=IDS[:3])
def test_a_trailing_byte_is_refused(packet: Packet) -> None:
    for byte in (b"\0", b"\1"):
        with pytest.raises(WireError):
            decode(packet.encode() + byte)


@pytest.mark.parametrize("packet", SAMPLES[3:], ids=IDS[3:])
def test_the_largest_datagram_and_one_byte_more(packet: Packet) -> None:
    largest = packet.encode().ljust(PACKET_BYTES_MAX, b"\0")
    assert decode(largest).encode() == largest
    with pytest.raises(WireError):
        decode(largest + b"\0")


def test_sizes() -> None:
    assert len(SAMPLES[0].encode()) == 192
    assert [len(SAMPLES[i].encode()) for i in (1, 2)] == list(SIZES[PacketType.COOKIE])
    for packet in SAMPLES[3:]:
        assert len(packet.encode()) == SIZES[PacketType[type(packet).__name__.upper()]][0]


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    for candidate in (data, b"\1" + data, *(bytes((1, t)) + data for t in range(7))):
        try:
            assert decode(candidate).encode() == candidate
        except WireError:
            continue


PAYLOADS = [InitPayload(False, bytes(8), b""), InitPayload(True, R.randbytes(8), b"request")]


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("size", [0, 18, 400])
def test_init_payload(payload: InitPayload, size: int) -> None:
    data = payload.encode(size)
    assert len(data) == max(size, 11 + len(payload.message))
    assert decode_init_payload(data) == payload
    for n in range(11 + len(payload.message)):
        with pytest.raises(WireError):
            decode_init_payload(data[:n])
    with pytest.raises(WireError, match="padding"):
        decode_init_payload(data + b"\1")
    for i in range(len(data)):
        for value in range(256):
            changed = data[:i] + bytes((value,)) + data[i + 1 :]
            try:
                assert decode_init_payload(changed).encode(len(changed)) == changed
            except WireError:
                assert changed != data


def test_init_payload_flags() -> None:
    good = PAYLOADS[1].encode()
    with pytest.raises(WireError, match="flags"):
        decode_init_payload(b"\2" + good[1:])
    with pytest.raises(WireError, match="no node stamp"):
        decode_init_payload(b"\0" + good[1:])
