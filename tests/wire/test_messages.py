"""Messages: encode and decode are each other's inverse, and any other bytes are a WireError."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.errors import WireError
from dave.limits import BUCKET_CONTACTS, DATA_MESSAGE_BYTES_MAX, ENTRY_BYTES_MAX
from dave.wire import messages as m
from dave.wire.entry import Entry, encode
from dave.wire.status import PutStatus
from tests.wire.made import damaged, messages

ID = b"\x01\x02\x03\x04"
ENTRY = Entry(encode(bytes(range(32)), b"key", b"value", 7 << 16, 60))
LARGEST = Entry(encode(bytes(32), b"k", bytes(ENTRY_BYTES_MAX - 121), 7, 60))
CONTACT = m.WireContact(b"p" * 32, b"n" * 8, ("192.0.2.1", 1424))
CONTACT6 = m.WireContact(b"q" * 32, b"m" * 8, ("2001:db8::1", 65535))
EACH = [
    m.Ping(),
    m.Pong(2**64 - 1),
    m.Pong(1, b"j" * 16, 2, 2**64 - 1),
    m.Put(ENTRY),
    m.Put(ENTRY, 0),
    m.Put(ENTRY, 2**64 - 1),
    m.Put(ENTRY, None, is_direct=True),
    m.Put(ENTRY, 1, is_direct=True),
    m.PutAck(PutStatus.STORED),
    m.PutAck(PutStatus.LOW_WORK, 4096),
    m.PutAck(PutStatus.STALE, 0, ENTRY, (CONTACT, CONTACT6)),
    m.Get(bytes(range(32))),
    m.GetAck(ENTRY),
    m.GetAck(None),
    m.GetAck(None, (CONTACT6,)),
    m.Find(2**64 - 1),
    m.FindAck((CONTACT, CONTACT6)),
    m.GetMyAddrPort(),
    m.GetMyAddrPort(dial=True),
    m.GetMyAddrPortAck(("2001:db8::1", 1)),
    m.Bye(),
    m.Dial(CONTACT),
    m.Dial(CONTACT6),
    m.DialAck(reached=False),
    m.DialAck(reached=True),
]


def names(message):
    at = next(i for i, each in enumerate(EACH) if each is message)
    return f"{type(message).__name__}-{at}"


@pytest.mark.parametrize("message", EACH, ids=names)
def test_round_trip(message):
    assert m.decode(m.encode(ID, message)) == (ID, message)


@pytest.mark.parametrize("message", EACH, ids=names)
def test_prefixes_byte_changes_and_trailing_bytes(message):
    data = m.encode(ID, message)
    others = [data[:size] for size in range(len(data))] + [data + b"\0"]
    for i, byte in enumerate(data):
        others += [data[:i] + bytes((b,)) + data[i + 1 :] for b in range(256) if b != byte]
    for other in others:
        with suppress(WireError):
            request_id, meant = m.decode(other)
            assert m.encode(request_id, meant) == other
            assert (request_id, type(meant), meant) != (ID, type(message), message)


@given(damaged(messages.map(lambda message: m.encode(ID, message))))
def test_damage_is_refused_or_means_something_else(data):
    with suppress(WireError):
        assert m.encode(*m.decode(data)) == data


@given(st.binary(max_size=1500))
def test_any_bytes(data):
    with suppress(WireError):
        assert m.encode(*m.decode(data)) == data


@pytest.mark.parametrize("kind", [0, *range(22, 256)])
def test_a_type_that_is_not_known_is_told_from_a_broken_message(kind):
    with pytest.raises(m.UnknownMessage):
        m.decode(bytes((kind,)) + ID)


def test_the_largest_entry_travels_both_ways():
    for message in (m.Put(LARGEST, 1), m.PutAck(PutStatus.CONFLICT, 2**64 - 1, LARGEST)):
        data = m.encode(ID, message)
        assert len(data) <= DATA_MESSAGE_BYTES_MAX
        assert m.decode(data) == (ID, message)


def test_no_more_contacts_than_a_bucket_has():
    m.decode(m.encode(ID, m.FindAck((CONTACT,) * BUCKET_CONTACTS)))
    with pytest.raises(WireError, match="at most"):
        m.decode(m.encode(ID, m.FindAck((CONTACT,) * (BUCKET_CONTACTS + 1))))


def test_a_guard_without_its_flag_is_refused():
    for flags, said in ((0, "guard"), (m.PUT_DIRECT, "guard"), (4, "flags 4"), (7, "flags 7")):
        data = bytearray(m.encode(ID, m.Put(ENTRY, 5)))
        data[5] = flags
        with pytest.raises(WireError, match=said):
            m.decode(bytes(data))


@pytest.mark.parametrize("message", [m.GetMyAddrPort(), m.DialAck(reached=False)])
def test_yes_and_no_have_one_encoding_each(message):
    with pytest.raises(WireError, match="2 is neither"):
        m.decode(m.encode(ID, message)[:-1] + b"\x02")


def test_the_short_cuts_give_the_same_bytes():
    request = m.encode(ID, m.Get(bytes(32)))
    assert m.found(request, ENTRY.data) == m.encode(ID, m.GetAck(ENTRY))
    for status in PutStatus:
        assert m.plain_ack(request, status) == m.encode(ID, m.PutAck(status))
