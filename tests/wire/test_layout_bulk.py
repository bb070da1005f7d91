"""The declared bulk channel against wire/bulk.py: the same verdict and the same fields."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.bulk_limits import STREAM_CREDIT_MAX
from dave.limits import PIECE_BYTES_MAX
from dave.wire import bulk, layout_bulk
from tests.wire.made import damaged, fixed, neighbours
from tests.wire.test_layout import verdict

numbers = st.integers(0, 2**32 - 1)
windows = st.integers(1, STREAM_CREDIT_MAX)
parts = st.binary(min_size=1, max_size=60)
frames = st.one_of(
    st.builds(bulk.Open, numbers, windows, parts),
    st.builds(bulk.Piece, numbers, st.integers(60, PIECE_BYTES_MAX), fixed(16), parts),
    st.builds(bulk.More, numbers, parts),
    st.builds(bulk.Credit, numbers, windows),
    st.builds(bulk.End, numbers, st.integers(0, 3)),
    st.builds(bulk.Cancel, numbers),
    st.builds(bulk.Keep),
)
SAMPLES = [
    bulk.Open(1, 2, b"request"),
    bulk.Piece(1, 5, bytes(16), b"piece"),
    bulk.More(2, b"more"),
    bulk.Credit(3, 9),
    bulk.End(4, 3),
    bulk.Cancel(5),
    bulk.Keep(),
]


def agree(data):
    declaration = layout_bulk.FRAMES.get(data[0]) if data else None
    declared = verdict(declaration.parse, data) if declaration else None
    ours = verdict(bulk.decode, data)
    assert (ours is None) == (declared is None)
    if ours is None:
        return False
    for name, value in ours._asdict().items():
        assert value == declared[name]
    assert declaration.build(declared) == data == ours.encode()
    return True


@given(frames.map(lambda frame: frame.encode()))
def test_valid_frames_are_accepted_by_both(data):
    assert agree(data)


@given(damaged(frames.map(lambda frame: frame.encode())))
def test_damaged_frames_agree(data):
    agree(data)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: type(sample).__name__)
def test_neighbours_agree(sample):
    data = sample.encode()
    assert agree(data)
    assert False in {agree(other) for other in neighbours(data)}


LARGEST = [
    (b"\1" + bytes(4) + b"\1\0\0\0", 1024),
    (b"\2" + bytes(4) + b"\0\0\1\0" + bytes(16), 32768),
    (b"\3" + bytes(4), 32768),
]


@pytest.mark.parametrize(("head", "most"), LARGEST, ids=["OPEN", "PIECE", "MORE"])
def test_the_largest_frame_agrees(head, most):
    assert agree(head + bytes(most))
    assert not agree(head + bytes(most + 1))
    assert not agree(head)


def test_the_sizes_of_the_handshake_are_those_declared():
    assert layout_bulk.BULK_INIT.con.sizeof() == bulk.INIT_BYTES
    assert layout_bulk.BULK_ACCEPT.con.sizeof() == bulk.ACCEPT_BYTES
