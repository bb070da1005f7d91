"""Audits of shares: round trips, prefixes, flips, trailing bytes, and what each may hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.errors import WireError
from dave.limits import STREAM_REQUEST_BYTES_MAX
from dave.share_limits import AUDIT_LEAVES_MAX, CODE_SHARES_MAX, MERKLE_LEAF_BYTES, STRIPE_BATCH
from dave.wire import share_audit as audit
from dave.wire.share_audit import AuditRequest, HeldMasks, LeafAsked, LeafShown, stripes_room
from tests.wire.made import fixed, neighbours

A, B = b"a" * 32, b"b" * 32

MESSAGES = [
    AuditRequest((LeafAsked(A, 0),), ()),
    AuditRequest((), (A, B)),
    AuditRequest((LeafAsked(A, 3), LeafAsked(B, 65_535)), (B,)),
    AuditRequest((LeafAsked(A, 1),) * AUDIT_LEAVES_MAX, (B,) * stripes_room(AUDIT_LEAVES_MAX)),
    HeldMasks((0,)),
    HeldMasks((1, 2**CODE_SHARES_MAX - 1, 0)),
    LeafShown(b"leaf", b""),
    LeafShown(b"leaf", A + B),
    LeafShown(b"l" * MERKLE_LEAF_BYTES, A * 4),
    audit.LACKING,
]


@pytest.mark.parametrize("message", MESSAGES)
def test_they_survive_a_round_trip(message):
    assert type(message).read(message.encode()) == message


@pytest.mark.parametrize("message", MESSAGES)
def test_what_is_changed_is_refused_or_read_as_it_stands(message):
    data = message.encode()
    for changed in neighbours(data[:200]) if len(data) < 200 else (data[:-1], data + b"\0"):
        try:
            read = type(message).read(changed)
        except WireError:
            continue
        assert read.encode() == changed
        assert read != message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x15",
        b"\x15\x00",
        b"\x14\x00" + A,
        b"\x15\x01" + A,
        b"\x15\x02" + (A + b"\0\0"),
        b"\x15\x00" + A + b"\0",
        AuditRequest((LeafAsked(A, 1),) * (AUDIT_LEAVES_MAX + 1), ()).encode(),
        AuditRequest((), (A,) * (stripes_room(0) + 1)).encode(),
    ],
)
def test_what_is_no_request_is_refused(data):
    with pytest.raises(WireError):
        AuditRequest.read(data)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (HeldMasks, b""),
        (HeldMasks, bytes(5)),
        (HeldMasks, HeldMasks((1 << CODE_SHARES_MAX,)).encode()),
        (LeafShown, b""),
        (LeafShown, bytes(3)),
        (LeafShown, b"\x05\0\0\0leaf"),
        (LeafShown, b"\0\0\0\0" + A),
        (LeafShown, LeafShown(b"leaf", A * 5).encode()),
        (LeafShown, LeafShown(b"leaf", A + b"x").encode()),
        (LeafShown, LeafShown(bytes(MERKLE_LEAF_BYTES + 1), b"").encode()),
    ],
)
def test_what_is_no_piece_is_refused(kind, data):
    with pytest.raises(WireError):
        kind.read(data)


@given(st.lists(st.builds(LeafAsked, fixed(32), st.integers(0, 65_535)), max_size=4),
       st.lists(fixed(32), min_size=1, max_size=8))  # fmt: skip
def test_any_request_survives_a_round_trip(leaves, stripes):
    request = AuditRequest(tuple(leaves), tuple(stripes))
    assert AuditRequest.read(request.encode()) == request


def test_a_batch_with_a_leaf_fits_a_request():
    assert stripes_room(1) >= STRIPE_BATCH
    full = AuditRequest((LeafAsked(A, 1),), (B,) * STRIPE_BATCH)
    assert len(full.encode()) <= STREAM_REQUEST_BYTES_MAX
