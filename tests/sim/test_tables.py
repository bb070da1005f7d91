"""Filled tables are what joining would have led to."""

from random import Random

import pytest

from dave.limits import BUCKET_CONTACTS
from dave.testing.world import World
from sim.tables import NEIGHBOURS, fill_tables, grow


@pytest.mark.parametrize("count", [10, 400])
def test_neighbours_are_known_exactly_and_the_rest_by_buckets(count):
    world = World(1)
    for _ in range(count):
        world.add_node([], keeps_house=False)
    fill_tables(world.nodes, Random(1), world.now)
    ids = [host.node.id for host in world.nodes]
    for host in world.nodes[::40]:
        node = host.node
        nearest = sorted((i for i in ids if i != node.id), key=lambda i: i ^ node.id)[:NEIGHBOURS]
        assert [c.id for c in node.table.nearest(node.id, NEIGHBOURS)] == nearest
        far = [c for c in node.table if (c.id ^ node.id).bit_length() == 64]
        assert len(far) >= min(BUCKET_CONTACTS, count // 4)
        assert count == 10 or len(node.table) < 200


def test_a_lookup_finds_its_way():
    world = World(2)
    for _ in range(300):
        world.add_node([], keeps_house=False)
    fill_tables(world.nodes, Random(1), world.now)
    entry = world.owner().entry(b"a", b"b", world.time())
    put = world.nodes[0].put(entry)
    assert world.run_until_resolved(world.settled(put))[0].has_quorum
    found = world.run_until_resolved(world.nodes[99].get(entry.id))[0]
    assert found.entry == entry


def test_a_grown_network_is_one_at_once():
    world = World(3)
    nodes = grow(world, 60)
    world.run(30)
    assert all(len(host.node.table) > 40 for host in nodes)
    entry = world.owner().entry(b"a", b"b", world.time())
    put = nodes[7].put(entry)
    assert world.run_until_resolved(world.settled(put))[0].stored >= 8
