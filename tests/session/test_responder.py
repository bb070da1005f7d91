"""The side that is asked: cookie mode, seen keys, and what an INIT may not do."""

from random import Random

import pytest

from dave.crypto.identity import Identity, checked_node_id, node_identity
from dave.crypto.network import network
from dave.drops import Drop
from dave.errors import UsageError
from dave.limits import EPHEMERAL_KEY_SECONDS, EPHEMERAL_KEYS_KEPT, HANDSHAKES_PER_SECOND
from dave.names import SECOND
from dave.session import noise
from dave.session.cookies import NO_COOKIE
from dave.wire.packet import Cookie, Hello, Init, InitPayload, PacketType, decode
from tests.session.helpers import NETWORK, A, B, End, Pair, client, node


def init_packet(
    to: End, sender: End, payload: bytes, cookie: bytes = NO_COOKIE, bits: int = 0
) -> bytes:
    """An INIT written by hand, so that it can say what ours never would."""
    me, peer = sender.identity, to.identity
    assert peer.id is not None
    handshake = noise.Initiator(
        me.private_key, me.public_key, peer.public_key, noise.prologue(bits, peer.id),
        NETWORK.key, sender.rng.randbytes(32),
    )  # fmt: skip
    return Init(7, cookie, handshake.write(payload)).encode()


def keep_busy(pair: Pair) -> None:
    """Spend this second's handshakes."""
    for n in range(HANDSHAKES_PER_SECOND):
        data = init_packet(pair.b, pair.a, InitPayload(False, bytes(8), b"").encode())
        assert pair.b.sessions.receive(data, ("192.0.2.50", n), pair.now) is not None


def test_cookie_mode() -> None:
    pair = Pair(a=End(A, client(1), 1))
    keep_busy(pair)
    data = init_packet(pair.b, pair.a, InitPayload(False, bytes(8), b"request").encode())
    assert pair.b.sessions.receive(data, A, pair.now) is None
    answer, to = pair.b.sessions.outbox.pop()
    cookie = decode(answer)
    assert isinstance(cookie, Cookie)
    assert to == cookie.address == A
    assert len(answer) <= len(data)
    assert cookie.echo == data[22:38]

    payload = InitPayload(False, bytes(8), b"request").encode()
    stolen = init_packet(pair.b, pair.a, payload, cookie.cookie)
    assert pair.b.sessions.receive(stolen, B, pair.now) is None, "a cookie is for its address"
    pair.b.sessions.outbox.clear()
    valid = init_packet(pair.b, pair.a, payload, cookie.cookie)
    received = pair.b.sessions.receive(valid, A, pair.now)
    assert received is not None
    assert received[1] == b"request"
    later = init_packet(pair.b, pair.a, payload)
    assert pair.b.sessions.receive(later, A, pair.now + SECOND) is not None


@pytest.mark.parametrize("is_known", [True, False])
def test_the_initiator_comes_through_cookie_mode(is_known: bool) -> None:
    pair = Pair(a=End(A, client(1), 1))
    keep_busy(pair)
    identity = pair.b.identity
    key, nonce = (identity.public_key, identity.nonce) if is_known else (None, None)
    pair.a.sessions.connect(B, pair.now, key, nonce, b"request", 200)
    pair.run(0.1)
    assert [m for _, m in pair.b.got] == [b"request"]
    assert len(pair.a.established()) == 1
    assert [data[1] for data, *_ in pair.log] == ([3, 2, 3, 4] if is_known else [1, 2, 3, 4])


def test_cookie_mode_does_no_key_agreement(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair(a=End(A, client(1), 1))
    keep_busy(pair)
    data = init_packet(pair.b, pair.a, InitPayload(False, bytes(8), b"").encode())

    def refuse(*_: object) -> bytes:
        raise AssertionError("a key agreement in cookie mode")

    monkeypatch.setattr(noise, "_agree", refuse)
    assert pair.b.sessions.receive(data, A, pair.now) is None
    assert len(pair.b.sessions.outbox) == 1


def test_an_ephemeral_key_is_good_once_in_4_minutes() -> None:
    pair = Pair()
    data = init_packet(pair.b, pair.a, InitPayload(False, bytes(8), b"x").encode())
    receive = pair.b.sessions.receive
    assert receive(data, A, pair.now) is not None
    for later in (0, EPHEMERAL_KEY_SECONDS * SECOND - 1):
        assert receive(data, A, pair.now + later) is None
    assert pair.b.count(Drop.EPHEMERAL) == 2
    assert receive(data, A, pair.now + EPHEMERAL_KEY_SECONDS * SECOND) is not None


def test_seen_keys_are_bounded_and_the_oldest_goes() -> None:
    responder = Pair().b.sessions._responder
    for n in range(EPHEMERAL_KEYS_KEPT + 10):
        responder._remember(n.to_bytes(32, "big"), n)
    assert len(responder._ephemerals) == EPHEMERAL_KEYS_KEPT
    assert not responder._was_seen((9).to_bytes(32, "big"), 20)
    assert responder._was_seen((10).to_bytes(32, "big"), 20)


def test_junk_with_a_copied_key_does_not_lock_the_genuine_init_out() -> None:
    pair = Pair()
    data = init_packet(pair.b, pair.a, InitPayload(False, bytes(8), b"x").encode())
    assert pair.b.sessions.receive(data[:-1] + bytes((data[-1] ^ 1,)), A, pair.now) is None
    assert pair.b.sessions.receive(data, A, pair.now) is not None


def test_what_an_init_may_not_say() -> None:
    pair = Pair()
    own = End(B, pair.b.identity, 3)
    good = InitPayload(False, bytes(8), b"").encode()
    cases = [
        (init_packet(pair.b, pair.a, b"\2" + good[1:]), Drop.WIRE),
        (init_packet(pair.b, pair.a, good + b"\1"), Drop.WIRE),
        (init_packet(pair.b, own, good), Drop.HANDSHAKE),
        (init_packet(pair.b, pair.a, good, bits=1), Drop.HANDSHAKE),
    ]
    for data, reason in cases:
        before = pair.b.count(reason)
        assert pair.b.sessions.receive(data, A, pair.now) is None
        assert pair.b.count(reason) == before + 1
    assert pair.b.sessions.outbox == []


def test_a_node_whose_stamp_has_too_little_work() -> None:
    net = network("test", node_work_bits=8)
    seed = Random(4)
    found = (node_end for n in range(10_000) if (node_end := stamped(seed.randbytes(32), n)))
    backed = next(found)
    assert backed is not None
    end = End(B, backed, 2, net)
    pair = Pair(End(A, node(1), 1, net), end)
    pair.a.sessions.connect(B, pair.now, backed.public_key, backed.nonce)
    pair.run(0.1)
    assert pair.b.count(Drop.NODE_WORK) == 1
    assert pair.b.got == []


def stamped(seed: bytes, n: int) -> Identity | None:
    identity = node_identity(seed, n.to_bytes(8, "little"))
    return identity if checked_node_id(identity.public_key, identity.nonce, 8) is not None else None


def test_a_client_answers_nobody() -> None:
    pair = Pair(b=End(B, client(2), 2))
    pair.a.sessions.connect(B, pair.now)
    pair.run(0.1)
    data = Init(1, NO_COOKIE, bytes(107)).encode()
    assert pair.b.sessions.receive(data, A, pair.now) is None
    assert pair.b.count(Drop.HANDSHAKE) == 2
    assert {data[1] for data, *_ in pair.log} == {PacketType.HELLO}


def test_hello_leaves_no_state() -> None:
    pair = Pair()
    for n in range(1000):
        pair.b.sessions.receive(Hello(n.to_bytes(16, "big")).encode(), ("2001:db8::1", n), pair.now)
        ((answer, _),) = pair.b.sessions.outbox
        assert len(answer) == 101
        pair.b.sessions.outbox.clear()
    assert pair.b.sessions.get_timer() is None


def test_a_provisional_session_answers_once() -> None:
    pair = Pair()
    data = init_packet(pair.b, pair.a, InitPayload(False, bytes(8), b"x").encode())
    received = pair.b.sessions.receive(data, A, pair.now)
    assert received is not None
    session = received[0]
    pair.b.sessions.seal(session, b"", pair.now)
    with pytest.raises(UsageError):
        pair.b.sessions.seal(session, b"more", pair.now)
    assert len(pair.b.sessions.outbox) == 1
