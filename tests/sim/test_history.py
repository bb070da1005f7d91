"""A history holds what ended, and says what each client knows."""

from dave.node.results import Found
from dave.testing.world import World
from sim.history import History


def test_puts_and_gets_are_kept_in_order():
    world = World(1)
    world.add_nodes(3)
    client = world.add_client()
    owner = world.owner()
    history = History(world)
    old = owner.entry(b"a", b"1", world.time())
    new = owner.entry(b"a", b"2", world.time(1))
    none = owner.entry(b"b", b"", world.time())
    for entry in (old, new):
        history.put(client, entry)
        history.collect()
    history.get(client, old.id)
    history.get(client, none.id)
    history.collect()
    assert [written.entry for written in history.written] == [old, new]
    assert history.acknowledged() == {old.id: new}
    assert [read.result.found for read in history.read] == [Found.FOUND, Found.ABSENT]
    known = {key[1]: [time for _, time in each] for key, each in history.known().items()}
    assert known == {old.id: [old.time, new.time, new.time], none.id: [0]}
    assert client.ended == {}


def test_operations_of_a_host_that_dies_are_abandoned():
    world = World(1)
    nodes = world.add_nodes(3)
    world.run(2)
    history = History(world)
    history.get(nodes[1], bytes(32))
    history.put(nodes[1], world.owner().entry(b"a", b"", world.time()))
    world.kill(nodes[1])
    world.restart(nodes[1])
    history.collect()
    assert (history.abandoned, history.read, history.written) == (2, [], [])


def test_an_operation_whose_host_dies_meanwhile_is_not_waited_for():
    world = World(1)
    nodes = world.add_nodes(3)
    world.run(2)
    history = History(world)
    history.get(nodes[1], bytes(32))
    world.clock.schedule(world.now, world.kill, nodes[1])
    world.clock.schedule(world.now, world.restart, nodes[1])
    history.collect()
    assert (history.abandoned, history.read) == (1, [])
