"""Each adversary lies as it says, and is a node in everything else."""

from random import Random

import pytest

from dave.node.results import Found
from dave.testing.world import World
from sim.adversaries import Ring, StaleAnswerer, Withholder, grind, grinding_hashes, member_of


def world_with(make, count):
    """Three honest nodes and some others, all of whom know each other."""
    world = World(1)
    world.add_nodes(3)
    world.add_nodes(count, make=make)
    world.run(5)
    return world


def put(world, entry):
    client = world.add_client()
    return world.run_until_resolved(world.settled(client.put(entry)))[0]


def test_withholders_say_stored_and_keep_nothing():
    world = world_with(Withholder, 2)
    entry = world.owner().entry(b"a", b"b", world.time())
    assert put(world, entry).stored == 5
    kept = [host.node.own(entry.id, world.now) is not None for host in world.nodes]
    assert kept == [True, True, True, False, False]
    reader = world.add_client([world.nodes[-1]])
    assert world.run_until_resolved(reader.get(entry.id))[0].found is Found.FOUND, "it names others"


def test_stale_answerers_keep_the_first_version():
    world = world_with(StaleAnswerer, 1)
    owner = world.owner()
    first = owner.entry(b"a", b"1", world.time())
    second = owner.entry(b"a", b"2", world.time(1))
    assert [put(world, first).stored, put(world, second).stored] == [4, 4]
    held = [host.node.own(first.id, world.now) for host in world.nodes]
    assert held == [second, second, second, first]


def test_colluders_name_only_each_other():
    ring = Ring()
    world = world_with(member_of(ring), 2)
    for host in world.nodes[3:]:
        ring.join(host.node.identity, host.address)
    assert len(ring) == 2
    client = world.add_client([world.nodes[-1]])
    result = world.run_until_resolved(client.get(bytes(32)))[0]
    assert {step.address for step in result.trace} == {host.address for host in world.nodes[3:]}


@pytest.mark.parametrize("bits", [64, 60, 56])
def test_ground_ids_are_near(bits):
    identity = grind(Random(1), 12345, 1 << bits)
    assert identity.id ^ 12345 < 1 << bits


def test_the_price_of_grinding():
    assert grinding_hashes(1 << 64) == 2**20
    assert grinding_hashes(1 << 54) == 2**30
