"""The readable specification, continued: what travels on the streams of shares (see layout.py)."""

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

from dave.limits import PIECE_BYTES_MAX
from dave.share_limits import (
    FETCH_ADDRESSES_MAX,
    OFFERS_OPEN_MAX,
    STRIPE_RECORD_BYTES_MAX,
    STRIPES_ASKED_MAX,
)
from dave.wire.layout import Field, Layout, nested
from dave.wire.share_status import SHARE_STATUS_MAX
from dave.wire.shares import (
    OFFERS,
    SHARE,
)
from dave.wire.stream_kind import StreamKind


def _kind(kind: int) -> Field:
    return Field("kind", Const(kind, Byte), f"{kind}")


_RECORD_LENGTH = Field("length", Int16ul, f"bytes of the record, at most {STRIPE_RECORD_BYTES_MAX}")
_RECORD = Field("record", Bytes(this.length), "a stripe record", "length")
_TOKEN = Field("token", Bytes(8), "drawn by who offers, for each OFFER")

VERDICT = Layout(
    "share verdict",
    "The answer to an offer.",
    Field("seq", Int32ul, "number of the offer"),
    Field("verdict", Byte, "see below"),
    Field("detail", Int32ul, "as the verdict says, else 0"),
    checks=(Check(this.verdict <= SHARE_STATUS_MAX),),
)
OFFER = Layout(
    "share offer",
    "A share that its owner, or a node that mends a stripe, would like to be kept.",
    Field("seq", Int32ul, "number of the offer, never used twice on a stream"),
    Field("number", Byte, "which share of the stripe"),
    _RECORD_LENGTH,
    _RECORD,
    checks=(Check((this.length >= 1) & (this.length <= STRIPE_RECORD_BYTES_MAX)),),
)
HELD_STRIPE = Layout(
    "held stripe",
    "What is held of one stripe.",
    _RECORD_LENGTH,
    _RECORD,
    Field("mask", Int32ul, "bit i: share i is held; 0, and no record: none is"),
    checks=(
        Check(this.length <= STRIPE_RECORD_BYTES_MAX),
        Check(lambda it: bool(it.length) == bool(it.mask)),
    ),
)

FETCH_REQUEST = Layout(
    "FETCH request",
    "Send me these shares.",
    _kind(StreamKind.FETCH),
    Field("count", Byte, f"1 to {FETCH_ADDRESSES_MAX}"),
    Field("addresses", Array(this.count, Bytes(32)), "of the shares", "count × 32"),
    checks=(Check((this.count >= 1) & (this.count <= FETCH_ADDRESSES_MAX)),),
)
FETCH_SIZES = Layout(
    "FETCH sizes",
    "The first piece. In those that follow come the shares that are held, one after the other, "
    f"each cut into pieces of {PIECE_BYTES_MAX} bytes of which the last may be shorter.",
    Field("sizes", GreedyRange(Int32ul), "bytes of each share asked for; 0: not held", "count × 4"),
)
OFFER_REQUEST = Layout("OFFER request", "I have shares for you.", _kind(StreamKind.OFFER), _TOKEN)
OFFER_VERDICTS = Layout(
    "OFFER verdicts",
    "Each piece: what becomes of offers.",
    nested("verdicts", VERDICT, "count × 9", "in no order", GreedyRange),
    checks=(Check(len_(this.verdicts) >= 1),),
)
TAKE_REQUEST = Layout(
    "TAKE request",
    "Asked of who has opened OFFER, over the same connection: tell me what you have.",
    _kind(StreamKind.TAKE),
    Field("token", Bytes(8), "of that OFFER"),
)
TAKE_OFFERS = Layout(
    "TAKE offers",
    "A piece with offers.",
    Field("type", Const(OFFERS, Byte), f"{OFFERS}"),
    nested("offers", OFFER, "rest", f"1 to {OFFERS_OPEN_MAX}", GreedyRange),
    checks=(Check((len_(this.offers) >= 1) & (len_(this.offers) <= OFFERS_OPEN_MAX)),),
)
TAKE_SHARE = Layout(
    "TAKE share",
    "The bytes of a share that is WANTED are the pieces that follow, cut as in FETCH.",
    Field("type", Const(SHARE, Byte), f"{SHARE}"),
    Field("seq", Int32ul, "number of its offer"),
)
STRIPES_REQUEST = Layout(
    "STRIPES request",
    "Which shares of these stripes do you hold?",
    _kind(StreamKind.STRIPES),
    Field("count", Byte, f"1 to {STRIPES_ASKED_MAX}"),
    Field("stripe_ids", Array(this.count, Bytes(32)), "of the stripes", "count × 32"),
    checks=(Check((this.count >= 1) & (this.count <= STRIPES_ASKED_MAX)),),
)
STRIPES_HELD = Layout(
    "STRIPES held",
    "The only piece.",
    nested("stripes", HELD_STRIPE, "rest", "one for each stripe asked after", GreedyRange),
)
RELEASE_REQUEST = Layout(
    "RELEASE request",
    "Drop what this release names.",
    _kind(StreamKind.RELEASE),
    Field("release", GreedyBytes, "a release", "120"),
    checks=(Check(len_(this.release) >= 1),),
)
RELEASE_COUNT = Layout(
    "RELEASE count",
    "The only piece.",
    Field("count", Int32ul, "records that were dropped"),
)
SHARES: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        FETCH_REQUEST,
        FETCH_SIZES,
        OFFER_REQUEST,
        OFFER_VERDICTS,
        TAKE_REQUEST,
        TAKE_OFFERS,
        TAKE_SHARE,
        STRIPES_REQUEST,
        STRIPES_HELD,
        RELEASE_REQUEST,
        RELEASE_COUNT,
    )
}
"""What can be described, by name."""
