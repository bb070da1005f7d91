"""The readable specification, continued: audits of shares, streams of kind 21 (see layout.py)."""

from construct import (
    Array,
    Byte,
    Bytes,
    Check,
    Const,
    GreedyBytes,
    GreedyRange,
    Int16ul,
    Int32ul,
    len_,
    this,
)

from dave.limits import STREAM_REQUEST_BYTES_MAX
from dave.share_limits import (
    AUDIT_LEAVES_MAX,
    CODE_SHARES_MAX,
    MERKLE_LEAF_BYTES,
    MERKLE_PATH_HASHES_MAX,
)
from dave.wire.layout import Field, Layout, nested
from dave.wire.stream_kind import StreamKind

LEAF_ASKED = Layout(
    "audited leaf",
    "A leaf of a share.",
    Field("address", Bytes(32), "of the share"),
    Field("number", Int16ul, "of the leaf, from 0"),
)
AUDIT_REQUEST = Layout(
    "AUDIT request",
    f"At most {STREAM_REQUEST_BYTES_MAX} bytes.",
    Field("kind", Const(StreamKind.AUDIT, Byte), f"{StreamKind.AUDIT}"),
    Field("leaf_count", Byte, f"at most {AUDIT_LEAVES_MAX}"),
    nested(
        "leaves", LEAF_ASKED, "leaf_count × 34", "to be shown",
        lambda con: Array(this.leaf_count, con),
    ),
    Field("stripes", GreedyRange(Bytes(32)), "ids of stripes: which shares are held?", "rest"),
    checks=(
        Check(this.leaf_count <= AUDIT_LEAVES_MAX),
        Check(lambda it: it.leaf_count + len(it.stripes) >= 1),
        Check(
            lambda it: 2 + 34 * it.leaf_count + 32 * len(it.stripes) <= STREAM_REQUEST_BYTES_MAX
        ),
    ),
)  # fmt: skip
HELD_MASKS = Layout(
    "AUDIT masks",
    "The first piece, if stripes were named.",
    Field("masks", GreedyRange(Int32ul), "of each stripe: bit i stands for share i", "count × 4"),
    checks=(
        Check(len_(this.masks) >= 1),
        Check(lambda it: max(it.masks, default=0) < 1 << CODE_SHARES_MAX),
    ),
)
LEAF_SHOWN = Layout(
    "AUDIT leaf",
    "A piece for each leaf asked for.",
    Field("size", Int32ul, f"bytes of the leaf, at most {MERKLE_LEAF_BYTES}; 0: not held"),
    Field("leaf", Bytes(this.size), "of the share's bytes", "size"),
    Field("path", GreedyBytes, "hashes beside the way to the root, from below", "count × 32"),
    checks=(
        Check(this.size <= MERKLE_LEAF_BYTES),
        Check(lambda it: len(it.path) % 32 == 0),
        Check(lambda it: len(it.path) <= (32 * MERKLE_PATH_HASHES_MAX if it.size else 0)),
    ),
)
AUDIT: dict[str, Layout] = {
    layout.name: layout for layout in (AUDIT_REQUEST, HELD_MASKS, LEAF_SHOWN)
}
"""What can be described, by name."""
