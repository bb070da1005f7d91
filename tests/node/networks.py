"""Small networks for tests of puts and gets, and what these come to."""

from random import Random

from dave.crypto.network import network
from dave.names import SECOND
from dave.testing.links import Link
from dave.testing.world import World
from sim.tables import fill_tables

STEADY = Link(delay_ms=10, jitter_ms=0)
FREE = network("free", b"sixteen bytes ok")


def network_of(nodes, seed=5, net=FREE, **options):
    world = World(seed, net, STEADY)
    for _ in range(nodes):
        world.add_node(**options)
    world.run(5)
    return world


def two(**options):
    """A world, and the two nodes in it."""
    world = network_of(2, **options)
    return world, *world.nodes


def full_network(nodes, seed=5):
    """Nodes whose tables are as full as they can be."""
    world = World(seed, FREE, STEADY)
    for _ in range(nodes):
        world.add_node([], keeps_house=False)
    fill_tables(world.nodes, Random(seed), world.now)
    return world


def put(world, client, entry, seconds=5.0, expected=None):
    """A put, settled; what it came to and how long the quorum took in seconds."""
    operation, started = client.put(entry, seconds, expected), world.now
    result = world.run_until_resolved(operation)[0]
    took = (world.ended(operation).at - started) / SECOND
    world.run_until_resolved(world.settled(operation))
    return result, took


def get(world, client, entry_id, seconds=5.0, quorum=2):
    operation, started = client.get(entry_id, seconds, quorum), world.now
    result = world.run_until_resolved(operation)[0]
    return result, (world.ended(operation).at - started) / SECOND


def holders(world, entry):
    return [h for h in world.nodes if h.is_up and h.node.own(entry.id, world.now) == entry]


def statuses(result):
    return sorted(o.ack.status.name if o.ack else o.failure.name for o in result.outcomes)
