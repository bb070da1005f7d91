"""Every check can fail."""

from dave.peers.contact import Contact
from dave.testing.world import World
from sim.checks import (
    acknowledged_not_committed,
    copies,
    lost,
    natted_in_tables,
    regressions,
    stored_twice,
    subnet_counts,
    subnets_over_limit,
    tables_over_limit,
    unsigned_read,
    wrong_copies,
)
from sim.history import History


def contact_of(host):
    identity = host.node.identity
    return Contact(identity.public_key, identity.nonce, host.address, identity.id)


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


def test_lost_entries_are_found_and_copies_counted():
    world, entry, _ = a_put()
    assert (lost(world, [entry]), copies(world, entry)) == (0, 3)
    for host in world.nodes:
        world.kill(host)
    assert (lost(world, [entry]), copies(world, entry)) == (0, 0), "the disks have it"
    for host in world.nodes:
        host.disk._segments.clear()
    assert lost(world, [entry]) == 1


def test_an_entry_that_its_owner_did_not_sign_is_found():
    world, entry, _ = a_put()
    history = History(world)
    client = world.add_client()
    history.get(client, entry.id)
    history.collect()
    assert unsigned_read(history) == 0
    history.read[0].result.entry = entry.with_proofs(bytes(64), bytes(8))
    assert unsigned_read(history) == 1


def test_a_step_back_in_time_is_found():
    world, entry, _ = a_put()
    history = History(world)
    client = world.add_client()
    newer = world.owner().entry(b"a", b"", world.time(5))
    for _ in range(2):
        history.get(client, entry.id)
        history.collect()
    assert regressions(history) == 0
    history.read[0].result.entry = newer
    assert regressions(history) == 1


def test_crowds_of_one_subnet_are_found():
    world = World(1, is_public=True)
    victim = world.add_node()
    assert subnets_over_limit(world) == 0
    crowd = []
    for number in range(12):
        identity = world.new_identity()
        address = "30.0.0.7", 100 + number
        crowd.append(Contact(identity.public_key, identity.nonce, address, identity.id))
    victim.node.table = crowd  # a table that has no limits
    in_bucket, in_table = subnet_counts(victim.node)
    assert sum(in_bucket.values()) == sum(in_table.values()) == 12
    beyond = sum(max(0, count - 2) for count in in_bucket.values())
    assert subnets_over_limit(world) == beyond + 2


def test_contacts_behind_a_nat_are_found():
    world = World(1)
    node, natted = world.add_node(), world.add_node([], is_natted=True)
    assert natted_in_tables(world) == 0
    node.node.table.add(contact_of(natted), world.now)
    assert natted_in_tables(world) == 1


def test_copies_that_differ_or_are_missing_are_found():
    world, entry, _ = a_put()
    assert wrong_copies(world, [entry]) == 0
    world.nodes[1].node.own = lambda *_: entry.with_proofs(bytes(64), bytes(8))
    assert wrong_copies(world, [entry]) == 0, "another stamp is the same version"
    other = world.owner().entry(b"b", b"", world.time())
    world.nodes[1].node.own = lambda *_: other
    assert wrong_copies(world, [entry]) == 1
    world.nodes[2].node.own = lambda *_: None
    assert wrong_copies(world, [entry]) == 2
    world.kill(world.nodes[2])
    assert wrong_copies(world, [entry]) == 1, "of the dead nothing is asked"
