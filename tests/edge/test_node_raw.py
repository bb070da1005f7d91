"""What a node answers to entries that no honest client would send."""

import time

import pytest

import dave
from dave.crypto.hashes import ENTRY_STAMP_TAG, entry_digest
from dave.crypto.network import network
from dave.crypto.work import entry_work
from dave.edge.search import find_stamp
from dave.limits import CLOCK_AHEAD_MS_MAX
from dave.wire.messages import Get, GetAck
from dave.wire.status import PutStatus
from tests.raw_client import RawClient, signed

NETWORK = network("dave")
KEY = dave.Key.generate()


@pytest.fixture
def raw(node):
    with RawClient(node.host_port, NETWORK) as client:
        yield client


def stamped(entry):
    work = entry_work(len(entry.data), entry.ttl)
    digest = entry_digest(entry.signed_bytes(NETWORK))
    nonce, _ = find_stamp(ENTRY_STAMP_TAG + digest, work)
    return entry.with_proofs(entry.signature, nonce)


def test_a_weak_stamp_is_told_the_work_asked(raw):
    entry = signed(KEY, NETWORK, b"weak", b"v")
    ack = raw.put(entry)
    assert ack.status is PutStatus.LOW_WORK
    assert ack.detail == entry_work(len(entry.data), entry.ttl)
    assert raw.ask(Get(entry.id)) == GetAck(None, ())


def test_a_forged_signature(raw, node):
    genuine = stamped(signed(KEY, NETWORK, b"forged", b"v"))
    for position in (0, 31, 32, 63):
        signature = bytearray(genuine.signature)
        signature[position] ^= 1
        forged = genuine.with_proofs(bytes(signature), genuine.nonce)
        assert raw.put(forged).status is PutStatus.FORGED
    assert raw.ask(Get(genuine.id)) == GetAck(None, ())
    assert raw.put(genuine).status is PutStatus.STORED
    assert node.status()["puts"]["forged"] == 4


def test_an_entry_signed_for_another_network(raw):
    entry = signed(KEY, network("elsewhere"), b"moved", b"v")
    assert raw.put(stamped(entry)).status is PutStatus.FORGED


def test_another_owners_name_on_it(raw):
    mine = signed(KEY, NETWORK, b"k", b"v").data
    theirs = dave.Key.generate().owner
    stolen = type(signed(KEY, NETWORK, b"k", b"v"))(mine[:87] + theirs + mine[119:])
    assert raw.put(stamped(stolen)).status is PutStatus.FORGED


def test_a_stale_version_brings_the_one_held(raw):
    newer = stamped(signed(KEY, NETWORK, b"versions", b"newer", ahead_ms=10))
    older = stamped(signed(KEY, NETWORK, b"versions", b"older", ahead_ms=-10_000))
    assert raw.put(newer).status is PutStatus.STORED
    assert raw.put(newer).status is PutStatus.SAME
    ack = raw.put(older)
    assert (ack.status, ack.held) == (PutStatus.STALE, newer)
    ack = raw.put(stamped(signed(KEY, NETWORK, b"versions", b"other", ahead_ms=20)), older.time)
    assert (ack.status, ack.held) == (PutStatus.CONFLICT, newer)
    assert raw.ask(Get(newer.id)) == GetAck(newer)


def test_times_at_the_edges(raw):
    future = stamped(signed(KEY, NETWORK, b"f", b"v", ahead_ms=CLOCK_AHEAD_MS_MAX + 20_000))
    ack = raw.put(future)
    assert ack.status is PutStatus.FUTURE
    assert abs(ack.detail - time.time_ns() // 1_000_000) < 20_000
    soon = stamped(signed(KEY, NETWORK, b"f", b"v", ahead_ms=CLOCK_AHEAD_MS_MAX - 20_000))
    assert raw.put(soon).status is PutStatus.STORED
    past = stamped(signed(KEY, NETWORK, b"p", b"v", ahead_ms=-3_601_000))
    assert raw.put(past).status is PutStatus.EXPIRED
