"""The streams of shares: round trips, prefixes, flips, trailing bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.errors import WireError
from dave.limits import PIECE_BYTES_MAX, STREAM_REQUEST_BYTES_MAX
from dave.share_limits import (
    FETCH_ADDRESSES_MAX,
    OFFERS_OPEN_MAX,
    STRIPE_RECORD_BYTES_MAX,
    STRIPES_ASKED_MAX,
)
from dave.wire import shares
from dave.wire.share_status import SHARE_STATUS_MAX, ShareStatus
from dave.wire.shares import Held, Offer, Verdict
from dave.wire.stream_kind import StreamKind

A, B = b"a" * 32, b"b" * 32
TOKEN = b"12345678"
BIGGEST = Offer(2**32 - 1, 255, bytes(STRIPE_RECORD_BYTES_MAX))

CODECS = {
    "fetch": (
        shares.fetch_request,
        shares.read_fetch_request,
        [[A], [A, B], [A] * FETCH_ADDRESSES_MAX],
    ),
    "stripes": (
        shares.stripes_request,
        shares.read_stripes_request,
        [[A], [B] * STRIPES_ASKED_MAX],
    ),
    "offer": (
        shares.offer_request,
        lambda data: shares.read_token(data, StreamKind.OFFER),
        [TOKEN],
    ),
    "take": (
        shares.take_request,
        lambda data: shares.read_token(data, StreamKind.TAKE),
        [TOKEN],
    ),
    "release": (shares.release_request, shares.read_release_request, [b"anything"]),
    "sizes": (shares.sizes_piece, lambda data: shares.read_sizes_piece(data, 2), [[0, 2**32 - 1]]),
    "verdicts": (
        shares.verdicts_piece,
        shares.read_verdicts_piece,
        [
            [Verdict(2**32 - 1, ShareStatus.BAD, 7)],
            [Verdict(i, ShareStatus(i), i) for i in range(SHARE_STATUS_MAX + 1)],
        ],
    ),
    "offers": (
        lambda offers: shares.offers_piece(map(shares.offer_bytes, offers)),
        shares.read_offers_piece,
        [[Offer(1, 2, b"record")], [Offer(1, 2, b"r"), Offer(2, 0, b"s" * 900), BIGGEST]],
    ),
    "share": (shares.share_piece, shares.read_share_piece, [0, 2**32 - 1]),
    "held": (
        shares.stripes_piece,
        lambda data: shares.read_stripes_piece(data, 3),
        [[None, Held(b"record", 5), None], [Held(b"r", 2**32 - 1)] * 3],
    ),
    "count": (shares.count_piece, shares.read_count_piece, [0, 9]),
}
CASES = [(encode, read, value) for encode, read, values in CODECS.values() for value in values]
NAMES = [f"{name}-{i}" for name, (_, _, values) in CODECS.items() for i in range(len(values))]


@pytest.mark.parametrize(("encode", "read", "value"), CASES, ids=NAMES)
def test_a_round_trip(encode, read, value):
    assert read(encode(value)) == value


@pytest.mark.parametrize(("encode", "read", "value"), CASES, ids=NAMES)
def test_prefixes_flips_and_trailing_bytes_are_refused_or_read_as_they_stand(encode, read, value):
    data = encode(value)
    wrong = [data[:size] for size in range(len(data))]
    wrong += [data + b"\0", data + b"\xff" * 9]
    wrong += [data[:i] + bytes((data[i] ^ 0x81,)) + data[i + 1 :] for i in range(len(data))]
    for each in wrong:
        try:
            got = read(each)
        except WireError:
            continue
        assert encode(got) == each
        assert got != value


@given(st.binary(max_size=200), st.sampled_from(sorted(CODECS)))
def test_any_bytes(data, name):
    encode, read, _ = CODECS[name]
    try:
        got = read(data)
    except WireError:
        return
    assert encode(got) == data


def test_what_is_local_never_comes_over_the_wire():
    data = shares.verdicts_piece([Verdict(1, ShareStatus.NO_ANSWER)])
    with pytest.raises(WireError):
        shares.read_verdicts_piece(data)


def test_lists_have_their_bounds():
    with pytest.raises(WireError):
        shares.read_fetch_request(bytes((StreamKind.FETCH, 0)))
    many = bytes((StreamKind.FETCH, FETCH_ADDRESSES_MAX + 1)) + A * (FETCH_ADDRESSES_MAX + 1)
    with pytest.raises(WireError):
        shares.read_fetch_request(many)
    offers = shares.offers_piece([shares.offer_bytes(Offer(1, 1, b"r"))] * (OFFERS_OPEN_MAX + 1))
    with pytest.raises(WireError):
        shares.read_offers_piece(offers)
    with pytest.raises(WireError):
        shares.read_offers_piece(
            shares.offers_piece(
                [shares.offer_bytes(BIGGEST._replace(record=bytes(STRIPE_RECORD_BYTES_MAX + 1)))]
            )
        )


def test_what_fits():
    full = shares.offers_piece([shares.offer_bytes(BIGGEST)] * shares.OFFERS_PIECE_MAX)
    assert len(full) <= PIECE_BYTES_MAX
    assert len(shares.fetch_request([A] * FETCH_ADDRESSES_MAX)) <= STREAM_REQUEST_BYTES_MAX
    verdicts = [Verdict(1, ShareStatus.HELD)] * shares.VERDICTS_MAX
    assert len(shares.verdicts_piece(verdicts)) <= PIECE_BYTES_MAX
