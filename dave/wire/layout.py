"""The readable specification: every packet, entry and message, declared field by field.

`struct` and hand-written readers carry the traffic (a compiled `construct` parse costs ten times
as much). These declarations are what humans read: they drive `dave decode` (describe.py), the byte
tables in PROTOCOL.md (tables.py), and a differential test, which feeds the same bytes to both
and demands the same verdict and the same fields. Nothing else imports `construct`.

All integers are little-endian, except where bytes are ordered as a hash gives them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from construct import (
    Byte,
    Bytes,
    Check,
    Const,
    ConstructError,
    GreedyBytes,
    IfThenElse,
    Int16ul,
    Int32ul,
    Int64ul,
    Struct,
    Tell,
    Terminated,
    len_,
    this,
)

from dave.errors import WireError
from dave.limits import (
    AEAD_TAG_BYTES,
    BEACON_BYTES,
    BEACON_TYPE,
    COOKIE_BYTES,
    ENTRY_BYTES_MAX,
    ENTRY_HEADER_BYTES,
    HELLO_BYTES,
    HELLO_RANDOM_BYTES,
    LAN_PORT,
    PACKET_BYTES_MAX,
    PROTOCOL_VERSION,
    TOMBSTONE_TTL_SECONDS,
    TTL_SECONDS_MAX,
)
from dave.share_limits import SEAL_BYTES

# construct has no types: its values are Any, named here for the reader.
Con = Any


class Field(NamedTuple):
    """One field: `con` reads it alone; `size` is its size in words, where it varies."""

    name: str
    con: Con
    meaning: str
    size: str = ""
    nested: "Layout | None" = None
    wrap: Callable[[Con], Con] | None = None
    """Makes the construct of a nested field from the nested layout's: an array of it, or a
    condition on it."""


class Layout:
    """A declared sequence of fields. `name` is its heading, `con` its construct for reading and
    building, alone or inside another."""

    def __init__(self, name: str, about: str, *fields: Field, checks: tuple[Con, ...] = ()) -> None:
        self.name = name
        self.about = about
        self.fields = fields
        self.con: Con = Struct(
            *(field.name / _con_of(field, located=False) for field in fields), *checks
        )
        parts: list[Con] = ["@start" / Tell]
        for field in fields:
            parts += (field.name / _con_of(field, located=True), f"@{field.name}" / Tell)
        self.located: Con = Struct(*parts, *checks)
        """The same, with the stream's position after each field under '@' and its name."""

    def parse(self, data: bytes, *, located: bool = False) -> Any:
        """The fields of `data`, which must be exactly one of these. Raises WireError."""
        con = self.located if located else self.con
        try:
            return Struct("it" / con, "end" / Terminated).parse(data).it
        except ConstructError as error:
            reason = str(error).strip().splitlines()[-1]
            raise WireError(f"no valid {self.name}: {reason}") from None

    def build(self, fields: dict[str, Any]) -> bytes:
        """The bytes of these fields. Raises WireError for what does not make one."""
        try:
            built: bytes = self.con.build(fields)
        except ConstructError as error:
            raise WireError(f"no valid {self.name}: {error}") from None
        return built


def nested(
    name: str, layout: Layout, size: str, meaning: str, wrap: Callable[[Con], Con] | None = None
) -> Field:
    """A field which is another layout, or what `wrap` makes of that one's construct."""
    return Field(name, None, meaning, size, layout, wrap)


def _con_of(field: Field, *, located: bool) -> Con:
    if field.nested is None:
        return field.con
    inner = field.nested.located if located else field.nested.con
    return field.wrap(inner) if field.wrap else inner


# --- Parts ------------------------------------------------------------------------------------

ADDRESS = Layout(
    "address",
    "Where a datagram comes from or goes to. An IPv4 address has one encoding only: the form "
    "wrapped into IPv6 (::ffff:0:0/96) is refused.",
    Field("family", Byte, "4 or 6: the version of IP"),
    Field("ip", IfThenElse(this.family == 4, Bytes(4), Bytes(16)), "network byte order", "4 or 16"),
    Field("port", Int16ul, "UDP port, little-endian like every integer here"),
    checks=(
        Check((this.family == 4) | (this.family == 6)),
        Check(lambda it: it.ip[:12] != bytes(10) + b"\xff\xff"),
    ),
)

CONTACT = Layout(
    "contact",
    "A node as others tell of it. Its id is not sent: it follows from key and nonce.",
    Field("public_key", Bytes(32), "the node's X25519 key"),
    Field("nonce", Bytes(8), "work nonce of the node's stamp"),
    nested("address", ADDRESS, "7 or 19", "where the node was reached"),
)

ENTRY = Layout(
    "entry",
    f"{ENTRY_HEADER_BYTES + 1} to {ENTRY_BYTES_MAX} bytes. All from the flags on is signed.",
    Field("nonce", Bytes(8), "work nonce of the stamp"),
    Field("signature", Bytes(64), "Ed25519, over the signed bytes"),
    Field("flags", Byte, "0; 1: a tombstone; 2, 4, 8, 10 or 12: what the value is"),
    Field("time", Int64ul, "hybrid clock: Unix milliseconds × 65,536 + counter"),
    Field("ttl", Int32ul, f"seconds from time, 1 to {TTL_SECONDS_MAX}; a tombstone has the most"),
    Field("value_length", Int16ul, "bytes of value; 0 in a tombstone"),
    Field("owner", Bytes(32), "Ed25519 public key"),
    Field("key_length", Byte, "bytes of key, 1 to 255"),
    Field("key", Bytes(this.key_length), "the name under which the owner put it", "key_length"),
    Field("value", Bytes(this.value_length), "what the owner stored", "value_length"),
    checks=(
        Check(this.key_length >= 1),
        Check(this.key_length + this.value_length <= ENTRY_BYTES_MAX - ENTRY_HEADER_BYTES),
        Check((this.ttl >= 1) & (this.ttl <= TTL_SECONDS_MAX)),
        Check(
            (this.flags == 0)
            | (((this.flags == 2) | (this.flags == 4)) & (this.value_length >= 1))
            | (
                ((this.flags == 8) | (this.flags == 10) | (this.flags == 12))
                & (this.value_length >= SEAL_BYTES)
            )
            | ((this.flags == 1) & (this.value_length == 0) & (this.ttl == TOMBSTONE_TTL_SECONDS))
        ),
    ),
)

# --- Packets ----------------------------------------------------------------------------------


def _packet(number: int, name: str, about: str, *fields: Field, checks: Any = ()) -> Layout:
    head = (
        Field("version", Const(PROTOCOL_VERSION, Byte), f"{PROTOCOL_VERSION}"),
        Field("type", Const(number, Byte), f"{number}"),
    )
    return Layout(name, about, *head, *fields, checks=checks)


_HELLO_PADDING = HELLO_BYTES - 2 - HELLO_RANDOM_BYTES
_RECEIVER = Field("receiver", Int32ul, "the receiver's session index")
_SENDER = Field("sender", Int32ul, "the sender's session index, drawn at random")

HELLO = _packet(
    1,
    "HELLO",
    f"Who is there? Exactly {HELLO_BYTES} bytes, so that no COOKIE is larger.",
    Field("random", Bytes(HELLO_RANDOM_BYTES), "drawn anew, repeated by the COOKIE"),
    Field("padding", Const(bytes(_HELLO_PADDING)), "zeros"),
)
COOKIE = _packet(
    2,
    "COOKIE",
    "Answers a HELLO, or an INIT while the responder is under load. Leaves no state.",
    Field("echo", Bytes(16), "random of the HELLO, or first 16 bytes of the INIT's ephemeral key"),
    Field("public_key", Bytes(32), "the responder's X25519 key"),
    Field("nonce", Bytes(8), "work nonce of the responder's stamp"),
    Field("proof", Bytes(8), "shows that the responder knows the network key"),
    Field("cookie", Bytes(COOKIE_BYTES), "to be returned in the INIT"),
    nested("address", ADDRESS, "7 or 19", "the address that the responder sees"),
)
INIT = _packet(
    3,
    "INIT",
    f"Opens a session; at most {PACKET_BYTES_MAX} bytes.",
    _SENDER,
    Field("cookie", Bytes(COOKIE_BYTES), "from the COOKIE, or zeros"),
    Field("noise", GreedyBytes, "first message of Noise IKpsk1", "rest"),
    checks=(
        Check(len_(this.noise) >= 107),
        Check(len_(this.noise) <= PACKET_BYTES_MAX - 22),
    ),
)
INIT_PAYLOAD = Layout(
    "INIT payload",
    "What the Noise message of an INIT seals; at least 11 bytes.",
    Field("flags", Byte, "1: the sender is a node; 0: a client"),
    Field("nonce", Bytes(8), "work nonce of the sender's stamp; a client's is zeros"),
    Field("length", Int16ul, "bytes of message"),
    Field("message", Bytes(this.length), "a request, or nothing", "length"),
    Field("padding", GreedyBytes, "zeros: they pay for the reply", "rest"),
    checks=(
        Check((this.flags == 1) | ((this.flags == 0) & (this.nonce == bytes(8)))),
        Check(lambda it: not any(it.padding)),
    ),
)
ACCEPT = _packet(
    4,
    "ACCEPT",
    f"Completes it; at most {PACKET_BYTES_MAX} bytes, and never larger than the INIT.",
    _RECEIVER,
    _SENDER,
    Field("noise", GreedyBytes, "second message; its payload is the reply, or empty", "rest"),
    checks=(
        Check(len_(this.noise) >= 48),
        Check(len_(this.noise) <= PACKET_BYTES_MAX - 10),
    ),
)
DATA = _packet(
    5,
    "DATA",
    f"One message; at most {PACKET_BYTES_MAX} bytes.",
    _RECEIVER,
    Field("counter", Int64ul, "starts at 0, never used twice under one key"),
    Field("sealed", GreedyBytes, "AES-256-GCM: one message, then the tag of 16 bytes", "rest"),
    checks=(
        Check(len_(this.sealed) >= AEAD_TAG_BYTES),
        Check(len_(this.sealed) <= PACKET_BYTES_MAX - 14),
    ),
)
BEACON = _packet(
    BEACON_TYPE,
    "BEACON",
    f"A node is here. By multicast, to UDP port {LAN_PORT}; exactly {BEACON_BYTES} bytes.",
    Field("port", Int16ul, "where the sender listens, above 0; its address is the datagram's"),
    Field("random", Bytes(16), "drawn anew for each"),
    Field("tag", Bytes(16), "shows the network to those who know its key"),
    checks=(Check(this.port > 0),),
)
PACKETS: dict[int, Layout] = {1: HELLO, 2: COOKIE, 3: INIT, 4: ACCEPT, 5: DATA}
