"""The side that asks: pins, stamps, retries, joins and limits."""

import pytest

from dave.crypto.hashes import network_proof
from dave.crypto.network import network
from dave.drops import Drop
from dave.errors import UsageError
from dave.limits import (
    HANDSHAKE_ATTEMPTS,
    HANDSHAKE_PATIENT_MS,
    HANDSHAKES_PENDING_MAX,
    INIT_MESSAGE_BYTES_MAX,
)
from dave.names import SECOND
from dave.session.session import Failed, FailReason
from dave.wire.packet import Cookie, Init, PacketType, decode
from tests.session.helpers import NETWORK, A, B, End, Pair, node


def reasons(end: End) -> list[FailReason]:
    return [f.reason for f in end.failed()]


def test_nobody_answers() -> None:
    pair = Pair()
    pair.lose = lambda _: True
    start = pair.now
    pair.a.sessions.connect(B, start)
    pair.run(20)
    assert reasons(pair.a) == [FailReason.NO_ANSWER]
    assert len(pair.log) == HANDSHAKE_ATTEMPTS
    assert pair.a.sessions.get_timer() is None
    assert pair.now == start + 20 * SECOND


def test_pin() -> None:
    pair = Pair()
    pair.a.sessions.connect(B, pair.now, public_key=bytes(32))
    pair.run(1)
    assert reasons(pair.a) == [FailReason.OTHER_KEY]
    pair.a.sessions.connect(B, pair.now, public_key=pair.b.identity.public_key)
    pair.run(1)
    assert len(pair.a.established()) == 1


def test_a_node_without_work_is_refused_whoever_names_it() -> None:
    net = network("test", node_work_bits=24)
    pair = Pair(End(A, node(1), 1, net), End(B, node(2), 2, net))
    pair.a.sessions.connect(B, pair.now)
    pair.run(1)
    identity = pair.b.identity
    pair.a.sessions.connect(B, pair.now, identity.public_key, identity.nonce)
    pair.run(1)
    assert reasons(pair.a) == [FailReason.NODE_WORK] * 2
    assert [data[1] for data, *_ in pair.log] == [PacketType.HELLO, PacketType.COOKIE]


def test_every_attempt_has_a_fresh_key_and_a_late_accept_counts() -> None:
    pair = Pair(delay=700_000_000)
    identity = pair.b.identity
    pair.a.sessions.connect(B, pair.now, identity.public_key, identity.nonce)
    pair.run(1.45)
    assert len(pair.a.established()) == 1
    inits = [p for data, *_ in pair.log if isinstance(p := decode(data), Init)]
    assert len({init.noise[:32] for init in inits}) == len(inits) == 3


def test_join_carries_one_message_and_reports_once() -> None:
    pair = Pair()
    pair.a.sessions.connect(B, pair.now)
    pair.a.sessions.connect(B, pair.now, message=b"first", reply_bytes=300)
    pair.a.sessions.connect(B, pair.now, message=b"second")
    pair.run(1)
    assert [m for _, m in pair.b.got] == [b"first"]
    assert len(pair.a.established()) == 1
    assert len([1 for data, *_ in pair.log if data[1] == PacketType.INIT and len(data) == 300]) == 1


def test_who_pins_another_key_fails_alone() -> None:
    pair = Pair()
    pair.a.sessions.connect(B, pair.now)
    pair.a.sessions.connect(B, pair.now, public_key=bytes(32))
    pair.run(1)
    assert pair.a.failed() == [Failed(B, FailReason.OTHER_KEY, bytes(32))]
    assert len(pair.a.established()) == 1


def test_a_bogus_key_at_an_honest_address_blocks_nobody() -> None:
    pair = Pair()
    liar, honest = node(66), pair.b.identity
    pair.a.sessions.connect(B, pair.now, liar.public_key, liar.nonce, b"bogus")
    pair.a.sessions.connect(B, pair.now, honest.public_key, honest.nonce, b"right")
    pair.a.sessions.connect(B, pair.now)
    assert len(pair.a.sessions._initiator) == 3
    pair.run(0.1)
    assert [s.public_key for s in pair.a.established()] == [honest.public_key]
    assert [m for _, m in pair.b.got] == [b"right"]
    assert len(pair.a.sessions._initiator) == 1, "the session serves who asked for any key as well"
    pair.run(20)
    assert pair.a.failed() == [Failed(B, FailReason.NO_ANSWER, liar.public_key)]
    assert not pair.a.sessions._table.reserved
    assert not pair.a.sessions._initiator._by_index


def test_a_cookie_finds_its_handshake_among_those_beside_it() -> None:
    pair = Pair()
    liar, honest = node(66), pair.b.identity
    pair.a.sessions.connect(B, pair.now, liar.public_key, liar.nonce)
    pair.a.sessions.connect(B, pair.now, honest.public_key, honest.nonce)
    pair.collect()
    echoes = [p.noise[:16] for d, *_ in pair.log if isinstance(p := decode(d), Init)]
    for echo in reversed(echoes):
        proof = network_proof(NETWORK.key, echo, honest.public_key)
        cookie = Cookie(echo, honest.public_key, honest.nonce, proof, b"c" * 16, A)
        pair.a.sessions.receive(cookie.encode(), B, pair.now)
    pair.collect()
    assert pair.a.failed() == [Failed(B, FailReason.OTHER_KEY, liar.public_key)]
    inits = [p for d, *_ in pair.log if isinstance(p := decode(d), Init)]
    assert [init.cookie for init in inits[2:]] == [b"c" * 16]
    assert pair.a.count(Drop.COOKIE) == 0


def test_forget_ends_all_handshakes_of_an_address_and_no_other() -> None:
    pair = Pair()
    for key in (None, bytes(32), b"k" * 32):
        pair.a.sessions.connect(B, pair.now, key)
    pair.a.sessions.connect(("192.0.2.9", 1), pair.now)
    pair.a.sessions.forget(B)
    assert len(pair.a.sessions._initiator) == 1
    pair.run(20)
    assert pair.a.failed() == [Failed(("192.0.2.9", 1), FailReason.NO_ANSWER, None)]


def test_handshakes_towards_one_address_are_bounded_too() -> None:
    pair = Pair()
    for n in range(HANDSHAKES_PENDING_MAX + 1):
        pair.a.sessions.connect(B, pair.now, n.to_bytes(32, "big"))
    pair.collect()
    full = HANDSHAKES_PENDING_MAX.to_bytes(32, "big")
    assert pair.a.failed() == [Failed(B, FailReason.FULL, full)]


def test_handshakes_under_way_are_bounded() -> None:
    pair = Pair()
    for port in range(HANDSHAKES_PENDING_MAX + 1):
        pair.a.sessions.connect(("192.0.2.9", port + 1), pair.now)
    pair.collect()
    assert reasons(pair.a) == [FailReason.FULL]
    pair.run(20)
    assert reasons(pair.a) == [FailReason.FULL] + [FailReason.NO_ANSWER] * HANDSHAKES_PENDING_MAX
    assert not pair.a.sessions._table.reserved
    assert not pair.a.sessions._initiator._by_index


def test_cookies_without_end_use_up_the_attempts() -> None:
    pair = Pair()
    identity = pair.b.identity
    pair.a.sessions.connect(B, pair.now, identity.public_key, identity.nonce)
    inits = 0
    for n in range(50):
        pair.collect()
        sent = [p for _, d, s, _ in pair.wire if s == A and isinstance(p := decode(d), Init)]
        pair.wire.clear()
        inits += len(sent)
        for init in sent:
            echo = init.noise[:16]
            proof = network_proof(NETWORK.key, echo, identity.public_key)
            fresh = bytes((n + 1,)) * 16
            cookie = Cookie(echo, identity.public_key, identity.nonce, proof, fresh, A)
            pair.a.sessions.receive(cookie.encode(), B, pair.now)
    assert inits == 1 + HANDSHAKE_ATTEMPTS
    assert reasons(pair.a) == [FailReason.NO_ANSWER]


def test_misuse_is_told() -> None:
    connect = Pair().a.sessions.connect
    with pytest.raises(UsageError):
        connect(B, 0, nonce=bytes(8))
    with pytest.raises(UsageError):
        connect(B, 0, message=bytes(INIT_MESSAGE_BYTES_MAX + 1))
    with pytest.raises(UsageError):
        connect(B, 0, reply_bytes=1425)
    connect(B, 0, message=bytes(INIT_MESSAGE_BYTES_MAX), reply_bytes=1424)


def test_a_duplicate_cookie_sends_no_second_init() -> None:
    pair = Pair()
    identity = pair.b.identity
    pair.a.sessions.connect(B, pair.now, identity.public_key, identity.nonce)
    pair.collect()
    init = decode(pair.log[0][0])
    assert isinstance(init, Init)
    echo = init.noise[:16]
    proof = network_proof(NETWORK.key, echo, identity.public_key)
    cookie = Cookie(echo, identity.public_key, identity.nonce, proof, b"c" * 16, A).encode()
    for _ in range(3):
        pair.a.sessions.receive(cookie, B, pair.now)
    assert len(pair.a.sessions.outbox) == 1
    assert pair.a.count(Drop.COOKIE) == 2


def test_an_accept_from_another_address_is_dropped() -> None:
    pair = Pair()
    identity = pair.b.identity
    pair.a.sessions.connect(B, pair.now, identity.public_key, identity.nonce)
    pair.step(pair.now + SECOND)
    accept = next(data for _, data, source, _ in pair.wire if source == B)
    assert pair.a.sessions.receive(accept, ("192.0.2.9", 1424), pair.now) is None
    assert pair.a.count(Drop.HANDSHAKE) == 1
    assert pair.a.sessions.receive(accept, B, pair.now) is not None


def test_who_sends_one_packet_waits_a_second_for_the_answer() -> None:
    pair = Pair()
    pair.lose = lambda data: True
    pair.a.sessions.connect(B, pair.now, attempts=1)
    pair.run(HANDSHAKE_PATIENT_MS / 1000 - 0.01)
    assert reasons(pair.a) == []
    pair.run(0.02)
    assert reasons(pair.a) == [FailReason.NO_ANSWER]
    assert len(pair.log) == 1


def test_a_node_may_go_as_a_client() -> None:
    pair = Pair(a=End(A, node(7), 7))
    pair.a.sessions.go_as(is_node=False)
    _, theirs = pair.open()
    assert theirs.node_id is None
    pair.a.sessions.go_as(is_node=True)
    pair.a.sessions.forget(B)
    _, theirs = pair.open()
    assert theirs.node_id == pair.a.identity.id


@pytest.mark.parametrize("key", [bytes(32), b"\x01" + bytes(31)])
def test_a_key_of_small_order_is_a_failure_and_no_crash(key: bytes) -> None:
    """Anybody can tell us of one; with it no secret would be shared (RFC 7748, section 6.1)."""
    pair = Pair()
    pair.a.sessions.connect(B, pair.now, key, bytes(8))
    pair.run(1)
    assert pair.a.failed() == [Failed(B, FailReason.OTHER_KEY, key)]
    assert pair.a.count(Drop.HANDSHAKE) == 1
