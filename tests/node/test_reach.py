"""A node learns where it is and whether others reach it, and takes part accordingly."""

import pytest

from dave.limits import CAME_SECONDS, REACH_AGAIN_SECONDS_MAX, REACH_SECONDS
from dave.node.results import Found
from dave.testing.links import Link
from dave.testing.world import World
from tests.node.helpers import FREE

STEADY = Link(delay_ms=10, jitter_ms=0)


def network_of(nodes, is_public=True, seconds=30):
    world = World(6, FREE, STEADY, is_public=is_public)
    world.add_nodes(nodes)
    world.run(seconds)
    return world


def test_public_nodes_find_that_they_are_reached_and_where_they_are():
    world = network_of(8)
    for host in world.nodes[1:]:
        assert host.node.is_reached
        assert not host.node.reach.is_open, "somebody got through"
        assert host.node.reach.own.value == host.address
        assert not host.node.at_home


def test_a_public_node_joins_as_soon_as_it_is_reached():
    world = network_of(8)
    late = world.add_node()
    world.run(1)
    assert len(late.node.table) == 8


def test_at_home_nodes_count_as_reached():
    world = network_of(5, is_public=False)
    for host in world.nodes[1:]:
        assert host.node.is_reached
        assert host.node.at_home
        assert host.node.reach.own.value == host.address


def test_a_node_that_nobody_reaches_is_a_client():
    world = network_of(8)
    hidden = world.add_node(is_natted=True)
    assert hidden.node.is_reached, "until it is known"
    world.run(REACH_SECONDS + 2)
    assert not hidden.node.is_reached
    entry = world.owner().entry(b"a", b"value", world.time())
    assert world.run_until_resolved(hidden.put(entry))[0].has_quorum
    found = world.run_until_resolved(hidden.get(entry.id))[0]
    assert (found.found, found.entry) == (Found.FOUND, entry)
    sessions = [host.node.sessions.find(hidden.address) for host in world.nodes[:8]]
    assert {session.node_id for session in sessions if session is not None} == {None}


def test_who_can_be_reached_later_becomes_a_node():
    world = network_of(8)
    hidden = world.add_node(is_natted=True)
    world.run(REACH_SECONDS + 2)
    assert not hidden.node.is_reached
    hidden.nat = None
    # In so small a network it wrote to all; whom it leaves alone for CAME_SECONDS can test it.
    world.run(3 * CAME_SECONDS)
    assert hidden.node.is_reached
    world.run(30)
    assert sum(host.node.table.get(hidden.node.id) is not None for host in world.nodes) == 8


def test_it_tries_again_ever_more_seldom():
    world = network_of(4)
    hidden = world.add_node(is_natted=True)
    begun = []
    begin = hidden.node.reach._begin
    hidden.node.reach._begin = lambda peers, now: (begun.append(now), begin(peers, now))[1]
    world.run(4 * REACH_AGAIN_SECONDS_MAX)
    assert 5 <= len(begun) <= 7
    assert begun[-1] - begun[-2] >= REACH_AGAIN_SECONDS_MAX * 1e9
    assert not hidden.node.is_reached


def test_an_edge_that_does_not_answer_says_nothing_about_reach():
    world = network_of(2)
    edge = world.nodes[0]
    world.kill(edge)
    late = world.add_node([edge])
    world.run(5 * REACH_SECONDS)
    assert late.node.is_reached
    world.restart(edge)
    world.run(300)
    assert late.node.is_reached
    assert edge.node.table.get(late.node.id) is not None


def test_with_all_edges_gone_a_node_that_comes_back_asks_whom_it_knew():
    world = network_of(6)
    edge, old = world.nodes[0], world.nodes[1]
    remembered = old.node.table.snapshot(world.now)
    world.kill(edge)
    world.kill(old)
    world.restart(old)
    old.node.table.restore(remembered, world.now)
    old.node.start(world.now)
    world.run(REACH_SECONDS - 1)
    assert len(old.node.table) == 4
    assert old.node.reach.own.value is not None


def test_an_init_from_a_node_we_wrote_to_proves_nothing():
    world = network_of(3)
    one, two = world.nodes[1:]
    reach = one.node.reach
    session = one.node.sessions.find(two.address)
    reach.is_open = True
    reach.came(session, world.now)
    assert reach.is_open
    reach._wrote.clear()
    reach.came(session, world.now)
    assert not reach.is_open


def test_only_who_was_asked_tells_by_a_probe():
    world = network_of(3)
    one, two = world.nodes[1:]
    reach = one.node.reach
    session = one.node.sessions.find(two.address)
    reach.is_open = True
    reach._asked.clear()
    reach.pinged(session, world.now)
    assert reach.is_open
    reach._asked[two.address] = None
    reach.pinged(session, world.now)
    assert not reach.is_open


@pytest.mark.parametrize("count", [1, 3])
def test_a_node_that_does_not_know_where_it_is_learns_that_it_is_at_home(count):
    world = World(6, FREE, STEADY)
    first = world.add_node()
    first.node.at_home = False  # it listens on all addresses, and has no edge
    world.add_nodes(count)
    world.run(20)
    assert first.node.at_home
    assert len(first.node.table) == count
