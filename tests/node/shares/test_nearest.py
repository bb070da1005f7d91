"""Who is nearest to a place: as many as are asked for, without asking where all are known."""

from random import Random

import pytest

from dave.names import SECOND
from dave.node.shares.nearest import Nearest
from tests.node.networks import full_network, network_of


def nearest(world, host, place, count, seconds=5):
    found = []
    search = Nearest(
        host.core,
        place,
        count,
        lambda peers, now: found.append(peers),
        world.now + seconds * SECOND,
    )
    search.start(world.now)
    host.settle()
    world.run(seconds + 1)
    (peers,) = found
    return [peer.id for peer in peers]


def expected(world, place, count, without=()):
    ids = [node.node.id for node in world.nodes if node not in without and node.is_up]
    return sorted(ids, key=lambda node_id: node_id ^ place)[:count]


@pytest.mark.parametrize("nodes", [1, 2, 7])
def test_in_a_small_network_all_are_known(nodes):
    world = network_of(nodes)
    client = world.add_client()
    rng = Random(1)
    for _ in range(5):
        place = rng.getrandbits(64)
        for count in (1, 6, 20):
            assert nearest(world, client, place, count) == expected(world, place, count)
    told, sent = [], client.sent
    search = Nearest(client.core, 5, 6, lambda peers, now: told.append(peers), world.now)
    search.start(world.now)
    client.settle()
    assert len(told[0]) == min(nodes, 6)
    assert client.sent == sent, "nobody was asked"


def test_a_node_never_names_itself():
    world = network_of(4)
    node = world.nodes[2]
    assert nearest(world, node, node.node.id, 9) == expected(world, node.node.id, 9, [node])


def test_in_a_large_network_they_are_looked_for():
    world = full_network(120)
    client = world.add_client(world.nodes[:3])
    rng = Random(1)
    for _ in range(4):
        place = rng.getrandbits(64)
        assert nearest(world, client, place, 18) == expected(world, place, 18)


def test_nobody():
    world = network_of(1)
    client = world.add_client()
    world.kill(world.nodes[0])
    assert nearest(world, client, 5, 3) == []
