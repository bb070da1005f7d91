"""What travels on the streams by which shares of stripes are offered, fetched and released.

Who asks opens a stream, and the answer comes in its pieces (wire/bulk.py). To take shares in, a
node asks in turn: the answer to OFFER are its verdicts, and the offers and shares are the answer to
TAKE, which the node opens to whoever opened OFFER, over the same connection.

    FETCH request     kind 16 | count 1 | (address 32) ...
    FETCH pieces      (size 4) ...                       one for each address; 0: not held
                      bytes of a share ...               one share after the other, as asked
    OFFER request     kind 17 | token 8
    OFFER piece       (seq 4 | status 1 | detail 4) ...  a verdict each
    TAKE request      kind 18 | token 8                  of the OFFER
    TAKE pieces       1 | (seq 4 | number 1 | length 2 | record) ...
                      2 | seq 4                          the share comes next,
                      bytes of a share ...               as many as its record says
    STRIPES request   kind 19 | count 1 | (stripe id 32) ...
    STRIPES piece     (length 2 | record | mask 4) ...   one for each id; length and mask 0: none
    RELEASE request   kind 20 | release
    RELEASE piece     count 4                            records dropped
                                                                        integers little-endian

A share is cut into pieces of PIECE_BYTES_MAX bytes, the last one shorter.
"""

from collections.abc import Iterable, Sequence
from struct import Struct
from typing import NamedTuple

from dave.errors import WireError
from dave.limits import PIECE_BYTES_MAX, STREAM_REQUEST_BYTES_MAX
from dave.share_limits import (
    FETCH_ADDRESSES_MAX,
    OFFERS_OPEN_MAX,
    SHARE_ADDRESS_BYTES,
    STRIPE_RECORD_BYTES_MAX,
    STRIPES_ASKED_MAX,
)
from dave.wire.share_status import KEPT_STATUSES, SHARE_STATUS_MAX, ShareStatus
from dave.wire.stream_kind import StreamKind

OFFERS, SHARE = 1, 2
"""The first bytes of the pieces that answer TAKE."""
TOKEN_BYTES = 8
MASK_BYTES = 4

_verdict = Struct("<IBI")
_offer = Struct("<IBH")
_share = Struct("<BI")
_token = Struct(f"<B{TOKEN_BYTES}s")
_u16 = Struct("<H")
_u32 = Struct("<I")
VERDICT_BYTES = _verdict.size
VERDICTS_MAX = PIECE_BYTES_MAX // VERDICT_BYTES


class Offer(NamedTuple):
    """Here is a record; shall I send the share of that number?"""

    seq: int
    """Number of the offer, by who makes it; never used twice on a stream."""
    number: int
    """Which of the stripe's shares."""
    record: bytes


class Verdict(NamedTuple):
    """The answer to an offer."""

    seq: int
    status: ShareStatus
    detail: int = 0


class ShareOutcome(NamedTuple):
    """How an offer ended, for who made it."""

    status: ShareStatus
    detail: int = 0

    @property
    def is_stored(self) -> bool:
        """Whether the share is on that node's disk now."""
        return self.status in KEPT_STATUSES


class Held(NamedTuple):
    """What a node holds of a stripe."""

    record: bytes
    mask: int
    """Bit i: share i is here."""


# --- Requests ----------------------------------------------------------------------------------


def fetch_request(addresses: Sequence[bytes]) -> bytes:
    """Send me these shares, 1 to FETCH_ADDRESSES_MAX."""
    assert 1 <= len(addresses) <= FETCH_ADDRESSES_MAX
    return bytes((StreamKind.FETCH, len(addresses))) + b"".join(addresses)


def read_fetch_request(data: bytes) -> list[bytes]:
    """The addresses asked for. Raises WireError."""
    return _read_list(data, StreamKind.FETCH, FETCH_ADDRESSES_MAX)


def stripes_request(stripe_ids: Sequence[bytes]) -> bytes:
    """Which shares of these stripes do you hold? 1 to STRIPES_ASKED_MAX."""
    assert 1 <= len(stripe_ids) <= STRIPES_ASKED_MAX
    return bytes((StreamKind.STRIPES, len(stripe_ids))) + b"".join(stripe_ids)


def read_stripes_request(data: bytes) -> list[bytes]:
    """The stripe ids asked after. Raises WireError."""
    return _read_list(data, StreamKind.STRIPES, STRIPES_ASKED_MAX)


def offer_request(token: bytes) -> bytes:
    """I have shares for you: open TAKE with this token, and tell me your verdicts here."""
    return _token.pack(StreamKind.OFFER, token)


def take_request(token: bytes) -> bytes:
    """Tell me your offers, and send what I want."""
    return _token.pack(StreamKind.TAKE, token)


def read_token(data: bytes, kind: int) -> bytes:
    """The token of OFFER or TAKE. Raises WireError."""
    if len(data) != _token.size or data[0] != kind:
        raise WireError(f"{len(data)} bytes are no request of kind {kind}")
    return data[1:]


def release_request(release: bytes) -> bytes:
    """Drop all that the release says."""
    return bytes((StreamKind.RELEASE,)) + release


def read_release_request(data: bytes) -> bytes:
    """The release, undecoded. Raises WireError."""
    if len(data) < 2 or data[0] != StreamKind.RELEASE:
        raise WireError("no request of a release")
    return data[1:]


# --- Pieces ------------------------------------------------------------------------------------


def sizes_piece(sizes: Sequence[int]) -> bytes:
    """The first piece of a FETCH."""
    return b"".join(map(_u32.pack, sizes))


def read_sizes_piece(data: bytes, count: int) -> list[int]:
    """One size for each share asked for. Raises WireError."""
    if len(data) != count * _u32.size:
        raise WireError(f"{len(data)} bytes are no sizes of {count} shares")
    return [size for (size,) in _u32.iter_unpack(data)]


def verdicts_piece(verdicts: Iterable[Verdict]) -> bytes:
    """1 to VERDICTS_MAX verdicts."""
    return b"".join(_verdict.pack(*verdict) for verdict in verdicts)


def read_verdicts_piece(data: bytes) -> list[Verdict]:
    """The verdicts. Raises WireError."""
    if not data or len(data) % VERDICT_BYTES:
        raise WireError(f"{len(data)} bytes are no verdicts")
    verdicts = []
    for seq, status, detail in _verdict.iter_unpack(data):
        if status > SHARE_STATUS_MAX:
            raise WireError(f"a verdict {status}")
        verdicts.append(Verdict(seq, ShareStatus(status), detail))
    return verdicts


def offer_bytes(offer: Offer) -> bytes:
    """An offer as it stands in a piece of offers."""
    return _offer.pack(offer.seq, offer.number, len(offer.record)) + offer.record


def offers_piece(offers: Iterable[bytes]) -> bytes:
    """A piece of offers, given as `offer_bytes`; OFFERS_PIECE_MAX of them fit."""
    return bytes((OFFERS,)) + b"".join(offers)


def read_offers_piece(data: bytes) -> list[Offer]:
    """The offers. Raises WireError; their records are not looked at."""
    if len(data) < 2 or data[0] != OFFERS:
        raise WireError("no piece of offers")
    offers, at = list[Offer](), 1
    while at < len(data):
        if len(data) - at < _offer.size or len(offers) == OFFERS_OPEN_MAX:
            raise WireError("a piece of offers that is cut off, or too many in it")
        seq, number, length = _offer.unpack_from(data, at)
        at += _offer.size
        if not 0 < length <= min(STRIPE_RECORD_BYTES_MAX, len(data) - at):
            raise WireError(f"an offer with a record of {length} bytes")
        offers.append(Offer(seq, number, data[at : at + length]))
        at += length
    return offers


def share_piece(seq: int) -> bytes:
    """The share of that offer comes next."""
    return _share.pack(SHARE, seq)


def read_share_piece(data: bytes) -> int:
    """The number of the offer whose share comes next. Raises WireError."""
    if len(data) != _share.size or data[0] != SHARE:
        raise WireError("neither offers nor a share")
    return int(_share.unpack(data)[1])


def stripes_piece(held: Iterable[Held | None]) -> bytes:
    """The answer to STRIPES."""
    parts: list[bytes] = []
    for each in held:
        record, mask = (b"", 0) if each is None else each
        parts += _u16.pack(len(record)), record, _u32.pack(mask)
    return b"".join(parts)


def read_stripes_piece(data: bytes, count: int) -> list[Held | None]:
    """What is held of each stripe asked after. Raises WireError; records are not looked at."""
    found: list[Held | None] = []
    at = 0
    for _ in range(count):
        length = int.from_bytes(data[at : at + 2], "little")
        end = at + 2 + length + MASK_BYTES
        if length > STRIPE_RECORD_BYTES_MAX or end > len(data):
            raise WireError("an answer to STRIPES that is cut off")
        mask = int.from_bytes(data[end - MASK_BYTES : end], "little")
        if (not length) != (not mask):
            raise WireError("a record without shares, or shares without a record")
        found.append(Held(data[at + 2 : at + 2 + length], mask) if length else None)
        at = end
    if at != len(data):
        raise WireError(f"{len(data) - at} trailing bytes")
    return found


def count_piece(count: int) -> bytes:
    """The answer to RELEASE."""
    return _u32.pack(count)


def read_count_piece(data: bytes) -> int:
    """How many records were dropped. Raises WireError."""
    if len(data) != _u32.size:
        raise WireError(f"{len(data)} bytes are no count")
    return int(_u32.unpack(data)[0])


def _read_list(data: bytes, kind: int, most: int) -> list[bytes]:
    if len(data) < 2 or data[0] != kind or not 1 <= data[1] <= most:
        raise WireError(f"no request of kind {kind} for 1 to {most}")
    if len(data) != 2 + data[1] * SHARE_ADDRESS_BYTES:
        raise WireError(f"{len(data)} bytes do not hold {data[1]} of {SHARE_ADDRESS_BYTES}")
    return [data[at : at + SHARE_ADDRESS_BYTES] for at in range(2, len(data), SHARE_ADDRESS_BYTES)]


OFFERS_PIECE_MAX = min(
    OFFERS_OPEN_MAX, (PIECE_BYTES_MAX - 1) // (_offer.size + STRIPE_RECORD_BYTES_MAX)
)
"""Offers that fit one piece whatever their records are."""

assert 2 + FETCH_ADDRESSES_MAX * SHARE_ADDRESS_BYTES <= STREAM_REQUEST_BYTES_MAX
assert 2 + STRIPES_ASKED_MAX * SHARE_ADDRESS_BYTES <= STREAM_REQUEST_BYTES_MAX
assert STRIPES_ASKED_MAX * (2 + STRIPE_RECORD_BYTES_MAX + MASK_BYTES) <= PIECE_BYTES_MAX
