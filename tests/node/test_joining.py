"""Nodes find each other, know their neighbourhood, and are silent when nothing changes."""

from dave.limits import BUCKET_CONTACTS, REFRESH_SECONDS
from dave.testing.links import Link
from dave.testing.world import World
from dave.wire.messages import Find
from tests.node.helpers import FREE

STEADY = Link(delay_ms=10, jitter_ms=0)


def network_of(nodes, seconds=60):
    world = World(6, FREE, STEADY)
    world.add_nodes(nodes)
    world.run(seconds)
    return world


def finds(world, host):
    """Counts the FINDs that a node sends from now on."""
    asked, ask = [], host.node.ask

    def watched(peer, message, *rest):
        if isinstance(message, Find):
            asked.append(message.place)
        ask(peer, message, *rest)

    host.node.ask = watched
    return asked


def missing(world):
    """Over all nodes: how many of the K nearest nodes each does not know."""
    ids = [host.node.id for host in world.nodes if host.is_up]
    total = 0
    for host in (host for host in world.nodes if host.is_up):
        own = host.node.id
        nearest = sorted((i for i in ids if i != own), key=lambda i: i ^ own)[:BUCKET_CONTACTS]
        total += len(set(nearest) - {contact.id for contact in host.node.table})
    return total


def test_each_knows_its_neighbourhood_exactly_and_much_beyond():
    world = network_of(80)
    assert missing(world) == 0
    ids = [host.node.id for host in world.nodes]
    for host in world.nodes:
        known = {contact.id for contact in host.node.table}
        for bits in range(59, 65):
            there = [i for i in ids if (i ^ host.node.id).bit_length() == bits]
            assert len(known.intersection(there)) >= min(len(there), BUCKET_CONTACTS) // 2


def test_all_at_once_through_one_edge():
    world = World(6, FREE, STEADY)
    for _ in range(40):
        world.add_node()
    world.run(30)
    assert missing(world) == 0


def test_nobody_looks_while_nothing_changes():
    world = network_of(20, seconds=120)
    asked = [finds(world, host) for host in world.nodes]
    world.run(REFRESH_SECONDS / 2)
    assert sum(map(len, asked)) == 0
    world.run(REFRESH_SECONDS)
    assert all(asked), "once an hour"
    assert max(map(len, asked)) < 200


def test_a_newcomer_next_door_is_a_reason_to_look():
    world = network_of(20, seconds=120)
    host = world.nodes[5]
    asked = finds(world, host)
    world.add_node()
    world.run(100)
    assert set(asked) == {host.node.id}


def test_a_node_that_knows_nobody_asks_its_edges_ever_more_seldom():
    world = World(6, FREE, STEADY)
    edge = world.add_node()
    world.kill(edge)
    late = world.add_node([edge])
    asked = finds(world, late)
    world.run(60)
    first = len(asked)
    assert 3 <= first <= 8
    world.run(600)
    assert len(asked) - first <= 14


def test_a_node_that_lost_everybody_and_has_no_edge_comes_back():
    world = network_of(5)
    first = world.nodes[0]
    assert first.node.edges == ()
    for host in world.nodes[1:]:
        host.node.edges = ()
    world.links.partition([first.name])
    world.run(600)
    assert len(first.node.table) == 0
    for host in world.nodes[1:]:
        host.node.table._lost.clear()
    world.links.heal()
    world.run(150)
    assert missing(world) == 0


def test_reasons_close_to_each_other_are_one():
    world = network_of(10, seconds=120)
    host = world.nodes[5]
    asked = finds(world, host)
    for _ in range(20):
        host.node.joining.soon(world.now)
        host.settle()
        world.run(0.1)
    world.run(1)
    before = len(asked)
    assert before <= 12
    host.node.joining.soon(world.now)
    host.settle()
    world.run(5)
    assert len(asked) == before
    world.run(10)
    assert before < len(asked) <= 2 * before
