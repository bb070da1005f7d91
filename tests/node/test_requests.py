"""Requests in flight: sent again, given up, saved from a lost session, and answered only by whom
they were asked of."""

import pytest

from dave.crypto.identity import node_identity
from dave.drops import Drop
from dave.limits import HANDSHAKE_ATTEMPTS, REQUEST_ATTEMPTS, REQUESTS_IN_FLIGHT_MAX
from dave.names import MS, SECOND
from dave.node.requests import Peer
from dave.session.session import FailReason
from dave.wire import messages
from dave.wire.messages import Find, FindAck, Get, Ping, Pong, Put
from sim.network import Link
from sim.world import World

STEADY = Link(delay_ms=10, jitter_ms=0)
DEAD = Link(loss=1.0)


def a_world(nodes=1):
    world = World(3, link=STEADY)
    for _ in range(nodes):
        world.add_node([])
    return world, world.add_client()


def ask(client, peer, message=None):
    """Ask; what it came to will stand in the list returned."""
    answers = []
    client.core.ask(
        peer,
        message or Ping(),
        lambda answer, now: answers.append((answer, now)),
        client._clock.now,
    )
    client.settle()
    return answers


def wait(world, answers, seconds=20):
    until = world.now + seconds * SECOND
    while not answers and world.clock.step(until):
        pass
    assert len(answers) == 1, "an answer comes once"
    return answers[0][0]


def cut(world, one, other):
    world.links.set_link(one.name, other.name, DEAD)
    world.links.set_link(other.name, one.name, DEAD)


def mend(world):
    world.links._links.clear()


def pinned(host):
    identity = host.core.identity
    return Peer(host.address, identity.public_key, identity.nonce, identity.id)


def opened(world, client, host):
    """The peer, once a session stands on both sides."""
    peer = pinned(host)
    for _ in range(2):  # the first travels in the INIT, the second proves the address
        assert wait(world, ask(client, peer)).reply is not None
    return peer


def test_the_first_request_travels_in_the_init():
    world, client = a_world()
    answers = ask(client, pinned(world.nodes[0]))
    started = world.now
    answer = wait(world, answers)
    assert isinstance(answer.reply, Pong)
    assert world.now - started == 20 * MS, "one round trip, handshake included"
    assert answer.rtt == 20 * MS


def test_an_edge_of_unknown_key_costs_one_round_trip_more():
    world, client = a_world()
    started = world.now
    assert wait(world, ask(client, Peer(world.nodes[0].address))).reply is not None
    assert world.now - started == 40 * MS


def test_a_lost_request_is_sent_again():
    world, client = a_world()
    node = world.nodes[0]
    wait(world, ask(client, pinned(node)))
    cut(world, client, node)
    answers = ask(client, pinned(node))
    world.run(0.06)
    mend(world)
    started = world.now
    assert wait(world, answers).reply is not None
    assert world.now - started < SECOND
    assert len(client.core.requests) == 0


def test_a_lost_reply_makes_the_request_go_out_again_and_is_taken_once():
    world, client = a_world()
    node = world.nodes[0]
    wait(world, ask(client, pinned(node)))
    world.links.set_link(node.name, client.name, DEAD)
    answers = ask(client, pinned(node))
    world.run(0.06)
    mend(world)
    wait(world, answers)
    world.run(5)
    assert len(answers) == 1


def test_doubled_replies_are_taken_once():
    world, client = a_world()
    world.links.default = Link(delay_ms=10, jitter_ms=0, duplication=1.0)
    answers = [ask(client, pinned(world.nodes[0])) for _ in range(5)]
    world.run(5)
    assert [len(each) for each in answers] == [1] * 5


def test_the_dead_are_given_up_in_time_without_a_session():
    world, client = a_world()
    node = world.nodes[0]
    peers = pinned(node), Peer(node.address)
    world.kill(node)
    for peer in peers:
        before, started = world.links.sent, world.now
        answer = wait(world, ask(client, peer))
        assert answer.failure is FailReason.NO_ANSWER
        assert world.links.sent - before == HANDSHAKE_ATTEMPTS
        assert world.now - started < 8 * SECOND
    assert len(client.core.requests) == 0


def test_the_dead_are_given_up_in_time_with_a_session():
    world, client = a_world()
    node = world.nodes[0]
    peer = opened(world, client, node)
    world.kill(node)
    started = world.now
    answer = wait(world, ask(client, peer))
    assert answer.failure is FailReason.NO_ANSWER
    assert world.now - started < 4 * SECOND
    assert client.core.sessions.find(node.address) is None


def test_a_restarted_peer_that_lost_its_sessions_is_recovered():
    world, client = a_world()
    node = world.nodes[0]
    opened(world, client, node)
    world.kill(node)
    world.restart(node)
    started = world.now
    answers = [ask(client, pinned(node), message) for message in (Ping(), Find(1), Get(bytes(32)))]
    for each in answers:
        assert wait(world, each).reply is not None
    assert world.now - started < 2 * SECOND
    assert node.dropped(Drop.NO_SESSION) > 0


def test_a_restarted_peer_is_recovered_over_a_long_path():
    """The last sending goes out once the new session stands, and has its own full wait: the alarm
    of the one before it must not end the request."""
    world, client = a_world()
    node = world.nodes[0]
    world.links.default = Link(delay_ms=225, jitter_ms=0)
    for _ in range(2):
        wait(world, ask(client, Peer(node.address)))
    client.core.table._known[node.core.identity.id].rtt = None  # as if learnt just now
    world.kill(node)
    world.restart(node)
    assert wait(world, ask(client, Peer(node.address))).reply is not None


def test_a_session_that_ended_while_a_request_waits_is_opened_again():
    world, client = a_world()
    node = world.nodes[0]
    wait(world, ask(client, pinned(node)))
    cut(world, client, node)
    answers = ask(client, pinned(node))
    client.core.sessions.forget(node.address)
    world.run(0.06)
    mend(world)
    assert wait(world, answers).reply is not None


def test_requests_that_wait_for_a_forgotten_handshake_end_too():
    """One request gives up on the peer while another waits for a handshake with it."""
    world, client = a_world()
    node = world.nodes[0]
    peer = opened(world, client, node)
    world.kill(node)
    first = ask(client, peer)
    while not client.core.requests.is_connecting(node.address):
        assert world.clock.step(world.now + 10 * SECOND)
    # The session with that address is not the one that this one wants.
    second = ask(client, Peer(node.address, bytes(range(32))))
    for answers in (first, second):
        assert wait(world, answers).failure is FailReason.NO_ANSWER
    assert len(client.core.requests) == 0
    assert not client.core.requests.is_connecting(node.address)


def test_one_unanswered_request_does_not_end_a_session_that_works():
    world = World(3, link=STEADY)
    node = world.add_node([], commit_ms=60_000)
    client = world.add_client()
    peer = opened(world, client, node)
    session = client.core.sessions.find(node.address)
    # The disk hangs: the put is not answered, all else is.
    lost = ask(client, peer, Put(world.owner().entry(b"key", b"", world.time())))
    while not lost and world.now < 2_000 * SECOND:
        assert wait(world, ask(client, peer)).reply is not None
        world.run(0.1)
    assert lost[0][0].failure is FailReason.NO_ANSWER
    assert client.core.sessions.find(node.address) is session


@pytest.mark.parametrize("is_pinned", [False, True])
def test_a_reply_from_another_peer_is_refused(is_pinned):
    world, client = a_world(2)
    asked, liar = world.nodes
    opened(world, client, liar)
    peer = opened(world, client, asked)
    answers = ask(client, peer if is_pinned else Peer(asked.address))
    request_id = next(iter(client.core.requests._in_flight))
    session = liar.node.sessions.find(client.address)
    liar.node.sessions.seal(session, messages.encode(request_id, Pong(666)), world.now)
    world.links.set_link(asked.name, client.name, Link(delay_ms=100, jitter_ms=0))
    liar.settle()
    assert wait(world, answers).reply != Pong(666)
    assert client.dropped(Drop.NO_REQUEST) == 1


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda request_id: messages.encode(request_id, FindAck(())), Drop.NO_REQUEST),
        (lambda request_id: messages.encode(request_id, Pong(1)) + b"?", Drop.WIRE),
        (lambda request_id: b"\x63" + request_id, Drop.UNKNOWN_MESSAGE),
        (lambda request_id: messages.encode(bytes(4), Pong(1)), Drop.NO_REQUEST),
    ],
)
def test_what_is_no_answer_to_the_request_is_refused(make, reason):
    world, client = a_world()
    node = world.nodes[0]
    answers = ask(client, opened(world, client, node))
    request_id = next(iter(client.core.requests._in_flight))
    session = node.node.sessions.find(client.address)
    world.links.set_link(client.name, node.name, Link(delay_ms=100, jitter_ms=0))
    node.node.sessions.seal(session, make(request_id), world.now)
    node.settle()
    assert isinstance(wait(world, answers).reply, Pong)
    assert client.dropped(reason) == 1


def test_a_peer_with_another_key_than_asked_for_is_told():
    world, client = a_world(2)
    node, other = world.nodes
    wrong = Peer(node.address, other.core.identity.public_key)
    assert wait(world, ask(client, wrong)).failure is FailReason.OTHER_KEY


def test_a_bogus_contact_does_not_stand_in_the_way_of_an_honest_address():
    world, client = a_world()
    node = world.nodes[0]
    # Without an id they are no hearsay: each handshake has all its attempts.
    liar = node_identity(bytes(range(32)), bytes(8))
    bogus = Peer(node.address, liar.public_key, liar.nonce)
    right = pinned(node)._replace(id=None)
    started = world.now
    answers = [ask(client, peer) for peer in (bogus, right, Peer(node.address), bogus)]
    requests = client.core.requests
    assert requests.is_connecting(node.address)
    assert requests.is_connecting(node.address, liar.public_key)
    assert not requests.is_connecting(node.address, bytes(32))
    for each in answers[1:3]:
        assert wait(world, each).reply is not None
    assert world.now - started < SECOND
    assert answers[0] == answers[3] == []
    session = client.core.sessions.find(node.address)
    for each in (answers[0], answers[3]):
        assert wait(world, each).failure is FailReason.NO_ANSWER
    assert client.core.sessions.find(node.address) is session
    assert len(requests) == 0
    assert not requests.is_connecting(node.address)


def ask_once(world, client, host, patience_ms):
    """Ask within a session; what it came to will stand in the list returned."""
    opened(world, client, host)
    session = client.core.sessions.find(host.address)
    answers = []
    client.core.requests.ask_once(
        session, Ping(), lambda *answer: answers.append(answer), world.now, patience_ms * MS
    )
    client.settle()
    return answers


def test_what_is_asked_once_is_sent_once_and_leaves_the_session_alone():
    world, client = a_world()
    node = world.nodes[0]
    answers = ask_once(world, client, node, 30)
    assert wait(world, answers).rtt == 20 * MS
    cut(world, client, node)
    sent = world.links.sent
    session = client.core.sessions.find(node.address)
    client.core.requests.ask_once(
        session, Ping(), lambda *answer: answers.append(answer), world.now, 30 * MS
    )
    client.settle()
    started = world.now
    world.run(1)
    assert world.links.sent == sent + 1
    assert answers[1][0].failure is FailReason.NO_ANSWER
    assert answers[1][1] == started + 30 * MS
    assert client.core.sessions.find(node.address) is session


def test_what_is_asked_once_is_told_when_there_is_no_room(monkeypatch):
    world, client = a_world()
    opened(world, client, world.nodes[0])
    monkeypatch.setattr("dave.node.requests.REQUESTS_IN_FLIGHT_MAX", 0)
    session = client.core.sessions.find(world.nodes[0].address)
    answers = []
    client.core.requests.ask_once(
        session, Ping(), lambda *answer: answers.append(answer), world.now, MS
    )
    assert answers[0][0].failure is FailReason.FULL


def test_a_request_sent_twice_measures_no_round_trip():
    world, client = a_world()
    node = world.nodes[0]
    peer = opened(world, client, node)
    cut(world, client, node)
    answers = ask(client, peer)
    world.run(0.06)
    mend(world)
    answer = wait(world, answers)
    assert not answer.is_exact
    assert answer.rtt > 60 * MS, "from the first sending on"
    assert wait(world, ask(client, peer)).is_exact
    assert client.core.table.rtt(peer.id) == 20 * MS


def test_at_most_so_many_are_in_flight():
    world, client = a_world()
    node = world.nodes[0]
    peer = pinned(node)
    world.kill(node)
    answers = [ask(client, peer) for _ in range(REQUESTS_IN_FLIGHT_MAX)]
    assert len(client.core.requests) == REQUESTS_IN_FLIGHT_MAX
    full = ask(client, peer)
    assert full[0][0].failure is FailReason.FULL
    world.run(10)
    assert {each[0][0].failure for each in answers} == {FailReason.NO_ANSWER}
    assert len(client.core.requests) == 0


def test_requests_are_counted_by_kind_and_end():
    world, client = a_world()
    requests = client.core.requests
    peer = opened(world, client, world.nodes[0])
    assert wait(world, ask(client, peer, Find(7))).reply is not None
    cut(world, client, world.nodes[0])
    assert wait(world, ask(client, peer, Find(8))).failure is FailReason.NO_ANSWER
    pings, finds = requests.counts[Ping], requests.counts[Find]
    assert (pings.asked, pings.failed, len(pings.round_trip)) == (2, 0, 2)
    assert (finds.asked, finds.failed, len(finds.round_trip)) == (2, 1, 1)
    assert finds.round_trip.total == 20 * MS
    assert requests.repeated == REQUEST_ATTEMPTS - 1
