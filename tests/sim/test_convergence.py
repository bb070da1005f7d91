"""The wait for replicas that are right ends when they are, and at its limit if they never are."""

from dave.limits import REPLICAS
from dave.testing.world import World
from sim.convergence import until_right


def a_put():
    world = World(1)
    for _ in range(REPLICAS + 4):
        world.add_node()
    world.run(5)
    client = world.add_client()
    entry = world.owner().entry(b"a", b"b", world.time())
    world.run_until_resolved(world.settled(client.put(entry)))
    return world, entry


def test_what_is_right_takes_no_time():
    world, entry = a_put()
    assert until_right(world, [entry], "right", 10, 100) == 0
    assert world.series["right"] == [(0, 1.0)]


def test_a_replica_that_lacks_it_is_waited_for():
    world, entry = a_put()
    host = next(h for h in world.nodes if h.node.own(entry.id, world.now))
    own = host.node.own
    until = world.now + 15 * 10**9
    host.node.own = lambda *args: own(*args) if world.now >= until else None
    assert until_right(world, [entry], "right", 10, 100, unit=10) == 20
    assert world.series["right"] == [(0, 0.0), (1, 0.0), (2, 1.0)]


def test_what_never_comes_is_given_up():
    world, entry = a_put()
    world.nodes[0].node.own = lambda *_: world.owner().entry(b"other", b"", world.time())
    assert until_right(world, [entry], "right", 10, 30) == 30
