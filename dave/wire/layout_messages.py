"""The readable specification, continued: the messages inside a session (see layout.py)."""

from typing import Any

from construct import Array, Byte, Bytes, Check, Const, If, Int16ul, Int32ul, Int64ul, this

from dave.limits import (
    ANNOUNCED_MAX,
    BUCKET_CONTACTS,
    CHALLENGE_ENTRIES_MAX,
    CHALLENGE_NONCE_BYTES,
    DIGEST_BYTES,
    ENTRY_HEADER_BYTES,
    ENTRY_ID_BYTES,
    JOURNAL_ID_BYTES,
    PROOF_HASH_BYTES,
    SHORT_DIGEST_BYTES,
    WATCH_NUMBER_BYTES,
)
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


VERSION = Layout(
    "version",
    "A version of an entry, by name.",
    Field("entry_id", Bytes(ENTRY_ID_BYTES), "BLAKE3 of owner and key"),
    Field("short_digest", Bytes(SHORT_DIGEST_BYTES), "the first 16 bytes of its digest"),
)
_FEW = Check(this.count <= BUCKET_CONTACTS)

PING = _message(1, "PING", "Are you there?")
PONG = _message(
    2,
    "PONG",
    "Answers PING.",
    Field("time", Int64ul, "sender's Unix milliseconds"),
    Field("journal_id", Bytes(JOURNAL_ID_BYTES), "of the sender's journal; zeros to a client"),
    Field("announced", Int64ul, "up to which its entries were announced, or have to be pulled"),
    Field("reached", Int64ul, "the last sequence under which one is stored"),
)
PUT = _message(
    3,
    "PUT",
    "Store this entry. Never in an INIT.",
    Field(
        "flags",
        Byte,
        "1: only if the version held is the expected one; 2: the sender reaches the "
        "other replicas itself; or the sum of both",
    ),
    Field("expected", Int64ul, "time of that version, 0 for none; 0 without flag 1"),
    nested("entry", ENTRY, "rest", "the entry"),
    checks=(
        Check(this.flags <= 3),
        Check((this.flags % 2 == 1) | (this.expected == 0)),
    ),
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
GETMYADDRPORT = _message(
    9,
    "GETMYADDRPORT",
    "From which address do you see me?",
    Field("dial", Byte, "1: have me dialled by a node that I never wrote to; else 0"),
    checks=(Check(this.dial <= 1),),
)
GETMYADDRPORT_ACK = _message(
    10,
    "GETMYADDRPORT_ACK",
    "Answers GETMYADDRPORT.",
    nested("address", ADDRESS, "7 or 19", "the address that the sender sees"),
)
ANNOUNCE = _message(
    11,
    "ANNOUNCE",
    "I hold these versions.",
    Field("evicted", Int32ul, "bitmap, lowest bit first: held no longer"),
    Field(
        "since", Int64ul, "of the sender's journal, what the receiver should hold after this ..."
    ),
    Field("upto", Int64ul, "... up to this is named here, or was promised by the receiver"),
    Field("count", Byte, f"of versions, 1 to {ANNOUNCED_MAX}"),
    nested(
        "versions",
        VERSION,
        "count × 48",
        "what is held, or was",
        lambda con: Array(this.count, con),
    ),
    checks=(
        Check((this.count >= 1) & (this.count <= ANNOUNCED_MAX)),
        Check(lambda announce: announce.evicted >> announce.count == 0),
        Check(this.since <= this.upto),
    ),
)
WANT = _message(
    12,
    "WANT",
    "Answers ANNOUNCE.",
    Field("wanted", Int32ul, "bitmap over its versions: send me these by PUT"),
    Field("held", Int32ul, "bitmap: these or newer ones I hold, and promise to keep"),
    checks=(
        Check(this.wanted & this.held == 0),
        Check(lambda want: (want.wanted | want.held) >> ANNOUNCED_MAX == 0),
    ),
)
CHALLENGE = _message(
    13,
    "CHALLENGE",
    "Prove that you hold these.",
    Field("nonce", Bytes(CHALLENGE_NONCE_BYTES), "random, the key of the proof's hash"),
    Field("count", Byte, f"of digests, 1 to {CHALLENGE_ENTRIES_MAX}"),
    Field(
        "digests",
        Array(this.count, Bytes(SHORT_DIGEST_BYTES)),
        "the first 16 bytes of each version's digest",
        "count × 16",
    ),
    checks=(Check((this.count >= 1) & (this.count <= CHALLENGE_ENTRIES_MAX)),),
)
PROOF = _message(
    14,
    "PROOF",
    "Answers CHALLENGE.",
    Field("states", Bytes(CHALLENGE_ENTRIES_MAX // 4), "two bits each, see the table of states"),
    Field("hash", Bytes(PROOF_HASH_BYTES), "BLAKE3 keyed with the nonce over what is held"),
)
BYE = _message(17, "BYE", "I am leaving. There is no answer.")
DIAL = _message(
    18, "DIAL", "Can you reach this node?", nested("contact", CONTACT, "47 or 59", "the node")
)
DIAL_ACK = _message(
    19,
    "DIAL_ACK",
    "Answers DIAL.",
    Field("reached", Byte, "1: it answered, or is in the table; else 0"),
    checks=(Check(this.reached <= 1),),
)
_WATCH = Field("watch", Bytes(WATCH_NUMBER_BYTES), "drawn by the watcher: names the watch")
WATCH = _message(
    15,
    "WATCH",
    "Tell me of new versions. Never in an INIT.",
    _WATCH,
    Field("entry_id", Bytes(ENTRY_ID_BYTES), "the entry's identity"),
    Field("lease", Int16ul, "seconds asked for; 0 ends the watch"),
    Field("known", Bytes(DIGEST_BYTES), "digest of the newest version known, or zeros"),
)
WATCH_ACK = _message(
    20,
    "WATCH_ACK",
    "Answers WATCH.",
    Field("lease", Int16ul, "seconds granted; 0: there is no such watch"),
    Field("sequence", Int32ul, "how many versions were stored since the watch began"),
    Field("state", Byte, "0: none is held; 1: what is known is held; 2: an entry follows"),
    nested("entry", ENTRY, "rest if state 2", "what is held", lambda con: If(this.state == 2, con)),
    checks=(Check(this.state <= 2),),
)
NOTIFY = _message(
    16,
    "NOTIFY",
    "A version was stored.",
    _WATCH,
    Field("sequence", Int32ul, "its number among those stored since the watch began, from 1"),
    nested("entry", ENTRY, "rest", "the version"),
)
NOTIFY_ACK = _message(
    21,
    "NOTIFY_ACK",
    "Answers NOTIFY.",
    Field("watched", Byte, "1: go on; 0: there is no such watch here, end it"),
    checks=(Check(this.watched <= 1),),
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
    11: ANNOUNCE,
    12: WANT,
    13: CHALLENGE,
    14: PROOF,
    15: WATCH,
    16: NOTIFY,
    17: BYE,
    18: DIAL,
    19: DIAL_ACK,
    20: WATCH_ACK,
    21: NOTIFY_ACK,
}
