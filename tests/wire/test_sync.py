"""The streams of a sync: round trips, prefixes, flips, trailing bytes."""

import pytest

from dave.errors import WireError
from dave.limits import SYNC_NAMES_MAX, SYNC_RUNS_MAX
from dave.wire import sync
from dave.wire.entry import Entry
from tests.node.helpers import Stage

ID = b"j" * 16
STAGE = Stage()
ONE, TWO = STAGE.entry(b"one"), STAGE.entry(b"two", b"value" * 9)

REQUESTS = [
    sync.NamesRequest(ID, 5, 9),
    sync.NamesRequest(ID, 0, 2**64 - 1),
    sync.EntriesRequest(ID, 7, ((1, 1),)),
    sync.EntriesRequest(ID, 7, ((1, 3), (4, 1), (2**32 - 1, 2))),
    sync.EntriesRequest(ID, 0, tuple((2 * i + 1, 1) for i in range(SYNC_RUNS_MAX))),
    sync.HeldRequest(ID, 5, 9, b"\x05"),
    sync.HeldRequest(ID, 5, 9, bytes(SYNC_NAMES_MAX // 8)),
]
PIECES = [
    sync.NamesPiece(5, 9, ()),
    sync.NamesPiece(5, 9, ((1, b"d" * 16), (4, b"e" * 16))),
    sync.EntriesPiece(9, ()),
    sync.EntriesPiece(9, (ONE, TWO)),
    sync.HeldPiece(3),
]


@pytest.mark.parametrize("request_", REQUESTS)
def test_requests_survive_a_round_trip(request_):
    assert sync.read_request(request_.encode()) == request_


@pytest.mark.parametrize("piece", PIECES)
def test_pieces_survive_a_round_trip(piece):
    read = type(piece).read(piece.encode())
    assert read.encode() == piece.encode()
    assert read == piece


@pytest.mark.parametrize("message", [*REQUESTS, *PIECES])
def test_no_prefix_is_taken_for_the_same(message):
    data = message.encode()
    for size in range(len(data)):
        try:
            read = type(message).read(data[:size])
        except WireError:
            continue
        assert read.encode() == data[:size]
        assert read != message


@pytest.mark.parametrize("message", [*REQUESTS, *PIECES])
def test_flipped_and_trailing_bytes_are_refused_or_read_as_they_stand(message):
    data = message.encode()
    wrong = [data + b"\0", *(data[:i] + bytes((data[i] ^ 0x81,)) + data[i + 1 :] for i in
                             range(min(len(data), 300)))]  # fmt: skip
    for changed in wrong:
        try:
            read = type(message).read(changed)
        except WireError:
            continue
        assert read.encode() == changed


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01",
        sync.NamesRequest(ID, 9, 5).encode(),
        sync.EntriesRequest(ID, 7, ()).encode(),
        sync.EntriesRequest(ID, 7, ((1, 1),) * 2).encode(),
        sync.EntriesRequest(ID, 7, ((0, 1),)).encode(),
        sync.EntriesRequest(ID, 7, ((1, 0),)).encode(),
        sync.EntriesRequest(ID, 7, ((2, 1), (1, 1))).encode(),
        sync.EntriesRequest(ID, 2**64 - 3, ((2, 3),)).encode(),
        sync.EntriesRequest(ID, 0, tuple((i + 1, 1) for i in range(SYNC_RUNS_MAX + 1))).encode(),
        sync.HeldRequest(ID, 5, 9, b"").encode(),
        sync.HeldRequest(ID, 9, 5, b"\1").encode(),
        sync.HeldRequest(ID, 5, 9, bytes(SYNC_NAMES_MAX // 8 + 1)).encode(),
        b"\x01\x09" + bytes(40),
        b"\x02\x01" + bytes(32),
    ],
)
def test_what_is_no_request_is_refused(data):
    with pytest.raises(WireError):
        sync.read_request(data)


@pytest.mark.parametrize(
    "piece",
    [
        sync.NamesPiece(5, 9, ((5, b"d" * 16),)),
        sync.NamesPiece(5, 9, ((2, b"d" * 16), (2, b"e" * 16))),
        sync.NamesPiece(5, 9, ((0, b"d" * 16),)),
    ],
)
def test_names_outside_of_their_interval_or_order_are_refused(piece):
    with pytest.raises(WireError):
        sync.NamesPiece.read(piece.encode())


def test_entries_are_checked_as_entries():
    broken = bytearray(ONE.data)
    broken[72] |= 0x80  # a flag that nobody knows
    with pytest.raises(WireError):
        sync.EntriesPiece.read(sync.encode_entries(1, [bytes(broken)]))
    assert sync.EntriesPiece.read(sync.encode_entries(1, [ONE.data])).entries == (Entry(ONE.data),)
