"""Who may have how many connections, and what strangers get: nothing, at little cost."""

from random import Random

import pytest

from dave.bulk_limits import (
    LINKS_HALF_OPEN_MAX,
    LINKS_PER_PEER_MAX,
    LINKS_PER_SUBNET_MAX,
)
from dave.crypto.network import network
from dave.drops import Drop
from dave.node.streams import Stream, StreamEnd
from dave.testing.links import Link
from dave.testing.world import World
from tests.node.networks import network_of, two
from tests.node.streaming import KIND, Collect, ListSource, ask, pieces, serve

END = StreamEnd


def test_of_connections_by_one_peer_the_first_goes():
    world, a, b = two()
    serve(b, lambda *_: ListSource(pieces(100)))
    sinks = []
    for _ in range(LINKS_PER_PEER_MAX + 1):
        sinks.append(ask(a, b, Collect(eager=False)))
        a.core.streams._find = lambda peer: None  # as if it had forgotten all connections
        world.run(1)
    assert [sink.ends for sink in sinks] == [[END.BROKEN]] + [[]] * LINKS_PER_PEER_MAX
    assert b.core.streams.links == LINKS_PER_PEER_MAX


def test_a_node_of_another_network_gets_nothing_and_sees_nothing():
    world, a, b = two(net=network("sim", b"sixteen bytes ok"))
    outside = World(9, network("sim", b"sixteen bytes no"), Link()).add_node([])
    sink = Collect()
    identity = b.node.identity
    streams = outside.core.streams
    # It has the key of b, from wherever, and takes it for a node of its own network.
    sink.stream = streams._dial(b.address, identity.public_key, identity.id, _stream(sink), 0)
    hello = streams.pull(1, 0) or _connected_pull(streams)
    number = b.core.streams.accepted(("10.9.9.9", 5), world.now)
    b.core.streams.received(number, hello, world.now)
    assert b.core.streams.pull(number, world.now) == b""
    assert b.core.streams.links == 0
    assert b.dropped(Drop.BULK_HANDSHAKE) == 1
    assert a.node.identity.public_key not in hello


def _stream(sink):
    return Stream(bytes((KIND,)), sink)


def _connected_pull(streams):
    streams.dialled(1, 0)
    return streams.pull(1, 0)


def test_half_open_connections_are_bounded_and_have_a_deadline():
    world = World(3, link=Link(), is_public=True)
    node = world.add_node(keeps_house=False)
    streams = node.core.streams
    numbers = [
        streams.accepted((f"20.1.{i}.1", 7), world.now) for i in range(LINKS_HALF_OPEN_MAX + 10)
    ]
    assert None not in numbers
    assert streams.links == LINKS_HALF_OPEN_MAX, "the oldest make room"
    same = [streams.accepted(("20.2.0.1", port), world.now) for port in range(1, 100)]
    assert len(same) - same.count(None) == LINKS_PER_SUBNET_MAX, "one subnet gets a share"
    node.settle()
    world.run(6)
    assert streams.links == 0


def test_a_contact_is_dialled_without_asking_first():
    world, a, b = two()
    serve(b, lambda *_: ListSource([b"x"]))
    a.core.sessions.forget(b.address)
    sent = a.sent
    sink = ask(a, b, Collect())
    world.run(0.1)
    assert sink.is_done
    assert a.sent == sent


def test_a_key_of_small_order_is_nobodys():
    _, a, b = two()
    sink = Collect()
    stream = _stream(sink)
    a.core.streams._dial(b.address, bytes(32), 5, stream, a._clock.now)
    a.settle()
    a._clock.step(a._clock.now)
    assert sink.ends == [END.NO_ANSWER]


def test_an_idle_connection_makes_room_and_one_in_use_does_not(monkeypatch):
    monkeypatch.setattr("dave.node.bulk.LINKS_DIALLED_MAX", 1)
    world = network_of(3)
    a, *others = world.nodes
    for other in others:
        serve(other, lambda *_: ListSource(pieces(100)))
    first = ask(a, others[0], Collect())
    world.run(1)
    second = ask(a, others[1], Collect(eager=False))
    world.run(1)
    assert first.is_done
    assert second.pieces
    third = ask(a, others[0], Collect())
    world.run(1)
    assert (third.ends, second.ends) == ([END.BUSY], [])
    assert (a.core.streams.links, len(world.pipes)) == (1, 1)


def test_who_dials_and_has_nothing_left_to_ask_proves_itself(monkeypatch):
    monkeypatch.setattr("dave.node.bulk.STREAMS_ASKED_MAX", 0)
    world, a, b = two()
    sink = ask(a, b, Collect())
    world.run(10)
    assert sink.ends == [END.BUSY]
    assert (a.core.streams.links, b.core.streams.links) == (1, 1)


@pytest.mark.parametrize("seed", range(20))
def test_garbage_ends_the_connection_and_nothing_else(seed):
    world, a, b = two()
    rng = Random(seed)
    streams = b.core.streams
    number = streams.accepted(("10.9.9.9", 5), world.now)
    streams.received(number, rng.randbytes(rng.randrange(1, 5000)), world.now)
    assert streams.links == 0
    assert b.dropped(Drop.BULK_HANDSHAKE) == 1
    streams.received(number, b"more", world.now)
    streams.dialled(number, world.now)
    streams.closed(number, world.now)
    b.settle()
    serve(b, lambda *_: ListSource([b"fine"]))
    sink = ask(a, b, Collect())
    world.run(1)
    assert sink.pieces == [b"fine"]
