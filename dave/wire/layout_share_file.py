"""The readable specification, continued: a share as a node keeps it on its disk (see layout.py).

Shape only, as with the journal: whether checksum and address are right is for the codec.
"""

from construct import Bytes, Check, Const, Int16ul, Int32ul, this

from dave.share_limits import BLOCK_BYTES, STRIPE_RECORD_BYTES_MAX
from dave.wire.layout import Field, Layout

SHARE_END = Layout(
    "share end",
    "What follows the bytes of the share in its file, after the stripe record.",
    Field("size", Int32ul, f"bytes of the share, at most {BLOCK_BYTES}"),
    Field("mask", Int32ul, "bit i: the share is number i of the stripe"),
    Field("length", Int16ul, f"bytes of the record, at most {STRIPE_RECORD_BYTES_MAX}"),
    Field("checksum", Bytes(16), "of the record and the 10 bytes before this"),
    Field("magic", Const(b"DsH1"), "`DsH1`"),
    checks=(Check(this.size <= BLOCK_BYTES), Check(this.length <= STRIPE_RECORD_BYTES_MAX)),
)
