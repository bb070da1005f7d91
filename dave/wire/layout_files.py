"""The readable specification, continued: stripes and manifests of files (see layout.py)."""

from typing import Any

from construct import Array, Byte, Bytes, Check, Const, GreedyRange, Int32ul, Int64ul, this

from dave.limits import TTL_SECONDS_MAX
from dave.share_limits import (
    BLOCK_BYTES,
    CODE_SHARES_MAX,
    FILE_BYTES_MAX,
    MANIFEST_LEVELS_MAX,
    RELEASE_BYTES,
    STRIPE_HEADER_BYTES,
    STRIPE_RECORD_BYTES_MAX,
)
from dave.wire.layout import Field, Layout, nested
from dave.wire.manifest import ROOT_VERSION

_SHAPE = (
    Field("k", Byte, "shares that suffice, the first k being the data: 1 to n"),
    Field("n", Byte, f"all shares, at most {CODE_SHARES_MAX}"),
    Field("share_bytes", Int32ul, f"bytes of a share, 1 to {BLOCK_BYTES}"),
    Field("last_bytes", Int32ul, "bytes of share k − 1, at most share_bytes; the same if k is 1"),
)
_SHAPE_CHECKS = (
    Check((this.k >= 1) & (this.k <= this.n) & (this.n <= CODE_SHARES_MAX)),
    Check((this.last_bytes >= 1) & (this.last_bytes <= this.share_bytes)),
    Check(this.share_bytes <= BLOCK_BYTES),
    Check((this.k > 1) | (this.last_bytes == this.share_bytes)),
)
_ADDRESSES = Field("addresses", Array(this.n, Bytes(32)), "share addresses, in order", "n × 32")
_REFERENCE = Field("reference", Bytes(16), "drawn by the owner for each upload")

STRIPE_RECORD = Layout(
    "stripe record",
    f"{STRIPE_HEADER_BYTES + 32} to {STRIPE_RECORD_BYTES_MAX} bytes. All from the flags on is "
    "signed.",
    Field("nonce", Bytes(8), "work nonce of the stamp"),
    Field("signature", Bytes(64), "Ed25519, over the signed bytes"),
    Field("flags", Const(0, Byte), "0"),
    Field("time", Int64ul, "hybrid clock: Unix milliseconds × 65,536 + counter"),
    Field("ttl", Int32ul, f"seconds from time, 1 to {TTL_SECONDS_MAX}"),
    Field("owner", Bytes(32), "Ed25519 public key"),
    _REFERENCE,
    *_SHAPE,
    _ADDRESSES,
    checks=(Check((this.ttl >= 1) & (this.ttl <= TTL_SECONDS_MAX)), *_SHAPE_CHECKS),
)
RELEASE = Layout(
    "release",
    f"{RELEASE_BYTES} bytes. All after the signature is signed.",
    Field("signature", Bytes(64), "Ed25519, over the signed bytes"),
    Field("time", Int64ul, "hybrid clock, as in an entry"),
    Field("owner", Bytes(32), "Ed25519 public key"),
    _REFERENCE,
)
ROW = Layout(
    "row",
    "One stripe of a file.",
    *_SHAPE,
    _ADDRESSES,
    Field("keys", Array(this.k, Bytes(32)), "block keys, in order", "k × 32"),
    checks=(*_SHAPE_CHECKS, Check((this.k == 1) | (this.share_bytes == BLOCK_BYTES))),
)


def _adds_up(root: Any) -> bool:
    """Whether the rows are those of the highest level, by arithmetic of its own."""
    size, stripe, parity = root.size, root.k * BLOCK_BYTES, root.n - root.k
    full, rest = divmod(size, stripe)
    for _ in range(root.levels - 1):
        last = -(-rest // BLOCK_BYTES)
        size = full * _row_bytes(root.k, root.n) + bool(rest) * _row_bytes(last, last + parity)
        full, rest = divmod(size, stripe)
    if len(root.rows) != full + bool(rest) or (root.levels > 1 and not root.size):
        return False
    shapes = [(row.k, row.n, row.share_bytes, row.last_bytes) for row in root.rows]
    wanted = [(root.k, root.n, BLOCK_BYTES, BLOCK_BYTES)] * full
    if rest:
        last = -(-rest // BLOCK_BYTES)
        tail = rest - (last - 1) * BLOCK_BYTES
        wanted.append((last, last + parity, BLOCK_BYTES if last > 1 else rest, tail))
    return shapes == wanted


def _row_bytes(k: int, n: int) -> int:
    return 10 + 32 * n + 32 * k


FILE_ROOT = Layout(
    "file root",
    "The value of an entry with flag 4.",
    Field("version", Const(ROOT_VERSION, Byte), f"{ROOT_VERSION}"),
    Field("kind", Byte, "0: a file; 1: a folder, as a tar stream"),
    Field("levels", Byte, f"manifests on the way to the content, 1 to {MANIFEST_LEVELS_MAX}"),
    Field("k", Byte, "blocks of a full stripe, 1 to n"),
    Field("n", Byte, f"its shares, at most {CODE_SHARES_MAX}"),
    Field("size", Int64ul, f"bytes of the content, at most {FILE_BYTES_MAX}"),
    _REFERENCE,
    nested("rows", ROW, "rest", "the manifest of the highest level", GreedyRange),
    checks=(
        Check((this.kind <= 1) & (this.levels >= 1) & (this.levels <= MANIFEST_LEVELS_MAX)),
        Check((this.k >= 1) & (this.k <= this.n) & (this.n <= CODE_SHARES_MAX)),
        Check(this.size <= FILE_BYTES_MAX),
        Check(_adds_up),
    ),
)
