"""Two live session layers: traffic, rekeys, crossings, and whatever an attacker may send."""

from random import Random

import pytest

from dave.crypto.network import network
from dave.drops import Drop
from dave.errors import UsageError
from dave.limits import DATA_MESSAGE_BYTES_MAX, HANDSHAKE_ATTEMPTS, SESSION_IDLE_SECONDS
from dave.names import MS, SECOND
from dave.session.session import FailReason
from dave.wire.packet import PacketType
from tests.session.helpers import A, B, End, Pair, client, node


def size_of(end: End) -> tuple[int, ...]:
    table = end.sessions._table
    return (
        len(table.by_index), len(table.provisional), len(table.reserved), len(table.by_address),
        len(end.sessions._initiator), len(end.sessions.outbox), len(end.sessions.events),
    )  # fmt: skip


def test_hello_first_then_a_request_in_init_and_its_reply_in_accept() -> None:
    pair = Pair(a=End(A, client(1), 1))
    pair.b.reply = lambda message: message * 10
    pair.a.sessions.connect(B, pair.now, message=b"request", reply_bytes=58 + 70)
    pair.run(0.1)
    assert [data[1] for data, *_ in pair.log] == [1, 2, 3, 4]
    assert [m for _, m in pair.b.got] == [b"request"]
    assert [m for _, m in pair.a.got] == [b"request" * 10]
    mine, theirs = pair.a.got[0][0], pair.b.got[0][0]
    assert mine.handshake_hash == theirs.handshake_hash != b""
    assert (mine.node_id, theirs.node_id) == (pair.b.identity.id, None)
    assert theirs.public_key == pair.a.identity.public_key
    assert pair.a.established() == [mine]
    assert pair.b.established() == []
    assert theirs.is_provisional


def test_a_reply_that_was_not_paid_for_is_left_out() -> None:
    pair = Pair()
    pair.b.reply = lambda _: bytes(500)
    identity = pair.b.identity
    pair.a.sessions.connect(B, pair.now, identity.public_key, identity.nonce, b"request")
    pair.run(0.1)
    assert [m for _, m in pair.a.got] == [b""]
    assert pair.b.got[0][0].reply_room == len(pair.log[0][0]) - 58


def test_replies_never_exceed_the_question_before_the_address_is_proved() -> None:
    pair = Pair()
    pair.b.reply = lambda _: bytes(1000)
    pair.a.sessions.connect(B, pair.now, message=b"request", reply_bytes=1058)
    pair.run(0.1)
    sent = [len(data) for data, source, _ in pair.log if source == A]
    answered = [len(data) for data, source, _ in pair.log if source == B]
    assert len(sent) == len(answered) == 2
    assert all(reply <= question for question, reply in zip(sent, answered, strict=True))
    assert sent[1] == answered[1] == 1058


def test_traffic_both_ways_in_any_order_and_once() -> None:
    pair = Pair()
    mine, theirs = pair.open()
    messages = [bytes((i,)) * (i + 1) for i in range(100)]
    for end, session in ((pair.a, mine), (pair.b, theirs)):
        for message in messages:
            end.sessions.seal(session, message, pair.now)
    datagrams = {A: list(pair.a.sessions.outbox), B: list(pair.b.sessions.outbox)}
    pair.a.sessions.outbox, pair.b.sessions.outbox = [], []
    for source, end in ((A, pair.b), (B, pair.a)):
        shuffled = datagrams[source] * 2
        Random(5).shuffle(shuffled)
        got = [end.sessions.receive(data, source, pair.now) for data, _ in shuffled]
        assert sorted(g[1] for g in got if g) == sorted(messages)
        assert end.count(Drop.REPLAY) == len(messages)


def test_a_session_belongs_to_one_address() -> None:
    pair = Pair()
    mine, _ = pair.open()
    pair.a.sessions.seal(mine, b"moved", pair.now)
    data, _ = pair.a.sessions.outbox.pop()
    assert pair.b.sessions.receive(data, ("192.0.2.9", 1424), pair.now) is None
    assert pair.b.count(Drop.NO_SESSION) == 1
    assert pair.b.sessions.receive(data, A, pair.now) is not None


def test_message_sizes() -> None:
    pair = Pair()
    mine, _ = pair.open()
    pair.a.sessions.seal(mine, bytes(DATA_MESSAGE_BYTES_MAX), pair.now)
    with pytest.raises(UsageError):
        pair.a.sessions.seal(mine, bytes(DATA_MESSAGE_BYTES_MAX + 1), pair.now)
    pair.run(0.1)
    assert len(pair.b.got[-1][1]) == DATA_MESSAGE_BYTES_MAX


def captured(kind: PacketType) -> tuple[Pair, bytes, End, End]:
    """A pair with one packet of that type in flight: pair, packet, receiver, sender."""
    pair = Pair()
    pair.a.reply = pair.b.reply = None
    if kind is PacketType.DATA:
        mine, _ = pair.open()
        pair.a.sessions.seal(mine, b"payload", pair.now)
    else:
        pair.a.sessions.connect(B, pair.now, message=b"request", reply_bytes=200)
    for _ in range(10):
        pair.collect()
        for when, data, source, _to in pair.wire:
            if data[1] == kind:
                pair.wire.clear()
                pair.now = when
                ends = (pair.b, pair.a) if source == A else (pair.a, pair.b)
                return pair, data, *ends
        pair.step(pair.now + SECOND)
    raise AssertionError(f"no {kind.name} was sent")


# Session indexes and the cookie stand outside the AEAD. Who is on the path can change them, as he
# can drop the packet; they are tried below, by what must hold in the end.
OPEN_FIELDS = {PacketType.INIT: range(2, 22), PacketType.ACCEPT: range(6, 10)}


@pytest.mark.parametrize("kind", PacketType, ids=lambda k: k.name)
def test_mutants_of_every_packet_leave_nothing(kind: PacketType) -> None:
    pair, data, to, sender = captured(kind)
    before = size_of(to)
    mutants = [data[:n] for n in range(len(data))] + [data + b"\0"]
    for i in range(len(data)):
        if i not in OPEN_FIELDS.get(kind, ()):
            mutants += [data[:i] + bytes((data[i] ^ x,)) + data[i + 1 :] for x in (1, 0x80, 0xFF)]
    mutants = [m for m in mutants if m != data]
    for mutant in mutants:
        drops = sum(to.drops.counts)
        assert to.sessions.receive(mutant, sender.address, pair.now) is None
        replies = to.sessions.outbox
        assert sum(len(reply) for reply, _ in replies) <= len(mutant)
        assert len(replies) + sum(to.drops.counts) - drops >= 1 or kind is PacketType.COOKIE
        if kind is PacketType.HELLO:
            replies.clear()
        if kind is PacketType.COOKIE and (replies or to.sessions.events):
            break  # an unauthenticated field changed: see the test of COOKIE below
        assert size_of(to) == before
    else:
        genuine = to.sessions.receive(data, sender.address, pair.now)
        assert genuine is not None or to.sessions.outbox


@pytest.mark.parametrize("kind", [PacketType.INIT, PacketType.ACCEPT])
def test_changed_open_fields_cost_a_retry_at_most(kind: PacketType) -> None:
    for i in OPEN_FIELDS[kind]:
        pair, data, to, sender = captured(kind)
        mutant = data[:i] + bytes((data[i] ^ 1,)) + data[i + 1 :]
        pair.deliver(mutant, sender.address, to.address)
        pair.deliver(data, sender.address, to.address)
        pair.run(12)
        pair.a.sessions.connect(B, pair.now)
        pair.run(1)
        mine = pair.a.sessions.find(B)
        assert mine is not None
        pair.a.sessions.seal(mine, b"after all", pair.now)
        pair.run(1)
        assert pair.b.got[-1][1] == b"after all"


def test_mutants_of_cookie_answer_at_most_one_init() -> None:
    _, data, _, _ = captured(PacketType.COOKIE)
    for i in range(len(data)):
        pair, fresh, to, sender = captured(PacketType.COOKIE)
        mutant = fresh[:i] + bytes((fresh[i] ^ 1,)) + fresh[i + 1 :]
        to.sessions.receive(mutant, sender.address, pair.now)
        assert len(to.sessions.outbox) <= 1
        assert len(to.sessions.events) <= 1
        assert size_of(to)[:2] == (0, 0)


def test_junk_from_anywhere() -> None:
    pair = Pair()
    pair.open()
    before = size_of(pair.b)
    rng = Random(11)
    for n in range(3000):
        data = rng.randbytes(rng.randrange(1500))
        if n % 2:
            data = bytes((1, rng.randrange(7))) + data
        assert pair.b.sessions.receive(data, (f"192.0.2.{n % 250}", n), pair.now) is None
        assert sum(len(d) for d, _ in pair.b.sessions.outbox) <= len(data)
        pair.b.sessions.outbox.clear()
    assert size_of(pair.b) == before


def test_a_session_replayed_100_times_changes_nothing() -> None:
    pair = Pair()
    mine, theirs = pair.open()
    pair.b.sessions.seal(theirs, b"reply", pair.now)
    pair.run(0.5)
    tape = list(pair.log)
    got, events = len(pair.a.got) + len(pair.b.got), len(pair.a.events) + len(pair.b.events)
    state = [(s.sent, s.highest, s.missing, s.is_current) for s in (mine, theirs)]
    sizes = size_of(pair.a), size_of(pair.b)
    for _ in range(100):
        for data, source, to in tape:
            pair.deliver(data, source, to)
            for end in (pair.a, pair.b):
                assert [d[1] for d, _ in end.sessions.outbox] in ([], [PacketType.COOKIE])
                end.sessions.outbox.clear()
    assert [(s.sent, s.highest, s.missing, s.is_current) for s in (mine, theirs)] == state
    assert (size_of(pair.a), size_of(pair.b)) == sizes
    assert got == len(pair.a.got) + len(pair.b.got)
    assert events == len(pair.a.events) + len(pair.b.events)


def test_a_restarted_peer_takes_over() -> None:
    pair = Pair()
    pair.open()
    pair.b = End(B, pair.b.identity, 99)
    pair.b.sessions.connect(A, pair.now, pair.a.identity.public_key, pair.a.identity.nonce)
    pair.run(3)
    ours, theirs = pair.a.sessions.find(B), pair.b.sessions.find(A)
    assert ours is not None
    assert theirs is not None
    assert ours.handshake_hash == theirs.handshake_hash


def test_an_unused_session_is_confirmed_and_then_lapses() -> None:
    pair = Pair()
    pair.a.sessions.connect(B, pair.now)
    pair.run(0.5)
    assert pair.b.sessions.find(A) is None
    pair.run(20)
    assert pair.b.sessions.find(A) is not None, "an empty DATA confirms it after a second"
    assert pair.a.got[1:] == [], "which is not a message"
    pair.run(SESSION_IDLE_SECONDS + 20)
    assert (len(pair.a.sessions), len(pair.b.sessions)) == (0, 0)
    assert pair.a.sessions.get_timer() is None
    assert pair.b.sessions.get_timer() is None


def test_a_session_never_confirmed_ends_on_both_sides() -> None:
    pair = Pair()
    pair.lose = lambda data: data[1] == PacketType.DATA
    pair.a.sessions.connect(B, pair.now)
    pair.run(0.5)
    assert len(pair.a.sessions) == 1
    pair.run(10.5)
    assert size_of(pair.a)[:5] == size_of(pair.b)[:5] == (0, 0, 0, 0, 0)
    assert len([1 for data, *_ in pair.log if data[1] == PacketType.DATA]) == 4


def test_forget_ends_sessions_and_handshakes() -> None:
    pair = Pair()
    pair.open()
    pair.a.sessions.connect(B, pair.now)
    pair.a.sessions.forget(B)
    assert size_of(pair.a)[:5] == (0, 0, 0, 0, 0)
    assert pair.a.sessions.find(B) is None
    pair.a.sessions.forget(B)


def test_one_greedy_host_keeps_two_sessions_of_its_many() -> None:
    pair = Pair(delay=MS)
    _, theirs = pair.open()
    greedy = Pair(End(("192.0.2.66", 66), client(66), 66), pair.b, delay=MS)
    greedy.now = pair.now
    for _ in range(300):
        identity = pair.b.identity
        greedy.a.sessions.connect(B, greedy.now, identity.public_key, identity.nonce)
        greedy.run(0.006)
    assert len([s for s in pair.b.established() if s.address == greedy.a.address]) > 250
    assert len(pair.b.sessions) == 3
    assert len(greedy.a.sessions) == 2
    assert pair.b.sessions.find(A) is theirs
    assert theirs.is_open


def test_timer_is_none_at_first_and_no_events_repeat() -> None:
    pair = Pair()
    assert pair.a.sessions.get_timer() is None
    pair.a.sessions.connect(B, pair.now)
    assert pair.a.sessions.get_timer() == pair.now + 250 * MS


def test_wrong_secret_is_told_at_once() -> None:
    other = network("test", b"0123456789abcdef")
    pair = Pair(b=End(B, node(2), 2, other))
    pair.a.sessions.connect(B, pair.now)
    pair.run(0.1)
    assert [f.reason for f in pair.a.failed()] == [FailReason.OTHER_NETWORK]
    assert [data[1] for data, *_ in pair.log] == [PacketType.HELLO, PacketType.COOKIE]


def test_init_with_all_right_but_the_secret_gets_no_accept() -> None:
    other = network("test", b"0123456789abcdef")
    pair = Pair(b=End(B, node(2), 2, other))
    identity = pair.b.identity
    pair.a.sessions.connect(B, pair.now, identity.public_key, identity.nonce, b"request")
    pair.run(10)
    assert [f.reason for f in pair.a.failed()] == [FailReason.NO_ANSWER]
    assert {data[1] for data, *_ in pair.log} == {PacketType.INIT}
    assert pair.b.got == []
    assert pair.b.count(Drop.HANDSHAKE) == HANDSHAKE_ATTEMPTS


def test_a_session_dropped_unconfirmed_costs_no_further_packet() -> None:
    pair = Pair()
    identity = pair.b.identity
    pair.a.sessions.connect(B, pair.now, identity.public_key, identity.nonce, b"request")
    pair.run(0.5)
    session = pair.a.sessions.find(B)
    assert session is not None
    pair.a.sessions.drop(session)
    pair.a.sessions.drop(session)
    pair.run(20)
    assert [data[1] for data, *_ in pair.log] == [PacketType.INIT, PacketType.ACCEPT]
    assert size_of(pair.a)[:5] == size_of(pair.b)[:5] == (0, 0, 0, 0, 0)


def test_sessions_with_nodes_are_told_from_those_with_clients() -> None:
    pair = Pair(a=End(A, client(1), 1))
    pair.a.sessions.connect(B, pair.now, message=b"request", reply_bytes=58 + 70)
    pair.run(3)
    assert [session.address for session in pair.a.sessions.with_nodes()] == [B]
    assert pair.b.sessions.find(A) is not None
    assert pair.b.sessions.with_nodes() == []
