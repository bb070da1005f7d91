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
    JOURNAL_ID_BYTES,
    MESSAGE_HEADER_BYTES,
    PUBLIC_KEY_BYTES,
    WORK_NONCE_BYTES,
)
from dave.names import Address, EntryId, HybridTime, Place, UnixMs
from dave.wire.cursor import Reader, encode_address, expect_size
from dave.wire.entry import Entry
from dave.wire.promises import Announce, Challenge, Proof, Want
from dave.wire.status import PutStatus
from dave.wire.watching import Notify, NotifyAck, Watch, WatchAck

RequestId = bytes
"""4 random bytes."""

_u64 = Struct("<Q")
_pong = Struct(f"<Q{JOURNAL_ID_BYTES}sQQ")
PUT_GUARDED = 1
PUT_DIRECT = 2
"""Flags of PUT."""

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
        expect_size(data, MESSAGE_HEADER_BYTES)
        return cls()


class Pong(NamedTuple):
    """Answer to PING: time 8, journal id 16, announced 8, reached 8."""

    time: UnixMs
    """The sender's clock, so that skew can be told."""
    journal_id: bytes = bytes(JOURNAL_ID_BYTES)
    """Of the sender's journal, to which the sequences refer; zeros to who is no node."""
    announced: int = 0
    """What the receiver should hold of the journal up to here was announced to it, or has to be
    pulled by it; what comes later will be announced."""
    reached: int = 0
    """The last sequence: up to here pulls who knows nothing of the journal."""

    def body(self) -> bytes:
        return _pong.pack(*self)

    @classmethod
    def read(cls, data: bytes) -> Self:
        expect_size(data, MESSAGE_HEADER_BYTES + _pong.size)
        return cls(*_pong.unpack_from(data, MESSAGE_HEADER_BYTES))


class Put(NamedTuple):
    """Store this entry: flags 1, expected time 8, entry. Never in an INIT."""

    entry: Entry
    expected: HybridTime | None = None
    """Compare-and-set: the time of the version to replace, 0 for none; None: no guard."""
    is_direct: bool = False
    """The sender reaches the other replicas itself: only announce the entry, hand nothing on."""

    def body(self) -> bytes:
        flags = (self.expected is not None) * PUT_GUARDED | self.is_direct * PUT_DIRECT
        return _put_head.pack(flags, self.expected or 0) + self.entry.data

    @classmethod
    def read(cls, data: bytes) -> Self:
        if len(data) < MESSAGE_HEADER_BYTES + 9:
            raise WireError("PUT is cut off")
        flags, expected = _put_head.unpack_from(data, MESSAGE_HEADER_BYTES)
        guarded = flags & PUT_GUARDED
        if flags > PUT_GUARDED | PUT_DIRECT:
            raise WireError(f"PUT flags {flags}")
        if expected and not guarded:
            raise WireError("PUT expects a version without being guarded")
        entry = Entry(data[MESSAGE_HEADER_BYTES + 9 :])
        return cls(entry, expected if guarded else None, bool(flags & PUT_DIRECT))


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
        expect_size(data, MESSAGE_HEADER_BYTES + ENTRY_ID_BYTES)
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
        expect_size(data, MESSAGE_HEADER_BYTES + 8)
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
    """From which address do you see me? dial 1."""

    dial: bool = False
    """Have me dialled by a node that I never wrote to, so that I learn whether I can be reached."""

    def body(self) -> bytes:
        return bytes((self.dial,))

    @classmethod
    def read(cls, data: bytes) -> Self:
        expect_size(data, MESSAGE_HEADER_BYTES + 1)
        return cls(_bool(data[MESSAGE_HEADER_BYTES]))


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


class Dial(NamedTuple):
    """Can you reach this node? contact 47 or 59. Asked of a node which that one never wrote to."""

    contact: WireContact

    def body(self) -> bytes:
        return _encode_contact(self.contact)

    @classmethod
    def read(cls, data: bytes) -> Self:
        reader = Reader(data, MESSAGE_HEADER_BYTES)
        contact = _read_contact(reader)
        reader.done()
        return cls(contact)


class DialAck(NamedTuple):
    """Answer to DIAL: reached 1. Said at once of a contact in the table, else after trying."""

    reached: bool

    def body(self) -> bytes:
        return bytes((self.reached,))

    @classmethod
    def read(cls, data: bytes) -> Self:
        expect_size(data, MESSAGE_HEADER_BYTES + 1)
        return cls(_bool(data[MESSAGE_HEADER_BYTES]))


class Bye(NamedTuple):
    """I am leaving; there is no answer. Empty body."""

    def body(self) -> bytes:
        return b""

    @classmethod
    def read(cls, data: bytes) -> Self:
        expect_size(data, MESSAGE_HEADER_BYTES)
        return cls()


Request = Ping | Put | Get | Find | GetMyAddrPort | Announce | Challenge | Dial | Watch
Reply = Pong | PutAck | GetAck | FindAck | GetMyAddrPortAck | Want | Proof | DialAck | WatchAck
Message = Request | Reply | Bye | Notify | NotifyAck

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
    11: Announce,
    12: Want,
    13: Challenge,
    14: Proof,
    15: Watch,
    16: Notify,
    17: Bye,
    18: Dial,
    19: DialAck,
    20: WatchAck,
    21: NotifyAck,
}

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
    11: "ANNOUNCE",
    12: "WANT",
    13: "CHALLENGE",
    14: "PROOF",
    15: "WATCH",
    16: "NOTIFY",
    17: "BYE",
    18: "DIAL",
    19: "DIAL_ACK",
    20: "WATCH_ACK",
    21: "NOTIFY_ACK",
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


def _encode_contacts(contacts: tuple[WireContact, ...]) -> bytes:
    return bytes((len(contacts),)) + b"".join(map(_encode_contact, contacts))


def _encode_contact(contact: WireContact) -> bytes:
    return contact.public_key + contact.nonce + encode_address(contact.address)


def _read_contacts(reader: Reader) -> tuple[WireContact, ...]:
    count = reader.uint(1)
    if count > BUCKET_CONTACTS:
        raise WireError(f"{count} contacts; at most {BUCKET_CONTACTS}")
    contacts = tuple(_read_contact(reader) for _ in range(count))
    reader.done()
    return contacts


def _read_contact(reader: Reader) -> WireContact:
    key, nonce = reader.take(PUBLIC_KEY_BYTES), reader.take(WORK_NONCE_BYTES)
    return WireContact(key, nonce, reader.address())


def _bool(value: int) -> bool:
    if value > 1:
        raise WireError(f"{value} is neither 0 nor 1")
    return bool(value)


_PLAIN_ACKS = [PutAck(status).body() for status in PutStatus]
