"""WATCH, WATCH_ACK, NOTIFY, NOTIFY_ACK: no bytes but their own pass, and the largest fit."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.errors import WireError
from dave.limits import DATA_MESSAGE_BYTES_MAX, ENTRY_BYTES_MAX
from dave.wire import messages
from dave.wire.entry import Entry, encode
from dave.wire.watching import NOTHING_KNOWN, Notify, NotifyAck, Watch, WatchAck
from tests.wire import made

ID = b"\x01\x02\x03\x04"
ENTRY = Entry(encode(bytes(range(32)), b"key", b"value", 7 << 16, 60))
LARGEST = Entry(encode(bytes(32), b"k", bytes(ENTRY_BYTES_MAX - 121), 7, 60))
EACH = [
    Watch(b"numb", bytes(range(32)), 60, NOTHING_KNOWN),
    Watch(b"\0" * 4, b"i" * 32, 0, b"d" * 32),
    WatchAck(60, 7, True, None),
    WatchAck(0, 0, False, None),
    WatchAck(2**16 - 1, 2**32 - 1, False, ENTRY),
    Notify(b"numb", 1, ENTRY),
    NotifyAck(watched=True),
    NotifyAck(watched=False),
]
FULL = [WatchAck(60, 1, False, LARGEST), Notify(b"numb", 2**32 - 1, LARGEST)]


@pytest.mark.parametrize("message", EACH + FULL, ids=lambda message: type(message).__name__)
def test_round_trip(message):
    assert messages.decode(messages.encode(ID, message)) == (ID, message)


@pytest.mark.parametrize("message", EACH, ids=lambda message: type(message).__name__)
def test_prefixes_byte_changes_and_trailing_bytes(message):
    data = messages.encode(ID, message)
    for other in [*(data[:size] for size in range(len(data))), data + b"\0"]:
        with pytest.raises(WireError):
            messages.decode(other)
    for i, byte in enumerate(data):
        for changed in range(256):
            other = data[:i] + bytes((changed,)) + data[i + 1 :]
            with suppress(WireError):
                request_id, meant = messages.decode(other)
                assert messages.encode(request_id, meant) == other
                same = (request_id, type(meant), meant) == (ID, type(message), message)
                assert same == (changed == byte)


@given(made.damaged(made.watching.map(lambda message: messages.encode(ID, message))))
def test_damage_is_refused_or_means_something_else(data):
    with suppress(WireError):
        assert messages.encode(*messages.decode(data)) == data


@pytest.mark.parametrize("message", FULL, ids=lambda message: type(message).__name__)
def test_the_largest_entry_fits_a_packet(message):
    assert len(messages.encode(ID, message)) <= DATA_MESSAGE_BYTES_MAX


@pytest.mark.parametrize(("message", "said"), [(EACH[2], "says 3"), (EACH[6], "3 is neither")])
def test_what_is_said_has_one_encoding(message, said):
    data = bytearray(messages.encode(ID, message))
    data[-1] = 3
    with pytest.raises(WireError, match=said):
        messages.decode(bytes(data))


@given(st.integers(0, 2**32 - 1))
def test_the_number_of_a_version_survives(sequence):
    data = messages.encode(ID, Notify(b"numb", sequence, ENTRY))
    assert messages.decode(data)[1].sequence == sequence
