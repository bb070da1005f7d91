"""Every frame of the bulk channel: round trip, all prefixes, trailing bytes, limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.bulk_limits import BULK_DATA_BYTES_MAX, STREAM_CREDIT_MAX
from dave.errors import WireError
from dave.limits import PIECE_BYTES_MAX, STREAM_REQUEST_BYTES_MAX
from dave.wire.bulk import (
    FRAME_BYTES_MAX,
    Cancel,
    Credit,
    End,
    Keep,
    More,
    Open,
    Piece,
    decode,
)

LAST = 2**32 - 1
SAMPLES = [
    Open(LAST, STREAM_CREDIT_MAX, b"r"),
    Open(0, 1, bytes(STREAM_REQUEST_BYTES_MAX)),
    Piece(7, PIECE_BYTES_MAX, b"c" * 16, bytes(BULK_DATA_BYTES_MAX)),
    Piece(7, 3, b"c" * 16, b"abc"),
    More(LAST, b"x"),
    Credit(1, 1),
    Credit(1, STREAM_CREDIT_MAX),
    End(9, 0),
    End(9, 3),
    Cancel(LAST),
    Keep(),
]
samples = pytest.mark.parametrize("frame", SAMPLES, ids=lambda frame: type(frame).__name__)


@samples
def test_round_trip(frame):
    assert decode(frame.encode()) == frame
    assert len(frame.encode()) <= FRAME_BYTES_MAX


@samples
def test_a_prefix_is_no_frame_or_a_shorter_one(frame):
    data = frame.encode()
    for size in range(min(len(data), 40)):
        try:
            assert decode(data[:size]).encode() == data[:size]
        except WireError:
            continue
        assert isinstance(frame, Open | Piece | More), "only what ends in free bytes"


@pytest.mark.parametrize("frame", [Credit(1, 1), End(9, 0), Cancel(1), Keep()])
def test_a_trailing_byte_is_refused(frame):
    with pytest.raises(WireError):
        decode(frame.encode() + b"\0")


@pytest.mark.parametrize(
    "frame",
    [
        Open(1, 0, b"r"),
        Open(1, STREAM_CREDIT_MAX + 1, b"r"),
        Open(1, 1, b""),
        Open(1, 1, bytes(STREAM_REQUEST_BYTES_MAX + 1)),
        Piece(1, 0, bytes(16), b""),
        Piece(1, 2, bytes(16), b"abc"),
        Piece(1, PIECE_BYTES_MAX + 1, bytes(16), b"abc"),
        Piece(1, PIECE_BYTES_MAX, bytes(16), bytes(BULK_DATA_BYTES_MAX + 1)),
        More(1, b""),
        More(1, bytes(BULK_DATA_BYTES_MAX + 1)),
        Credit(1, 0),
        Credit(1, STREAM_CREDIT_MAX + 1),
        End(1, 4),
    ],
)
def test_what_is_out_of_range_is_refused(frame):
    with pytest.raises(WireError):
        decode(frame.encode())


@given(st.binary(max_size=100))
def test_any_bytes_are_a_frame_or_a_wire_error(data):
    try:
        frame = decode(data)
    except WireError:
        return
    assert frame.encode() == data
