"""The verbs of an application: numbers out, one result for each."""

from dave.limits import SESSION_IDLE_SECONDS
from dave.testing.links import Link
from dave.testing.world import World
from tests.node.helpers import FREE


def a_world():
    world = World(4, FREE, Link(delay_ms=5, jitter_ms=0))
    for _ in range(3):
        world.add_node()
    world.run(3)
    return world, world.add_client()


def test_every_operation_has_numbers_of_its_own_and_each_ends_once():
    world, client = a_world()
    owner = world.owner()
    entry = owner.entry(b"a", b"", world.time())
    operations = [client.put(entry), client.get(entry.id), client.put(entry), client.get(entry.id)]
    assert [operation.number for operation in operations] == [1, 3, 4, 6]
    world.run(20)
    # Host asserts that none ends twice.
    assert sorted(client.ended) == [1, 2, 3, 4, 5, 6]
    assert client.ended[1].result is client.ended[2].result
    assert client.ended[1].at <= client.ended[2].at


def test_a_client_has_nothing_of_its_own_and_serves_nobody():
    world, client = a_world()
    world.run_until_resolved(client.get(bytes(32)))
    assert client.core.own(bytes(32), world.now) is None
    other = world.add_client([client])
    world.run_until_resolved(other.get(bytes(32)))
    assert all(len(host.node.table) == 2 for host in world.nodes), "a client enters no table"
    assert sum(client.core.drops.counts) > 0


def test_an_idle_client_wants_nothing_in_the_end():
    world, client = a_world()
    entry = world.owner().entry(b"a", b"", world.time())
    world.run_until_resolved(client.put(entry), client.get(entry.id))
    world.run(SESSION_IDLE_SECONDS + 60)
    assert client.core.get_timer() is None
    assert len(client.core.requests) == len(client.core.timers) == 0
    assert len(client.core.sessions) == 0
