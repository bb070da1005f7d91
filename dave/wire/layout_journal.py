"""The readable specification, continued: the journal on disk (see layout.py).

Shape only: a checksum is keyed with the file's key, so no declaration of one record can check it.
"""

from construct import Byte, Bytes, Check, Const, Int16ul, Int32ul, Int64ul, this

from dave.limits import JOURNAL_BODY_BYTES_MAX, JOURNAL_VERSION
from dave.wire.layout import Field, Layout

JOURNAL_HEADER = Layout(
    "journal header",
    "512 bytes, at offset 0 of a segment and once more at 512; records start at 1024.",
    Field("magic", Const(b"DaveJrnl"), "`DaveJrnl`"),
    Field("version", Const(JOURNAL_VERSION, Int16ul), f"{JOURNAL_VERSION}"),
    Field("journal_id", Bytes(16), "the same in all segments of a journal"),
    Field("file_key", Bytes(32), "of this segment only: keys its checksums"),
    Field("segment", Int32ul, "number of the segment"),
    Field("padding", Const(bytes(434)), "zeros"),
    Field("checksum", Bytes(16), "of the 496 bytes before it"),
)
JOURNAL_RECORD = Layout(
    "journal record",
    "Begins where the one before it ends.",
    Field("magic", Const(b"\xd4\x9e"), "d4 9e"),
    Field("length", Int32ul, f"bytes of body, at most {JOURNAL_BODY_BYTES_MAX}"),
    Field("type", Byte, "1: the body is an entry; 2: a floor; others are skipped"),
    Field("sequence", Int64ul, "start count × 2^32 + counter; 0 for a floor"),
    Field("checksum", Bytes(16), "of the 15 bytes before it and the body"),
    Field("body", Bytes(this.length), "the entry or floor", "length"),
    checks=(Check(this.length <= JOURNAL_BODY_BYTES_MAX),),
)
FLOOR = Layout(
    "floor",
    "An expired version: it keeps older ones from coming back.",
    Field("entry_id", Bytes(32), "the entry's identity"),
    Field("time", Int64ul, "hybrid clock of the expired version"),
    Field("expires", Int64ul, "Unix milliseconds after which the floor is dropped"),
)
