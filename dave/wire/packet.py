"""The five packets, as they stand in a datagram (DESIGN section 6).

All start with version 1 and a type; integers are little-endian, offsets fixed. What follows a
handshake's fixed fields is a Noise message, opaque here.

    HELLO   ver 1 | type 1 | random 16 | zeros to 192
    COOKIE  ver 1 | type 1 | echo 16 | public key 32 | nonce 8 | proof 8 | cookie 16 | address 7/19
    INIT    ver 1 | type 1 | sender 4 | cookie 16 | noise message 1
    ACCEPT  ver 1 | type 1 | receiver 4 | sender 4 | noise message 2
    DATA    ver 1 | type 1 | receiver 4 | counter 8 | ciphertext and tag

An INIT's Noise payload is flags 1 | nonce 8 | length 2 | message | zeros: the padding pays for the
reply, since an ACCEPT is never larger than its INIT.
"""

from collections.abc import Callable
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from dave.errors import WireError
from dave.limits import (
    ACCEPT_OVERHEAD_BYTES,
    AEAD_TAG_BYTES,
    COOKIE_PACKET_BYTES_MAX,
    DATA_HEADER_BYTES,
    HELLO_BYTES,
    INIT_OVERHEAD_BYTES,
    PACKET_BYTES_MAX,
    PROTOCOL_VERSION,
)
from dave.names import Address
from dave.wire.cursor import Reader, encode_address


class PacketType(IntEnum):
    """Second byte of every datagram."""

    HELLO = 1
    """Who are you? Carries nothing but a question and padding."""
    COOKIE = 2
    """Answer to HELLO, or to INIT under load; leaves no state."""
    INIT = 3
    """First Noise message: opens a session and carries one request."""
    ACCEPT = 4
    """Second Noise message, with the reply."""
    DATA = 5
    """A message inside a session."""


DATA_KIND = PROTOCOL_VERSION | PacketType.DATA << 8
"""The first two bytes of DATA as one little-endian integer."""

SIZES: dict[int, tuple[int, int]] = {
    PacketType.HELLO: (HELLO_BYTES, HELLO_BYTES),
    PacketType.COOKIE: (COOKIE_PACKET_BYTES_MAX - 12, COOKIE_PACKET_BYTES_MAX),
    PacketType.INIT: (INIT_OVERHEAD_BYTES, PACKET_BYTES_MAX),
    PacketType.ACCEPT: (ACCEPT_OVERHEAD_BYTES, PACKET_BYTES_MAX),
    PacketType.DATA: (DATA_HEADER_BYTES + AEAD_TAG_BYTES, PACKET_BYTES_MAX),
}
"""Least and largest datagram of each type, in bytes."""

INIT_PAYLOAD_BYTES_MIN = 11
INIT_FLAG_NODE = 0x01

_HELLO = Struct("<BB16s")
_COOKIE = Struct("<BB16s32s8s8s16s")
_INIT = Struct("<BBI16s")
_ACCEPT = Struct("<BBII")
_DATA = Struct("<BBIQ")
_INIT_PAYLOAD = Struct("<B8sH")
_HELLO_PADDING = bytes(HELLO_BYTES - _HELLO.size)
NO_NONCE = bytes(8)

assert _COOKIE.size + 19 == COOKIE_PACKET_BYTES_MAX
assert _DATA.size == DATA_HEADER_BYTES
assert _INIT_PAYLOAD.size == INIT_PAYLOAD_BYTES_MIN
assert _INIT.size + 96 + INIT_PAYLOAD_BYTES_MIN == INIT_OVERHEAD_BYTES
assert _ACCEPT.size + 48 == ACCEPT_OVERHEAD_BYTES


class Hello(NamedTuple):
    """Asks a stranger for its key; padded, so that no answer is larger."""

    random: bytes
    """16 bytes that the COOKIE repeats."""

    def encode(self) -> bytes:
        """The datagram: 192 bytes."""
        return _HELLO.pack(PROTOCOL_VERSION, PacketType.HELLO, self.random) + _HELLO_PADDING


class Cookie(NamedTuple):
    """Who the responder is, and a token that proves the initiator's address."""

    echo: bytes
    """The HELLO's 16 random bytes, or the first 16 of the INIT's ephemeral key."""
    public_key: bytes
    """The responder's X25519 key, 32 bytes."""
    nonce: bytes
    """The responder's node stamp nonce, 8 bytes."""
    proof: bytes
    """8 bytes: the responder knows the network key (crypto.hashes.network_proof)."""
    cookie: bytes
    """16 bytes to put into the next INIT."""
    address: Address
    """The initiator's address as the responder sees it."""

    def encode(self) -> bytes:
        """The datagram: 89 bytes for an IPv4 address, 101 for IPv6."""
        head = _COOKIE.pack(PROTOCOL_VERSION, PacketType.COOKIE, *self[:5])
        return head + encode_address(self.address)


class Init(NamedTuple):
    """Opens a session."""

    sender: int
    """The initiator's session index, 32 bits."""
    cookie: bytes
    """What a COOKIE gave, or 16 zeros."""
    noise: bytes
    """Noise message 1, at least 107 bytes; its first 32 are the ephemeral key."""

    def encode(self) -> bytes:
        """The datagram."""
        head = _INIT.pack(PROTOCOL_VERSION, PacketType.INIT, self.sender, self.cookie)
        return head + self.noise


class Accept(NamedTuple):
    """Completes a session."""

    receiver: int
    """The initiator's session index."""
    sender: int
    """The responder's session index."""
    noise: bytes
    """Noise message 2, at least 48 bytes."""

    def encode(self) -> bytes:
        """The datagram."""
        head = _ACCEPT.pack(PROTOCOL_VERSION, PacketType.ACCEPT, self.receiver, self.sender)
        return head + self.noise


class Data(NamedTuple):
    """A sealed message. Traffic does not pass here: session/sessions.py packs it inline."""

    receiver: int
    """The receiver's session index."""
    counter: int
    """64 bits; also the AEAD nonce."""
    sealed: bytes
    """Ciphertext and 16-byte tag."""

    def encode(self) -> bytes:
        """The datagram."""
        head = _DATA.pack(PROTOCOL_VERSION, PacketType.DATA, self.receiver, self.counter)
        return head + self.sealed


Packet = Hello | Cookie | Init | Accept | Data


class InitPayload(NamedTuple):
    """What an INIT says once it is opened."""

    is_node: bool
    """False for a client, whose nonce is zeros."""
    nonce: bytes
    """The sender's node stamp nonce, 8 bytes."""
    message: bytes
    """A request, or nothing."""

    def encode(self, size: int = 0) -> bytes:
        """The payload, padded with zeros to `size` bytes (or unpadded where it is longer)."""
        head = _INIT_PAYLOAD.pack(self.is_node, self.nonce, len(self.message))
        return (head + self.message).ljust(size, b"\0")


def decode(data: bytes) -> Packet:
    """The packet in a datagram. Raises WireError unless the bytes are exactly one packet, so that
    encoding the result gives the same bytes."""
    if len(data) < 2:
        raise WireError("a packet has at least 2 bytes")
    if data[0] != PROTOCOL_VERSION:
        raise WireError(f"protocol version {data[0]}; this is {PROTOCOL_VERSION}")
    try:
        kind = PacketType(data[1])
    except ValueError:
        raise WireError(f"unknown packet type {data[1]}") from None
    least, most = SIZES[kind]
    if not least <= len(data) <= most:
        raise WireError(f"{kind.name} has {least} to {most} bytes, not {len(data)}")
    return _DECODERS[kind](data)


def decode_init_payload(data: bytes) -> InitPayload:
    """What an INIT carried. Raises WireError for unknown flags, a client with a nonce, a length
    that does not fit, or padding that is not zero."""
    if len(data) < INIT_PAYLOAD_BYTES_MIN:
        raise WireError("the INIT's payload is too short")
    flags, nonce, length = _INIT_PAYLOAD.unpack_from(data)
    if flags > INIT_FLAG_NODE:
        raise WireError("unknown INIT flags")
    if not flags and nonce != NO_NONCE:
        raise WireError("a client has no node stamp")
    end = INIT_PAYLOAD_BYTES_MIN + length
    if end > len(data) or data.count(0, end) != len(data) - end:
        raise WireError("the INIT's message does not fit, or its padding is not zero")
    return InitPayload(bool(flags), nonce, data[INIT_PAYLOAD_BYTES_MIN:end])


def _decode_hello(data: bytes) -> Hello:
    if data[_HELLO.size :] != _HELLO_PADDING:
        raise WireError("the HELLO's padding is not zero")
    return Hello(data[2 : _HELLO.size])


def _decode_cookie(data: bytes) -> Cookie:
    _, _, echo, public_key, nonce, proof, cookie = _COOKIE.unpack_from(data)
    reader = Reader(data, _COOKIE.size)
    address = reader.address()
    reader.done()
    return Cookie(echo, public_key, nonce, proof, cookie, address)


def _decode_init(data: bytes) -> Init:
    _, _, sender, cookie = _INIT.unpack_from(data)
    return Init(sender, cookie, data[_INIT.size :])


def _decode_accept(data: bytes) -> Accept:
    _, _, receiver, sender = _ACCEPT.unpack_from(data)
    return Accept(receiver, sender, data[_ACCEPT.size :])


def _decode_data(data: bytes) -> Data:
    _, _, receiver, counter = _DATA.unpack_from(data)
    return Data(receiver, counter, data[_DATA.size :])


_DECODERS: dict[PacketType, Callable[[bytes], Packet]] = {
    PacketType.HELLO: _decode_hello,
    PacketType.COOKIE: _decode_cookie,
    PacketType.INIT: _decode_init,
    PacketType.ACCEPT: _decode_accept,
    PacketType.DATA: _decode_data,
}
