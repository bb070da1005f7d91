"""Who holds what, and drop it: one answer, or none."""

import pytest

from dave.names import SECOND
from dave.node.requests import Peer
from dave.wire import shares as wire
from dave.wire.shares import Held
from dave.wire.stream_kind import StreamKind
from tests.node.sharing import Told, maker_in, put_all, share_network
from tests.node.streaming import ListSource, peer_of


def held(world, host, to, ids, seconds=5):
    told, peer = Told(), to if isinstance(to, Peer) else peer_of(to)
    until = world.now + seconds * SECOND
    query = host.core.share_queries.held(peer, ids, told, world.now, until)
    host.settle()
    return told.told, query


def test_many_at_once_and_each_is_checked():
    world, client = share_network(1)
    (node,) = world.nodes
    maker = maker_in(world)
    made = [maker.stripe(2, 100) for _ in range(15)]
    put_all(client, node, made)
    world.run(5)
    ids = [i for record, _ in made for i in (record.stripe_id, bytes(32))]
    told, _ = held(world, client, node, ids)
    world.run(1)
    assert told == [[x for record, _ in made for x in ((record, 3), None)]]


def answers(record, other):
    return [
        [],
        [b"x"],
        [wire.stripes_piece([Held(b"no record", 1)])],
        [wire.stripes_piece([Held(other.data, 1)])],
        [wire.stripes_piece([Held(record.data, 4)])],
    ]


@pytest.mark.parametrize("number", range(5))
def test_answers_that_cannot_be_are_none(number):
    world, client = share_network(1)
    (node,) = world.nodes
    maker = maker_in(world)
    (record, _), (other, _) = maker.stripe(2, 9), maker.stripe(2, 9)
    pieces = answers(record, other)[number]
    node.core.streams._handlers[StreamKind.STRIPES] = lambda *_: ListSource(pieces)
    told, _ = held(world, client, node, [record.stripe_id])
    world.run(1)
    assert told == [None]


def test_no_answer_in_time_none_at_all_and_one_that_nobody_waits_for():
    world, client = share_network(1)
    (node,) = world.nodes
    node.core.streams._handlers[StreamKind.STRIPES] = lambda *_: Silent()
    told, _ = held(world, client, node, [bytes(32)], 5)
    cancelled, query = held(world, client, node, [bytes(32)], 5)
    query.cancel()
    world.run(4)
    assert told == []
    world.run(2)
    assert (told, cancelled) == ([None], [])
    peer = peer_of(node)
    world.kill(node)
    told, _ = held(world, client, peer, [bytes(32)], 50)
    world.run(20)
    assert told == [None]


class Silent(ListSource):
    def __init__(self):
        super().__init__([])

    def next_piece(self, now):
        return b""


def test_a_release_drops_what_it_names_and_nothing_else():
    world, client = share_network(1)
    (node,) = world.nodes
    maker = maker_in(world)
    put_all(client, node, [maker.stripe(2, 100), maker.stripe(2, 100)])
    put_all(client, node, [maker.stripe(2, 100, b"k" * 16)])
    world.run(5)
    told = Told()
    for _ in range(2):
        client.core.share_queries.release(peer_of(node), maker.release(), told, world.now)
        client.settle()
        world.run(1)
    assert told.told == [2, 0]
    assert len(node.node.shares.index) == len(node.node.disk.shares) == 2
