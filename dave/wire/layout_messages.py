"""The readable specification, continued: the messages inside a session (see layout.py)."""

from typing import Any

from construct import Array, Byte, Bytes, Check, Const, If, Int16ul, Int64ul, this

from dave.limits import BUCKET_CONTACTS, ENTRY_HEADER_BYTES
from dave.wire.layout import ADDRESS, CONTACT, ENTRY, Field, Layout, nested
from dave.wire.status import PutStatus


def _message(number: int, name: str, about: str, *fields: Field, checks: Any = ()) -> Layout:
    head = (
        Field("type", Const(number, Byte), f"{number}"),
        Field("request_id", Bytes(4), "drawn by who asks, repeated in the reply"),
    )
    return Layout(name, about, *head, *fields, checks=checks)


def _contacts(meaning: str) -> tuple[Field, Field]:
    return (
        Field("count", Byte, f"of contacts, at most {BUCKET_CONTACTS}"),
        nested(
            "contacts", CONTACT, "count × 47 or 59", meaning, lambda con: Array(this.count, con)
        ),
    )


def _entry_bytes(entry: Any) -> int:
    return ENTRY_HEADER_BYTES + int(entry.key_length) + int(entry.value_length)


_FEW = Check(this.count <= BUCKET_CONTACTS)

PING = _message(1, "PING", "Are you there?")
PONG = _message(2, "PONG", "Answers PING.", Field("time", Int64ul, "sender's Unix milliseconds"))
PUT = _message(
    3,
    "PUT",
    "Store this entry. Never in an INIT.",
    Field("guard", Byte, "1: only if the version held is the expected one; else 0"),
    Field("expected", Int64ul, "time of that version, 0 for none; 0 without a guard"),
    nested("entry", ENTRY, "rest", "the entry"),
    checks=(Check((this.guard == 1) | ((this.guard == 0) & (this.expected == 0))),),
)
PUT_ACK = _message(
    4,
    "PUT_ACK",
    "Answers PUT.",
    Field("status", Byte, "see the table of statuses"),
    Field("detail", Int64ul, "what the status says about it, else 0"),
    Field("held_length", Int16ul, "bytes of held, or 0"),
    nested(
        "held",
        ENTRY,
        "held_length",
        "STALE, CONFLICT: the entry that stands instead",
        lambda con: If(this.held_length > 0, con),
    ),
    *_contacts("nodes that the sender knows nearer to the entry than itself"),
    checks=(
        Check(this.status < len(PutStatus)),
        _FEW,
        Check(lambda it: it.held_length == (_entry_bytes(it.held) if it.held else 0)),
    ),
)
GET = _message(5, "GET", "Do you hold it?", Field("entry_id", Bytes(32), "the entry's identity"))
GET_ACK = _message(
    6,
    "GET_ACK",
    "Answers GET: the entry, or contacts.",
    Field("found", Byte, "1: an entry follows; 0: a count and contacts follow"),
    nested("entry", ENTRY, "rest if found", "the entry", lambda con: If(this.found == 1, con)),
    Field("count", If(this.found == 0, Byte), "of contacts, at most 20", "1 if not found"),
    nested(
        "contacts",
        CONTACT,
        "count × 47 or 59",
        "nodes nearer to the entry",
        lambda con: If(this.found == 0, Array(this.count, con)),
    ),
    checks=(Check(this.found <= 1), If(this.found == 0, _FEW)),
)
FIND = _message(7, "FIND", "Whom do you know near?", Field("place", Int64ul, "on the ring"))
FIND_ACK = _message(
    8, "FIND_ACK", "Answers FIND.", *_contacts("nearest to the place first"), checks=(_FEW,)
)
GETMYADDRPORT = _message(9, "GETMYADDRPORT", "From which address do you see me?")
GETMYADDRPORT_ACK = _message(
    10,
    "GETMYADDRPORT_ACK",
    "Answers GETMYADDRPORT.",
    nested("address", ADDRESS, "7 or 19", "the address that the sender sees"),
)
MESSAGES: dict[int, Layout] = {
    1: PING,
    2: PONG,
    3: PUT,
    4: PUT_ACK,
    5: GET,
    6: GET_ACK,
    7: FIND,
    8: FIND_ACK,
    9: GETMYADDRPORT,
    10: GETMYADDRPORT_ACK,
}
