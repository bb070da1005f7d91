"""ANNOUNCE, WANT, CHALLENGE and PROOF: their bounds, and that no bytes but their own pass."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.errors import WireError
from dave.limits import ANNOUNCED_MAX, CHALLENGE_ENTRIES_MAX, DATA_MESSAGE_BYTES_MAX
from dave.wire import messages
from dave.wire.promises import Announce, Challenge, Proof, Version, Want
from dave.wire.status import ProofState
from tests.wire import made

ID = b"\x01\x02\x03\x04"
VERSION = Version(bytes(range(32)), b"d" * 16)
OTHER = Version(b"e" * 32, bytes(16))
NONE_HELD = (ProofState.MISSING,) * CHALLENGE_ENTRIES_MAX
EACH = [
    Announce((VERSION,)),
    Announce((VERSION,), 0, 2**64 - 2, 2**64 - 1),
    Announce((VERSION, OTHER, VERSION), 0b101),
    Want(0, 0),
    Want(0b1, 0b10),
    Want(1 << ANNOUNCED_MAX - 1, (1 << ANNOUNCED_MAX - 1) - 1),
    Challenge(bytes(range(32)), (b"d" * 16,)),
    Challenge(bytes(32), (b"d" * 16, b"e" * 16)),
    Proof(NONE_HELD, bytes(32)),
    Proof((1, 2, 3, *NONE_HELD[3:]), b"h" * 32),
]
FULL = [
    Announce((VERSION,) * ANNOUNCED_MAX, (1 << ANNOUNCED_MAX) - 1),
    Challenge(b"n" * 32, (b"d" * 16,) * CHALLENGE_ENTRIES_MAX),
    Proof((ProofState.EVICTED,) * CHALLENGE_ENTRIES_MAX, b"h" * 32),
]
promises = st.one_of(made.announces(), made.wants(), made.challenges(), made.proofs())


def refused(data):
    with pytest.raises(WireError) as caught:
        messages.decode(data)
    return str(caught.value)


@pytest.mark.parametrize("message", EACH + FULL, ids=lambda message: type(message).__name__)
def test_round_trip(message):
    assert messages.decode(messages.encode(ID, message)) == (ID, message)


@pytest.mark.parametrize("message", EACH, ids=lambda message: type(message).__name__)
def test_prefixes_byte_changes_and_trailing_bytes(message):
    data = messages.encode(ID, message)
    for size in range(len(data)):
        refused(data[:size])
    refused(data + b"\0")
    for i, byte in enumerate(data):
        for changed in range(256):
            other = data[:i] + bytes((changed,)) + data[i + 1 :]
            with suppress(WireError):
                request_id, meant = messages.decode(other)
                assert messages.encode(request_id, meant) == other
                same = (request_id, type(meant), meant) == (ID, type(message), message)
                assert same == (changed == byte)


@given(made.damaged(promises.map(lambda message: messages.encode(ID, message))))
def test_damage_is_refused_or_means_something_else(data):
    with suppress(WireError):
        assert messages.encode(*messages.decode(data)) == data


@pytest.mark.parametrize("message", FULL, ids=lambda message: type(message).__name__)
def test_the_fullest_fit_a_packet(message):
    assert len(messages.encode(ID, message)) <= DATA_MESSAGE_BYTES_MAX


def test_counts_have_bounds():
    version, digest = b"v" * 48, b"d" * 16
    many, head = ANNOUNCED_MAX + 1, b"\x0b" + ID + bytes(20)
    assert "0 versions" in refused(head + b"\0")
    assert f"{many} versions" in refused(head + bytes((many,)) + version * many)
    many = CHALLENGE_ENTRIES_MAX + 1
    assert "0 entries" in refused(b"\x0d" + ID + bytes(33))
    assert f"{many} entries" in refused(b"\x0d" + ID + bytes(32) + bytes((many,)) + digest * many)


def test_an_interval_ends_where_it_begins_or_later():
    assert "before it begins" in refused(messages.encode(ID, Announce((VERSION,), 0, 8, 7)))


def test_bits_beyond_what_is_named_are_refused():
    assert "does not name" in refused(messages.encode(ID, Announce((VERSION, OTHER), 0b100)))
    assert "cannot be" in refused(messages.encode(ID, Want(1 << ANNOUNCED_MAX, 0)))
    assert "cannot be" in refused(messages.encode(ID, Want(0, 1 << ANNOUNCED_MAX)))
    assert "twice" in refused(messages.encode(ID, Want(0b11, 0b10)))


def test_the_first_state_stands_in_the_lowest_bits():
    data = messages.encode(ID, Proof((1, 2, 0, 3, 1, *NONE_HELD[5:]), bytes(32)))
    assert data[5:8] == bytes((0b11_00_10_01, 0b01, 0))
