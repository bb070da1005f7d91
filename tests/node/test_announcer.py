"""What is said to other replicas, when, how often, and what their answers come to."""

import pytest

from dave.limits import (
    ANNOUNCE_AGAIN_SECONDS,
    ANNOUNCE_MS,
    ANNOUNCE_QUEUE_MAX,
    ANNOUNCED_MAX,
    BUSY_RETRY_MS,
    HAND_ON_BUSY_MAX,
    HAND_ON_WINDOW_FIRST,
    REPAIR_AGAIN_SECONDS,
)
from dave.wire.messages import PutAck
from dave.wire.status import PutStatus
from tests.node.replica_helpers import Replica, version_of

SOON = ANNOUNCE_MS / 1000 + 0.01


def stored(stage, count=1, prefix=b"", **put):
    """Entries that a client put on this node, as one that reaches all replicas does."""
    asker = stage.asker()
    entries = [stage.entry(prefix + b"%d" % i) for i in range(count)]
    for entry in entries:
        asker.put(entry, **put)
    stage.verify()
    stage.commit()
    return entries


def test_what_is_stored_is_announced_after_a_moment_and_only_once(stage):
    peer = Replica(stage, is_above=True)
    peer.holds = True
    entries = stored(stage, 3)
    stage.run(SOON / 2)
    assert not peer.announced
    stage.run(SOON / 2)
    [announce] = peer.announced
    assert list(announce.versions) == [version_of(stage, entry) for entry in entries]
    assert all(peer.promised(entry) for entry in entries)
    stage.run(60)
    assert len(peer.announced) == 1
    assert stage.node.replicas.announcer.is_idle


def test_a_full_announcement_goes_at_once(stage):
    peer = Replica(stage, is_above=True)
    entries = stored(stage, ANNOUNCED_MAX + 1)
    assert [len(announce.versions) for announce in peer.announced] == [ANNOUNCED_MAX]
    stage.run(SOON)
    assert [v.entry_id for v in peer.versions] == [entry.id for entry in entries]


def test_the_larger_id_waits_for_the_smaller_to_speak(stage):
    peer = Replica(stage, is_above=False)
    one, two = stored(stage, 2)
    stage.run(SOON)
    assert not peer.announced
    want = peer.announce(one)
    assert (want.held, want.wanted) == (1, 0)
    stage.run(SOON)
    assert peer.versions == [version_of(stage, two)], "what it announced itself it knows"


def test_a_put_that_nobody_else_hands_on_is_announced_at_once(stage):
    peers = [Replica(stage, is_above=is_above) for is_above in (False, True)]
    for peer in peers:
        peer.wants = True
    [entry] = stored(stage, is_direct=False)
    stage.run(0)
    for peer in peers:
        assert [put.entry.data for put in peer.handed] == [entry.data]
        assert peer.handed[0].is_direct, "who gets it from us need not hand it on"
        assert peer.promised(entry)
    assert stage.node.replicas.announcer.handed_on == 2


def test_who_neither_holds_nor_wants_is_told_once_more_and_then_left_alone(stage):
    peer = Replica(stage, is_above=True)
    [entry] = stored(stage)
    stage.run(SOON)
    assert len(peer.announced) == 1
    stage.run(ANNOUNCE_AGAIN_SECONDS)
    assert len(peer.announced) == 2
    assert not peer.promised(entry)
    stage.run(600)
    assert len(peer.announced) == 2


def test_busy_is_asked_again_later_and_with_fewer_at_a_time(stage):
    peer = Replica(stage, is_above=True)
    peer.wants, peer.ack = True, PutAck(PutStatus.BUSY)
    entries = stored(stage, ANNOUNCED_MAX)
    # The first answers arrive while others are under way.
    assert 0 < len(peer.handed) <= 2 * HAND_ON_WINDOW_FIRST
    peer.handed.clear()
    peer.ack = PutAck(PutStatus.STORED)
    stage.run(BUSY_RETRY_MS / 1000)
    assert {put.entry.id for put in peer.handed} == {entry.id for entry in entries}
    assert all(peer.promised(entry) for entry in entries)


def test_who_is_busy_for_ever_holds_up_nobody(stage):
    peer = Replica(stage, is_above=True)
    peer.wants, peer.ack = True, PutAck(PutStatus.BUSY)
    line_of = stage.node.replicas.announcer._lines
    stored(stage, 3)
    line = line_of[peer.id]
    stage.run((HAND_ON_BUSY_MAX + 5) * BUSY_RETRY_MS / 1000)
    assert line_of.get(peer.id) is not line
    assert not line.wanted


@pytest.mark.parametrize("status", [PutStatus.LOW_RANK, PutStatus.FORGED, PutStatus.READ_ONLY])
def test_a_refusal_is_no_promise_and_ends_it(stage, status):
    peer = Replica(stage, is_above=True)
    peer.wants, peer.ack = True, PutAck(status)
    [entry] = stored(stage)
    stage.run(600)
    assert len(peer.handed) == 1
    assert not peer.promised(entry)
    assert stage.node.replicas.announcer.is_idle


def test_a_newer_version_that_comes_with_the_refusal_is_taken_over(stage):
    peer = Replica(stage, is_above=True)
    [entry] = stored(stage)
    newer = stage.entry(b"0", b"newer", ahead_ms=5)
    peer.wants, peer.ack = True, PutAck(PutStatus.STALE, held=newer)
    stage.run(SOON)
    stage.verify()
    stage.commit()
    assert stage.store.get(entry.id, stage.unix_ms) == newer.data


def test_a_forged_newer_version_is_not_taken_over(stage):
    peer = Replica(stage, is_above=True)
    [entry] = stored(stage)
    forged = stage.entry(b"0", b"newer", ahead_ms=5).with_proofs(bytes(64), bytes(8))
    peer.wants, peer.ack = True, PutAck(PutStatus.STALE, held=forged)
    stage.run(SOON)
    stage.verify()
    stage.commit()
    assert stage.store.get(entry.id, stage.unix_ms) == entry.data


def test_a_version_replaced_before_it_is_announced_is_not(stage):
    peer = Replica(stage, is_above=True)
    stored(stage)
    newer = stage.entry(b"0", b"newer", ahead_ms=5)
    stage.asker().put_now(newer)
    stage.run(SOON)
    assert peer.versions == [version_of(stage, newer)]


def test_a_silent_peer_loses_its_line_and_is_told_again_later(stage):
    peer = Replica(stage, is_above=True)
    peer.holds = peer.is_silent = True
    entries = stored(stage, 2)
    line = stage.node.replicas.announcer._lines[peer.id]
    stage.run(5)
    assert stage.node.replicas.announcer._lines.get(peer.id) is not line
    peer.is_silent = False
    stage.node.table.add(peer.contact, stage.now)
    peer.announced.clear()
    stage.run(2 * REPAIR_AGAIN_SECONDS)
    assert {v.entry_id for v in peer.versions} == {entry.id for entry in entries}


def test_what_waits_for_one_peer_is_bounded(stage):
    peer = Replica(stage, is_above=True)
    announcer = stage.node.replicas.announcer
    peer.is_silent = True  # so that the window fills, and then the queue
    for i in range(ANNOUNCE_QUEUE_MAX + 2_000):
        announcer.announce(peer.id, i.to_bytes(32, "big"), bytes(16), stage.now)
    assert announcer.backlog <= ANNOUNCE_QUEUE_MAX
    for i in range(ANNOUNCE_QUEUE_MAX + 2_000):
        announcer.announce_evicted(peer.id, i.to_bytes(32, "big"), bytes(16), stage.now)
    [line] = announcer._lines.values()
    assert len(line.evicted) <= ANNOUNCE_QUEUE_MAX
