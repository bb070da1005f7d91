"""Rekeys under loss, and two sessions that crossed: both ends must agree on one in the end."""

from random import Random

import pytest

from dave.drops import Drop
from dave.limits import (
    HANDSHAKE_ATTEMPTS,
    SESSION_PACKETS,
    SESSION_QUIET_PACKETS,
    SESSION_QUIET_SECONDS,
    SESSION_SECONDS,
)
from dave.names import SECOND
from dave.wire.packet import PacketType
from tests.session.helpers import A, B, End, Pair, node


@pytest.mark.parametrize("seed", range(5))
def test_rekeys_with_30_percent_loss_without_a_gap(seed: int) -> None:
    pair = Pair()
    rng = Random(seed)
    pair.open()
    pair.lose = lambda _: rng.random() < 0.3
    sent = 0
    for second in range(40 * 60):
        pair.run(1)
        for end, to in ((pair.a, B), (pair.b, A)):
            session = end.sessions.find(to)
            assert session is not None, f"no session at {second} s"
            end.sessions.seal(session, second.to_bytes(4, "big"), pair.now)
            sent += 1
    pair.run(1)
    got = len([m for _, m in pair.a.got + pair.b.got if m])
    data = [m for m, *_ in pair.log if m[1] == PacketType.DATA]
    assert len({s.handshake_hash for s in pair.a.established()}) >= 3
    # Every loss was the network's: nothing that arrived was refused for want of a session.
    for end in (pair.a, pair.b):
        assert end.count(Drop.NO_SESSION) == end.count(Drop.AEAD) == end.count(Drop.REPLAY) == 0
        assert len(end.sessions) <= 2
    assert 0.65 * sent < got < 0.75 * sent
    assert len(data) < 1.1 * sent


def test_rekey_by_packets_and_only_by_the_initiator() -> None:
    pair = Pair()
    mine, theirs = pair.open()
    assert not pair.a.sessions.rekey_due(mine, pair.now)
    mine.sent = theirs.sent = SESSION_PACKETS
    assert pair.a.sessions.rekey_due(mine, pair.now)
    assert not pair.b.sessions.rekey_due(theirs, pair.now)
    pair.b.sessions.seal(theirs, b"x", pair.now)
    pair.run(0.1)
    assert pair.a.sessions.find(B) is mine
    pair.a.sessions.seal(mine, b"x", pair.now)
    pair.run(0.1)
    assert pair.a.sessions.find(B) is not mine
    assert pair.b.sessions.find(A) is not theirs
    pair.a.sessions.seal(mine, b"late", pair.now)
    pair.run(0.1)
    assert pair.b.got[-1] == (theirs, b"late")
    pair.run(70)
    assert (len(pair.a.sessions), len(pair.b.sessions)) == (1, 1)
    assert not mine.is_open
    pair.a.sessions.seal(mine, b"too late", pair.now)
    assert pair.a.sessions.outbox == []


@pytest.mark.parametrize("seeds", [(1, 2), (2, 1), (3, 4), (5, 6)])
def test_simultaneous_open_converges(seeds: tuple[int, int]) -> None:
    pair = Pair(End(A, node(seeds[0]), 1), End(B, node(seeds[1]), 2))
    for mine, other in ((pair.a, pair.b), (pair.b, pair.a)):
        mine.sessions.connect(
            other.address, pair.now, other.identity.public_key, other.identity.nonce
        )
    for second in range(200):
        pair.run(1)
        for end, to in ((pair.a, B), (pair.b, A)):
            session = end.sessions.find(to)
            assert session is not None
            end.sessions.seal(session, second.to_bytes(4, "big"), pair.now)
    pair.run(1)
    ours, theirs = pair.a.sessions.find(B), pair.b.sessions.find(A)
    assert ours is not None
    assert theirs is not None
    assert ours.handshake_hash == theirs.handshake_hash
    assert (len(pair.a.sessions), len(pair.b.sessions)) == (1, 1)
    for end in (pair.a, pair.b):
        assert len(end.got) >= 200
        assert end.count(Drop.NO_SESSION) == 0


def test_a_rekey_without_answer_is_silent_and_tried_again_later() -> None:
    pair = Pair()
    mine, _ = pair.open()
    pair.lose = lambda data: data[1] in (PacketType.INIT, PacketType.ACCEPT)
    mine.sent = SESSION_PACKETS
    for _ in range(14):
        pair.a.sessions.seal(mine, b"x", pair.now)
        pair.run(1)
    inits = [1 for data, *_ in pair.log if data[1] == PacketType.INIT]
    assert len(inits) == 1 + HANDSHAKE_ATTEMPTS, "one handshake's attempts, then a pause"
    assert pair.a.failed() == [], "the session at hand is still good"
    assert pair.a.sessions.find(B) is mine
    pair.lose = lambda _: False
    pair.run(2)
    pair.a.sessions.seal(mine, b"x", pair.now)
    pair.run(1)
    assert pair.a.sessions.find(B) is not mine


@pytest.mark.parametrize("speaker", [0, 1])
def test_crossed_sessions_converge_though_only_one_side_speaks(speaker: int) -> None:
    pair = Pair()
    for mine, other in ((pair.a, pair.b), (pair.b, pair.a)):
        mine.sessions.connect(
            other.address, pair.now, other.identity.public_key, other.identity.nonce
        )
    pair.run(0.1)
    ends = [(pair.a, B), (pair.b, A)]
    for end, to in ends:  # the worst case: each side confirms and prefers the one it opened
        session = end.sessions.find(to)
        assert session is not None
        assert session.is_initiator
        end.sessions.seal(session, b"mine", pair.now)
    pair.run(0.006)
    end, to = ends[speaker]
    for _ in range(100):
        session = end.sessions.find(to)
        assert session is not None
        end.sessions.seal(session, b"x", pair.now)
        pair.run(1)
    ours, theirs = pair.a.sessions.find(B), pair.b.sessions.find(A)
    assert ours is not None
    assert theirs is not None
    assert ours.handshake_hash == theirs.handshake_hash
    assert pair.a.count(Drop.NO_SESSION) == pair.b.count(Drop.NO_SESSION) == 0


def test_a_follower_misled_by_a_late_packet_is_told_again() -> None:
    pair = Pair()
    ends = sorted((pair.a, pair.b), key=lambda end: end.identity.public_key)
    follower, leader = ends
    late = b""
    old = None
    for mine, other in ((follower, leader), (leader, follower)):
        identity = other.identity
        mine.sessions.connect(other.address, pair.now, identity.public_key, identity.nonce)
        pair.run(0.1)
        session = mine.sessions.find(other.address)
        assert session is not None
        mine.sessions.seal(session, b"first", pair.now)
        pair.run(2)
        if mine is follower:
            old = leader.sessions.find(follower.address)
            assert old is not None
            leader.sessions.seal(old, b"late", pair.now)
            late, _ = leader.sessions.outbox.pop()
    pair.deliver(late, leader.address, follower.address)
    misled = follower.sessions.find(leader.address)
    assert misled is not None
    assert old is not None
    assert misled.handshake_hash == old.handshake_hash
    session = misled
    for _ in range(100):
        session = follower.sessions.find(leader.address)
        assert session is not None
        follower.sessions.seal(session, b"x", pair.now)
        pair.run(1)
    assert leader.count(Drop.NO_SESSION) == 0
    ours, theirs = leader.sessions.find(follower.address), session
    assert ours is not None
    assert theirs is not None
    assert ours.handshake_hash == theirs.handshake_hash != old.handshake_hash


def test_a_session_that_hardly_carries_a_packet_lives_longer() -> None:
    pair = Pair()
    quiet, _ = pair.open()
    later = pair.now + SESSION_SECONDS * SECOND
    assert not pair.a.sessions.rekey_due(quiet, later)
    assert pair.a.sessions.rekey_due(quiet, pair.now + SESSION_QUIET_SECONDS * SECOND)
    quiet.sent = SESSION_QUIET_PACKETS
    assert pair.a.sessions.rekey_due(quiet, later)
