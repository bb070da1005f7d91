"""The two ends of a stream, frame by frame: pieces are cut and joined, windows are kept."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.bulk_limits import BULK_DATA_BYTES_MAX, STREAM_CREDIT_MAX, STREAM_WINDOW_BYTES
from dave.crypto.hashes import piece_checksum
from dave.errors import UsageError, WireError
from dave.limits import PIECE_BYTES_MAX
from dave.node.streams import Served, Stream, StreamEnd
from dave.wire import bulk
from tests.node.streaming import Collect, ListSource

NOW = 10**12
CHECKSUM = piece_checksum(b"abcdef")


class Wire:
    """Frames that a stream sent."""

    def __init__(self):
        self.sent = []
        self.forgotten = []

    def send(self, frame):
        self.sent.append(bulk.decode(frame))

    def forget(self, stream):
        self.forgotten.append(stream)


def opened(*, eager=True):
    sink = Collect(eager=eager)
    stream = sink.stream = Stream(b"\1request", sink)
    wire = Wire()
    stream.start(wire, 5)
    return stream, sink, wire


def deliver(stream, frame):
    decoded = bulk.decode(frame)
    if isinstance(decoded, bulk.Piece):
        stream.begin(decoded, NOW)
    else:
        stream.go_on(decoded.data, NOW)


def test_the_ends_that_travel_keep_their_numbers():
    assert [StreamEnd.DONE, StreamEnd.REFUSED, StreamEnd.BUSY, StreamEnd.BROKEN] == [0, 1, 2, 3]


def test_it_begins_with_the_request_and_the_window():
    _, _, wire = opened()
    assert wire.sent == [bulk.Open(5, STREAM_WINDOW_BYTES, b"\1request")]


@given(
    st.lists(st.integers(1, PIECE_BYTES_MAX), max_size=8),
    st.lists(st.integers(1, 100_000), max_size=30),
)
def test_what_is_cut_into_frames_is_joined_again(sizes, grants):
    rng = Random(1)
    content = [rng.randbytes(size) for size in sizes]
    source = ListSource(content)
    served = Served(5, 1, source, NOW)
    stream, sink, _ = opened()
    allowed = 1
    for credit in [*grants, sum(sizes)]:
        while (made := served.next_frame(NOW)) is not None:
            frame, is_last = made
            if is_last:
                break
            deliver(stream, frame)
            assert len(frame) <= BULK_DATA_BYTES_MAX + bulk.PIECE_HEADER_BYTES
        assert sum(map(len, sink.pieces)) <= allowed
        assert source.taken <= len(sink.pieces) + 1
        served.add_credit(max(1, credit), NOW)
        allowed += credit
    while not (made := served.next_frame(NOW))[1]:
        deliver(stream, made[0])
    assert sink.pieces == content


def test_credit_is_given_by_halves_of_the_window():
    stream, sink, wire = opened(eager=False)
    half = STREAM_WINDOW_BYTES // 2
    for _ in range(half // PIECE_BYTES_MAX + 1):
        served = Served(5, PIECE_BYTES_MAX, ListSource([bytes(PIECE_BYTES_MAX)]), NOW)
        for _ in range(PIECE_BYTES_MAX // BULK_DATA_BYTES_MAX):
            deliver(stream, served.next_frame(NOW)[0])
    stream.consumed(half - 1)
    assert len(wire.sent) == 1
    stream.consumed(2)
    assert wire.sent[1:] == [bulk.Credit(5, half + 1)]
    assert stream.room == STREAM_WINDOW_BYTES - PIECE_BYTES_MAX + 1
    assert len(sink.pieces) == half // PIECE_BYTES_MAX + 1


HOSTILE = {
    "a wrong checksum": [bulk.Piece(5, 6, bytes(16), b"abcdef")],
    "a wrong checksum over parts": [bulk.Piece(5, 6, CHECKSUM, b"abc"), bulk.More(5, b"dex")],
    "a piece inside a piece": [bulk.Piece(5, 6, CHECKSUM, b"abc")] * 2,
    "more than the piece": [bulk.Piece(5, 6, CHECKSUM, b"abc"), bulk.More(5, b"defg")],
    "more without a piece": [bulk.More(5, b"abc")],
}


@pytest.mark.parametrize("frames", HOSTILE.values(), ids=HOSTILE)
def test_what_no_peer_may_send(frames):
    stream, sink, _ = opened()
    for frame in frames[:-1]:
        deliver(stream, frame.encode())
    with pytest.raises(WireError):
        deliver(stream, frames[-1].encode())
    assert sink.pieces == []


def test_more_than_the_window_is_refused():
    stream, sink, _ = opened(eager=False)
    piece = bytes(BULK_DATA_BYTES_MAX)
    frame = bulk.Piece(5, len(piece), piece_checksum(piece), piece).encode()
    for _ in range(STREAM_WINDOW_BYTES // len(piece)):
        deliver(stream, frame)
    with pytest.raises(WireError):
        deliver(stream, frame)
    assert len(sink.pieces) == STREAM_WINDOW_BYTES // len(piece)


def test_too_much_credit_is_refused():
    served = Served(1, STREAM_CREDIT_MAX, ListSource([]), NOW)
    with pytest.raises(WireError):
        served.add_credit(1, NOW)


def test_an_end_is_told_once_and_not_after_cancel():
    stream, sink, wire = opened()
    stream.end(StreamEnd.BROKEN, NOW)
    stream.end(StreamEnd.DONE, NOW)
    stream.cancel()
    assert (sink.ends, wire.forgotten) == ([StreamEnd.BROKEN], [])
    stream, sink, wire = opened()
    stream.cancel()
    stream.end(StreamEnd.DONE, NOW)
    assert (sink.ends, wire.forgotten) == ([], [stream])


def test_nothing_can_be_consumed_before_it_came():
    stream, _, _ = opened()
    with pytest.raises(UsageError):
        stream.consumed(1)
