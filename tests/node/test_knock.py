"""Whether an address can be reached, before there is a node: in virtual time, with public ones."""

from random import Random

import pytest

from dave.crypto.identity import node_identity
from dave.node.knock import Knock
from dave.node.requests import Peer
from tests.node.networks import FREE, STEADY, World


def knock(world, edges, **options):
    host = world.add_client(edges, **options)
    rng = Random(9)
    identity = node_identity(rng.randbytes(32), bytes(8))
    peers = [Peer(edge.address) for edge in edges]
    host._core = core = Knock(identity, world.network, rng, peers)
    core.start(world.now)
    host.settle()
    return host, core


def network(nodes, **options):
    world = World(7, FREE, STEADY, **options)
    world.add_nodes(nodes, per_second=0.2)
    world.run(60)
    assert all(len(host.node.table) == nodes - 1 for host in world.nodes)
    return world


@pytest.mark.parametrize("is_natted", [False, True])
def test_who_can_be_reached_is_dialled_by_a_stranger_and_who_cannot_is_not(is_natted):
    world = network(5, is_public=True)
    host, core = knock(world, world.nodes[:1], is_natted=is_natted)
    world.run(5)
    assert core.seen == host.address
    assert not core.is_private
    assert (core.callers > 0) is not is_natted


def test_nobody_takes_it_for_a_node():
    world = network(5, is_public=True)
    _, core = knock(world, world.nodes[:1])
    world.run(120)
    assert core.callers
    ids = [contact.id for host in world.nodes for contact in host.node.table]
    assert core.identity.id not in ids


def test_on_a_private_network_nobody_is_asked():
    world = network(3)
    _, core = knock(world, world.nodes[:1])
    world.run(5)
    assert core.is_private
    assert core.callers == 0
