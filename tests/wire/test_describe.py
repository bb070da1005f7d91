"""`describe` names the kind, tiles the bytes without gaps, and says what the fields hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.errors import UsageError, WireError
from dave.store import journal
from dave.wire import messages, promises
from dave.wire.describe import KINDS, describe, kind_of
from dave.wire.entry import Entry, encode
from dave.wire.status import ProofState, PutStatus
from tests.wire import made, test_manifest, test_stripe
from tests.wire.test_layout_messages import SAMPLES


def tiles(data, kind=None):
    """Whether the fields cover `data` exactly, in order."""
    at = 0
    for field in describe(data, kind):
        if field.offset != at:
            return False
        at += field.size
    return at == len(data)


def by_name(data, kind=None):
    return {field.name: field for field in describe(data, kind)}


@given(made.entries())
def test_entries_are_known_and_tiled(entry):
    assert kind_of(entry.data) == "entry"
    assert tiles(entry.data)


@given(made.packets)
def test_packets_are_known_and_tiled(packet):
    assert kind_of(packet.encode()) == type(packet).__name__.upper()
    assert tiles(packet.encode())


@pytest.mark.parametrize("message", SAMPLES, ids=lambda message: type(message).__name__)
def test_messages_are_known_and_tiled(message):
    data = messages.encode(b"abcd", message)
    assert kind_of(data) == messages.TYPE_NAMES[data[0]]
    assert tiles(data)


@given(test_stripe.records())
def test_stripe_records_are_known_and_tiled(record):
    assert kind_of(record.data) == "stripe record"
    assert tiles(record.data)


def test_a_release_is_tiled_and_a_root_known_row_by_row():
    assert tiles(test_stripe.RELEASE.data, "release")
    root = test_manifest.root_of(3 * 262_144 + 1, 2, 3).encode()
    assert kind_of(root) == "file root"
    assert tiles(root)
    fields = by_name(root)
    assert fields["rows.0.k"].value == fields["rows.1.k"].value == "2"
    assert fields["rows.1.last_bytes"].value == "1"
    assert fields["rows.1.keys"].size == 64


def test_the_journal_is_known_and_tiled():
    header = journal.encode_header(journal.Header(b"j" * 16, b"f" * 32, 7))
    record = journal.seal_record(b"f" * 32, journal.entry_record(9, b"body"))
    assert by_name(header[:512], "journal header")["segment"].value == "7"
    assert kind_of(header[:512]) == "journal header"
    assert kind_of(record) == "journal record"
    assert by_name(record)["type"].value == "1"
    assert tiles(record)
    assert tiles(header[512:])


def test_values_are_for_humans():
    entry = Entry(encode(bytes(32), b"greeting", b"hello", 1_700_000_000_000 << 16 | 3, 60))
    fields = by_name(messages.encode(b"abcd", messages.PutAck(PutStatus.STALE, 0, entry)))
    assert fields["type"].value == "4 PUT_ACK"
    assert fields["status"].value == "2 STALE"
    assert fields["held.key"].value == "'greeting'"
    assert fields["held.value"].value == "'hello'"
    assert "2023-11-14T22:13:20.000Z + 3" in fields["held.time"].value
    assert fields["held.owner"].value == "32 zeros"
    assert fields["request_id"].value == b"abcd".hex()
    assert fields["request_id"].meaning


def test_bitmaps_and_states_are_for_humans():
    versions = (promises.Version(b"e" * 32, b"d" * 16),) * 4
    announce = by_name(messages.encode(b"abcd", promises.Announce(versions, 0b1010)))
    assert announce["evicted"].value == "1, 3"
    assert announce["versions.3.short_digest"].value == (b"d" * 16).hex()
    want = by_name(messages.encode(b"abcd", promises.Want(0, 0b101)))
    assert (want["wanted"].value, want["held"].value) == ("none", "0, 2")
    challenge = promises.Challenge(bytes(32), (b"a" * 16, b"b" * 16))
    digests = by_name(messages.encode(b"abcd", challenge))["digests"]
    assert digests.value == f"{(b'a' * 16).hex()}, {(b'b' * 16).hex()}"
    states = (ProofState.HELD, ProofState.MISSING, ProofState.EVICTED, ProofState.NEWER)
    for given_states, said in ((states, "HELD, MISSING, EVICTED, NEWER"), ((), "all MISSING")):
        proof = promises.Proof(given_states + (0,) * (64 - len(given_states)), bytes(32))
        assert by_name(messages.encode(b"abcd", proof))["states"].value == said


def test_addresses_and_long_values():
    ack = messages.GetMyAddrPortAck(("2001:db8::1", 1424))
    assert by_name(messages.encode(b"abcd", ack))["address.ip"].value == "2001:db8::1"
    long = Entry(encode(bytes(32), b"\xff", b"\xfe" * 200, 2**64 - 1, 60))
    fields = by_name(long.data)
    assert fields["key"].value == "ff"
    assert fields["value"].value.endswith("(200 bytes)")
    assert "time" in fields


@given(st.binary(max_size=300), st.none() | st.sampled_from(sorted(KINDS)))
def test_any_bytes_are_described_or_refused(data, kind):
    try:
        fields = describe(data, kind)
    except WireError:
        return
    assert sum(field.size for field in fields) == len(data)


def test_a_wrong_kind_is_named():
    with pytest.raises(UsageError, match="entry"):
        describe(b"", "letter")
    with pytest.raises(WireError, match="no valid entry"):
        describe(b"x", "entry")
    with pytest.raises(WireError, match="3 bytes are no entry"):
        kind_of(b"\x09\x09\x09")
