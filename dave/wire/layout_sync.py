"""The readable specification, continued: what travels on the streams of a sync (see layout.py)."""

from construct import (
    Byte,
    Bytes,
    Check,
    Const,
    GreedyBytes,
    GreedyRange,
    Int16ul,
    Int32ul,
    Int64ul,
    this,
)

from dave.limits import JOURNAL_ID_BYTES, SHORT_DIGEST_BYTES, SYNC_NAMES_MAX, SYNC_RUNS_MAX
from dave.wire.layout import ENTRY, Field, Layout, nested
from dave.wire.stream_kind import StreamKind
from dave.wire.sync import ENTRIES, HELD, NAMES

_SEQUENCE_MAX = 2**64 - 1


def _head(op: int) -> tuple[Field, ...]:
    return (
        Field("kind", Const(StreamKind.SYNC, Byte), f"{StreamKind.SYNC}"),
        Field("op", Const(op, Byte), f"{op}"),
        Field("journal_id", Bytes(JOURNAL_ID_BYTES), "of the journal asked for"),
        Field("since", Int64ul, "a sequence of that journal"),
    )


RUN = Layout(
    "sync run",
    "Sequences one after the other.",
    Field("offset", Int32ul, "the first of them, less `since`"),
    Field("count", Int32ul, "how many, at least 1"),
    checks=(Check(this.count >= 1),),
)
NAME = Layout(
    "sync name",
    "A version, by the sequence under which it was stored.",
    Field("offset", Int32ul, "its sequence, less `since`"),
    Field("short_digest", Bytes(SHORT_DIGEST_BYTES), "the first 16 bytes of its digest"),
)
SYNC_ENTRY = Layout(
    "sync entry",
    "An entry among others.",
    Field("length", Int16ul, "bytes of the entry"),
    nested("entry", ENTRY, "length", "the entry"),
    checks=(Check(lambda it: it.length == 120 + it.entry.key_length + it.entry.value_length),),
)
NAMES_REQUEST = Layout(
    "sync names request",
    "Name what I should hold of an interval of your journal.",
    *_head(NAMES),
    Field("upto", Int64ul, "the interval is what was stored after `since`, up to here"),
    checks=(Check(this.since <= this.upto),),
)
ENTRIES_REQUEST = Layout(
    "sync entries request",
    "Send me what I should hold of these sequences.",
    *_head(ENTRIES),
    nested("runs", RUN, "count × 8", f"1 to {SYNC_RUNS_MAX}, ascending", GreedyRange),
    checks=(
        Check(lambda it: 1 <= len(it.runs) <= SYNC_RUNS_MAX),
        Check(lambda it: _ascend([(run.offset, run.offset + run.count - 1) for run in it.runs])),
        Check(lambda it: it.since + it.runs[-1].offset + it.runs[-1].count - 1 <= _SEQUENCE_MAX),
    ),
)
HELD_REQUEST = Layout(
    "sync held request",
    "Of what you have named in that interval I hold these, and keep them.",
    *_head(HELD),
    Field("upto", Int64ul, "the interval is the one that was named"),
    Field("held", GreedyBytes, "bitmap over the names, lowest bit first", "rest"),
    checks=(
        Check(this.since <= this.upto),
        Check(lambda it: 1 <= len(it.held) <= SYNC_NAMES_MAX // 8),
    ),
)
NAMES_PIECE = Layout(
    "sync names",
    "All that the asker should hold of the interval. The next piece begins at `upto`.",
    Field("since", Int64ul, "of what was stored after this"),
    Field("upto", Int64ul, "up to this"),
    nested("names", NAME, "count × 20", "ascending by their sequence", GreedyRange),
    checks=(
        Check(lambda it: _ascend([(name.offset, name.offset) for name in it.names])),
        Check(lambda it: it.since + (it.names[-1].offset if it.names else 0) <= it.upto),
    ),
)
ENTRIES_PIECE = Layout(
    "sync entries",
    "Entries in order of their sequence.",
    Field("upto", Int64ul, "with these, all that was asked for was sent up to here"),
    nested("entries", SYNC_ENTRY, "rest", "the entries", GreedyRange),
)
HELD_PIECE = Layout(
    "sync held",
    "Answers a sync held request.",
    Field("noted", Int16ul, "of these promises so many were noted"),
)
SYNC: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        NAMES_REQUEST,
        NAMES_PIECE,
        ENTRIES_REQUEST,
        ENTRIES_PIECE,
        HELD_REQUEST,
        HELD_PIECE,
    )
}
"""What can be described, by name."""


def _ascend(spans: list[tuple[int, int]]) -> bool:
    """Whether each (first, last) begins after the one before it, and after 0."""
    ends = [0, *(last for _, last in spans)]
    return all(first > end for (first, _), end in zip(spans, ends, strict=False))
