"""What nodes say to each other inside a session: one immutable class per message.

    type 1 | request id 4 | body                              integers little-endian

The request id is drawn by who asks and repeated in the reply. `encode` and `decode` are each
other's inverse; bytes that are not exactly one message raise WireError. A type that this version
does not know raises UnknownMessage, which receivers ignore, so that later versions may add some.
"""

from struct import Struct
from typing import NamedTuple, Self

from dave.errors import WireError
from dave.limits import (
    BUCKET_CONTACTS,
    ENTRY_ID_BYTES,
    MESSAGE_HEADER_BYTES,
    PUBLIC_KEY_BYTES,
    WORK_NONCE_BYTES,
)
from dave.names import Address, EntryId, HybridTime, Place, UnixMs
from dave.wire.cursor import Reader, encode_address
from dave.wire.entry import Entry
from dave.wire.status import PutStatus

RequestId = bytes
"""4 random bytes."""

_u64 = Struct("<Q")
_put_head = Struct("<BQ")
_ack_head = Struct("<BQH")


class UnknownMessage(WireError):
    """A message type that this version does not know."""


class WireContact(NamedTuple):
    """A node as others tell of it: its id follows from key and nonce, and is checked by whoever
    receives it. public key 32 | nonce 8 | address 7 or 19."""

    public_key: bytes
    nonce: bytes
    address: Address


class Ping(NamedTuple):
    """Are you there? Empty body."""

    def body(self) -> bytes:
        return b""

    @classmethod
    def read(cls, data: bytes) -> Self:
        _expect(data, MESSAGE_HEADER_BYTES)
        return cls()


class Pong(NamedTuple):
    """Answer to PING: time 8."""

    time: UnixMs
    """The sender's clock, so that skew can be told."""

    def body(self) -> bytes:
        return _u64.pack(self.time)

    @classmethod
    def read(cls, data: bytes) -> Self:
        _expect(data, MESSAGE_HEADER_BYTES + 8)
        return cls(_u64.unpack_from(data, MESSAGE_HEADER_BYTES)[0])


class Put(NamedTuple):
    """Store this entry: guard 1, expected time 8, entry. Never in an INIT."""

    entry: Entry
    expected: HybridTime | None = None
    """Compare-and-set: the time of the version to replace, 0 for none; None: no guard."""

    def body(self) -> bytes:
        guard = self.expected is not None
        return _put_head.pack(guard, self.expected or 0) + self.entry.data

    @classmethod
    def read(cls, data: bytes) -> Self:
        if len(data) < MESSAGE_HEADER_BYTES + 9:
            raise WireError("PUT is cut off")
        guard, expected = _put_head.unpack_from(data, MESSAGE_HEADER_BYTES)
        if guard > 1 or (not guard and expected):
            raise WireError("PUT's guard is neither 0 nor 1")
        return cls(Entry(data[MESSAGE_HEADER_BYTES + 9 :]), expected if guard else None)


class PutAck(NamedTuple):
    """Answer to PUT: status 1, detail 8, length 2 and held entry, count 1 and contacts."""

    status: PutStatus
    detail: int = 0
    """LOW_WORK: the work asked, in expected hashes. LOW_RANK, OVER_SHARE: bits short, rounded up.
    FUTURE: the receiver's clock in Unix milliseconds. Otherwise 0."""
    held: Entry | None = None
    """STALE, CONFLICT: the entry that stands instead, if any."""
    contacts: tuple[WireContact, ...] = ()
    """Nodes that the receiver knows nearer to the entry than itself."""

    def body(self) -> bytes:
        held = self.held.data if self.held is not None else b""
        head = _ack_head.pack(self.status, self.detail, len(held))
        return head + held + _encode_contacts(self.contacts)

    @classmethod
    def read(cls, data: bytes) -> Self:
        reader = Reader(data, MESSAGE_HEADER_BYTES)
        status, detail, held_length = _ack_head.unpack(reader.take(_ack_head.size))
        if status >= len(PutStatus):
            raise WireError(f"PUT_ACK status {status}")
        held = Entry(reader.take(held_length)) if held_length else None
        return cls(PutStatus(status), detail, held, _read_contacts(reader))


class Get(NamedTuple):
    """Who holds this entry? entry id 32."""

    entry_id: EntryId

    def body(self) -> bytes:
        return self.entry_id

    @classmethod
    def read(cls, data: bytes) -> Self:
        _expect(data, MESSAGE_HEADER_BYTES + ENTRY_ID_BYTES)
        return cls(data[MESSAGE_HEADER_BYTES:])


class GetAck(NamedTuple):
    """Answer to GET: 1 and the entry, or 0, count 1 and contacts nearer to it."""

    entry: Entry | None
    contacts: tuple[WireContact, ...] = ()

    def body(self) -> bytes:
        if self.entry is not None:
            return b"\x01" + self.entry.data
        return b"\x00" + _encode_contacts(self.contacts)

    @classmethod
    def read(cls, data: bytes) -> Self:
        reader = Reader(data, MESSAGE_HEADER_BYTES)
        found = reader.uint(1)
        if found == 1:
            return cls(Entry(reader.rest()))
        if found:
            raise WireError(f"GET_ACK says {found}")
        return cls(None, _read_contacts(reader))


class Find(NamedTuple):
    """Which nodes do you know nearest to this place? place 8."""

    place: Place

    def body(self) -> bytes:
        return _u64.pack(self.place)

    @classmethod
    def read(cls, data: bytes) -> Self:
        _expect(data, MESSAGE_HEADER_BYTES + 8)
        return cls(_u64.unpack_from(data, MESSAGE_HEADER_BYTES)[0])


class FindAck(NamedTuple):
    """Answer to FIND: count 1 and contacts, nearest first."""

    contacts: tuple[WireContact, ...]

    def body(self) -> bytes:
        return _encode_contacts(self.contacts)

    @classmethod
    def read(cls, data: bytes) -> Self:
        return cls(_read_contacts(Reader(data, MESSAGE_HEADER_BYTES)))


class GetMyAddrPort(NamedTuple):
    """From which address do you see me? Empty body."""

    def body(self) -> bytes:
        return b""

    @classmethod
    def read(cls, data: bytes) -> Self:
        _expect(data, MESSAGE_HEADER_BYTES)
        return cls()


class GetMyAddrPortAck(NamedTuple):
    """Answer to GETMYADDRPORT: address 7 or 19."""

    address: Address

    def body(self) -> bytes:
        return encode_address(self.address)

    @classmethod
    def read(cls, data: bytes) -> Self:
        reader = Reader(data, MESSAGE_HEADER_BYTES)
        address = reader.address()
        reader.done()
        return cls(address)


Request = Ping | Put | Get | Find | GetMyAddrPort
Reply = Pong | PutAck | GetAck | FindAck | GetMyAddrPortAck
Message = Request | Reply

REPLY_BYTES_MAX = (
    MESSAGE_HEADER_BYTES + 2 + BUCKET_CONTACTS * (PUBLIC_KEY_BYTES + WORK_NONCE_BYTES + 19)
)
"""The largest reply that lists contacts."""

_TYPES: dict[int, type[Message]] = {
    1: Ping,
    2: Pong,
    3: Put,
    4: PutAck,
    5: Get,
    6: GetAck,
    7: Find,
    8: FindAck,
    9: GetMyAddrPort,
    10: GetMyAddrPortAck,
}
"""11 to 17 are reserved: ANNOUNCE, WANT, CHALLENGE, PROOF, WATCH, NOTIFY, BYE."""

TYPE_NAMES: dict[int, str] = {
    1: "PING",
    2: "PONG",
    3: "PUT",
    4: "PUT_ACK",
    5: "GET",
    6: "GET_ACK",
    7: "FIND",
    8: "FIND_ACK",
    9: "GETMYADDRPORT",
    10: "GETMYADDRPORT_ACK",
}

_HEADS: dict[type[Message], bytes] = {cls: bytes((number,)) for number, cls in _TYPES.items()}


def encode(request_id: RequestId, message: Message) -> bytes:
    """A message as bytes."""
    return _HEADS[type(message)] + request_id + message.body()


def found(request: bytes, entry: bytes) -> bytes:
    """GET_ACK with the entry's bytes as a store holds them: the hot path, without a view."""
    return b"\x06" + request[1:MESSAGE_HEADER_BYTES] + b"\x01" + entry


def plain_ack(request: bytes, status: PutStatus) -> bytes:
    """PUT_ACK that says nothing but a status: the hot path, encoded beforehand."""
    return b"\x04" + request[1:MESSAGE_HEADER_BYTES] + _PLAIN_ACKS[status]


def decode(data: bytes) -> tuple[RequestId, Message]:
    """A message and its request id. Raises WireError, UnknownMessage for a type not known."""
    if len(data) < MESSAGE_HEADER_BYTES:
        raise WireError("shorter than a message's header")
    cls = _TYPES.get(data[0])
    if cls is None:
        raise UnknownMessage(f"message type {data[0]}")
    return data[1:MESSAGE_HEADER_BYTES], cls.read(data)


def _expect(data: bytes, size: int) -> None:
    if len(data) != size:
        raise WireError(f"the message has {len(data)} bytes, not {size}")


def _encode_contacts(contacts: tuple[WireContact, ...]) -> bytes:
    parts = [bytes((len(contacts),))]
    for public_key, nonce, address in contacts:
        parts += (public_key, nonce, encode_address(address))
    return b"".join(parts)


def _read_contacts(reader: Reader) -> tuple[WireContact, ...]:
    count = reader.uint(1)
    if count > BUCKET_CONTACTS:
        raise WireError(f"{count} contacts; at most {BUCKET_CONTACTS}")
    contacts = tuple(
        WireContact(reader.take(PUBLIC_KEY_BYTES), reader.take(WORK_NONCE_BYTES), reader.address())
        for _ in range(count)
    )
    reader.done()
    return contacts


_PLAIN_ACKS = [PutAck(status).body() for status in PutStatus]
