"""The declared streams of a sync against wire/sync.py: the same verdict, the same fields."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.wire import layout_sync, sync
from tests.wire import agreeing
from tests.wire.made import U64, fixed
from tests.wire.test_sync import PIECES, REQUESTS

LAYOUTS = {
    sync.NamesRequest: layout_sync.NAMES_REQUEST,
    sync.EntriesRequest: layout_sync.ENTRIES_REQUEST,
    sync.HeldRequest: layout_sync.HELD_REQUEST,
    sync.NamesPiece: layout_sync.NAMES_PIECE,
    sync.EntriesPiece: layout_sync.ENTRIES_PIECE,
    sync.HeldPiece: layout_sync.HELD_PIECE,
}


def agree(kind, data):
    return agreeing.agree(LAYOUTS[kind], kind.read, kind.encode, data)


@pytest.mark.parametrize("message", [*REQUESTS, *PIECES])
def test_they_agree_on_what_is_right(message):
    assert agree(type(message), message.encode())


@pytest.mark.parametrize("message", [*REQUESTS, *PIECES])
def test_they_agree_on_prefixes_and_trailing_bytes(message):
    data = message.encode()
    step = max(1, len(data) // 60)
    for size in range(0, len(data), step):
        agree(type(message), data[:size])
    agree(type(message), data + b"\0")


@pytest.mark.parametrize("message", [*REQUESTS, *PIECES])
@given(data=st.data())
def test_they_agree_on_changed_bytes(message, data):
    raw = bytearray(message.encode())
    at = data.draw(st.integers(0, min(len(raw), 80) - 1))
    raw[at] = data.draw(st.integers(0, 255))
    agree(type(message), bytes(raw))


RUNS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=4)


@given(fixed(16), U64, RUNS)
def test_they_agree_on_runs(journal_id, since, runs):
    agree(sync.EntriesRequest, sync.EntriesRequest(journal_id, since, tuple(runs)).encode())


@given(st.integers(0, 9), st.integers(0, 12), st.lists(st.integers(0, 9), max_size=4))
def test_they_agree_on_names(since, upto, offsets):
    names = tuple((offset, bytes(16)) for offset in offsets)
    agree(sync.NamesPiece, sync.NamesPiece(since, upto, names).encode())
