"""Every check can fail."""

from sim.checks import acknowledged_not_committed, stored_twice, tables_over_limit
from sim.world import World


def a_put():
    world = World(1)
    for _ in range(3):
        world.add_node()
    world.run(2)
    client = world.add_client()
    entry = world.owner().entry(b"a", b"", world.time())
    put = client.put(entry)
    return world, entry, world.run_until_resolved(world.settled(put))[0]


def test_a_clean_run_has_no_violations():
    world, entry, result = a_put()
    assert result.stored == 3
    checks = acknowledged_not_committed(world, [(entry, result)]), stored_twice(world)
    assert (*checks, tables_over_limit(world)) == (0, 0, 0)


def test_an_acknowledgement_without_a_record_is_found():
    world, entry, result = a_put()
    world.nodes[1].disk._segments.clear()
    assert acknowledged_not_committed(world, [(entry, result)]) == 1


def test_a_second_record_is_found():
    world, entry, _ = a_put()
    host = world.nodes[2]
    record = host.disk.records()[0]
    host.disk.append(0, bytes((record.type,)) + bytes(8) + entry.data, world.now)
    host.disk.committed(world.now)
    assert stored_twice(world) == 1


def test_tables_that_do_not_empty_are_found():
    world, _, _ = a_put()
    node = world.nodes[0].node
    node.puts._appending[99] = None
    world.nodes[1].node.requests._in_flight |= {bytes((n,)): None for n in range(9)}
    assert tables_over_limit(world) == 2
