"""The readable specification, continued: the bulk channel, TCP on the node's port (see layout.py).

Handshake packets stand on the stream as they are; frames stand inside of sealed records.
"""

from typing import Any

from construct import Byte, Bytes, Check, Const, GreedyBytes, Int16ul, Int32ul, len_, this

from dave.bulk_limits import BULK_DATA_BYTES_MAX, STREAM_CREDIT_MAX
from dave.limits import AEAD_TAG_BYTES, PIECE_BYTES_MAX, PROTOCOL_VERSION, STREAM_REQUEST_BYTES_MAX
from dave.wire.bulk import ACCEPT_BYTES, END_MAX, FRAME_BYTES_MAX, INIT_BYTES
from dave.wire.layout import Field, Layout

BULK_INIT = Layout(
    "bulk INIT",
    f"The first {INIT_BYTES} bytes of who connects.",
    Field("version", Const(PROTOCOL_VERSION, Byte), f"{PROTOCOL_VERSION}"),
    Field("type", Const(16, Byte), "16"),
    Field("ephemeral", Bytes(32), "ephemeral key: the first 32 bytes of the Noise message"),
    Field("sealed", Bytes(91), "its other 75 bytes, sealed once more, and the tag of 16"),
)
BULK_ACCEPT = Layout(
    "bulk ACCEPT",
    f"The first {ACCEPT_BYTES} bytes of who is connected to.",
    Field("version", Const(PROTOCOL_VERSION, Byte), f"{PROTOCOL_VERSION}"),
    Field("type", Const(17, Byte), "17"),
    Field("noise", Bytes(48), "second Noise message; its payload is empty"),
)
BULK_RECORD = Layout(
    "bulk record",
    "All that follows, in both directions.",
    Field("length", Int16ul, f"bytes of sealed, at most {FRAME_BYTES_MAX + AEAD_TAG_BYTES}"),
    Field("sealed", Bytes(this.length), "AES-256-GCM: one frame, then the tag of 16", "length"),
    checks=(
        Check(this.length > AEAD_TAG_BYTES),
        Check(this.length <= FRAME_BYTES_MAX + AEAD_TAG_BYTES),
    ),
)


def _frame(number: int, name: str, about: str, *fields: Field, checks: Any = ()) -> Layout:
    return Layout(
        name, about, Field("type", Const(number, Byte), f"{number}"), *fields, checks=checks
    )


_ASKED = Field("stream", Int32ul, "the sender's number for it, never used twice")
_ANSWERED = Field("stream", Int32ul, "the receiver's number for it")

OPEN = _frame(
    1,
    "OPEN",
    "Asks for a stream.",
    _ASKED,
    Field("window", Int32ul, f"bytes of pieces that may come at first, 1 to {STREAM_CREDIT_MAX}"),
    Field("request", GreedyBytes, "its first byte says what is asked for", "rest"),
    checks=(
        Check((this.window >= 1) & (this.window <= STREAM_CREDIT_MAX)),
        Check(len_(this.request) >= 1),
        Check(len_(this.request) <= STREAM_REQUEST_BYTES_MAX),
    ),
)
PIECE = _frame(
    2,
    "PIECE",
    "A piece, or its first part.",
    _ANSWERED,
    Field("size", Int32ul, f"bytes of the whole piece, at most {PIECE_BYTES_MAX}"),
    Field("checksum", Bytes(16), "piece checksum of the whole piece"),
    Field("data", GreedyBytes, f"1 to {BULK_DATA_BYTES_MAX} bytes of it", "rest"),
    checks=(
        Check(len_(this.data) >= 1),
        Check(len_(this.data) <= BULK_DATA_BYTES_MAX),
        Check(len_(this.data) <= this.size),
        Check(this.size <= PIECE_BYTES_MAX),
    ),
)
MORE = _frame(
    3,
    "MORE",
    "The next part of the piece that was begun.",
    _ANSWERED,
    Field("data", GreedyBytes, f"1 to {BULK_DATA_BYTES_MAX} bytes", "rest"),
    checks=(Check(len_(this.data) >= 1), Check(len_(this.data) <= BULK_DATA_BYTES_MAX)),
)
CREDIT = _frame(
    4,
    "CREDIT",
    "Moves the window on.",
    _ASKED,
    Field("more", Int32ul, f"bytes that may come in addition, 1 to {STREAM_CREDIT_MAX}"),
    checks=(Check((this.more >= 1) & (this.more <= STREAM_CREDIT_MAX)),),
)
END = _frame(
    5,
    "END",
    "The last of a stream.",
    _ANSWERED,
    Field("end", Byte, "0 done, 1 refused, 2 busy, 3 broken"),
    checks=(Check(this.end <= END_MAX),),
)
CANCEL = _frame(6, "CANCEL", "Nothing more is wanted of a stream. There is no answer.", _ASKED)
KEEP = _frame(7, "KEEP", "I am here. There is no answer.")

FRAMES: dict[int, Layout] = {
    number: layout
    for number, layout in enumerate((OPEN, PIECE, MORE, CREDIT, END, CANCEL, KEEP), 1)
}
"""By the type of the frame."""
