"""A node among nodes: it joins, knows who lives, forgets the dead, and comes back from its disk."""

from dave.limits import EXPIRE_IDLE_SECONDS
from dave.names import SECOND
from dave.node.requests import Peer
from dave.node.results import Found
from dave.testing.links import Link
from dave.testing.world import World
from tests.node.helpers import FREE

STEADY = Link(delay_ms=10, jitter_ms=0)


def network_of(nodes, seed=6, **options):
    world = World(seed, FREE, STEADY, **options)
    for _ in range(nodes):
        world.add_node()
    world.run(5)
    return world


def tables(world):
    return [[contact.id for contact in host.node.table] for host in world.nodes if host.is_up]


def all_others(world):
    ids = [host.node.id for host in world.nodes if host.is_up]
    return [sorted(set(ids) - {own}) for own in ids]


def test_all_know_all_within_seconds_through_one_edge():
    for is_public in (False, True):
        world = network_of(8, is_public=is_public)
        assert tables(world) == all_others(world)


def test_a_node_whose_edge_comes_later_joins_then():
    world = World(6, FREE, STEADY)
    edge = world.add_node()
    world.kill(edge)
    late = world.add_node([edge])
    world.run(20)
    assert len(late.node.table) == 0
    world.restart(edge)
    world.run(70)
    assert tables(world) == all_others(world)


def test_a_node_that_is_its_own_edge_is_alone_and_well():
    world = World(6, FREE, STEADY)
    host = world.add_node([])
    host.node.edges = (Peer(host.address),)
    world.run(120)
    assert len(host.node.table) == 0
    world.add_node([host])
    world.run(5)
    assert tables(world) == all_others(world)


def test_the_dead_are_forgotten_and_the_living_are_not():
    world = network_of(8)
    world.kill(world.nodes[2])
    world.kill(world.nodes[5])
    # One probe every 10 s or so, three silences for each of them.
    world.run(150)
    assert tables(world) == all_others(world)
    world.run(600)
    assert tables(world) == all_others(world)


def test_a_restarted_node_is_known_again_and_serves_what_it_had():
    world = network_of(5)
    owner, client = world.owner(), world.add_client()
    entries = [owner.entry(b"%d" % i, b"value", world.time()) for i in range(20)]
    world.run_until_resolved(*[client.put(entry) for entry in entries])
    world.run(6)
    for host in world.nodes:
        world.kill(host)
    world.run(1)
    for host in world.nodes:
        world.restart(host)
        assert host.unreadable_records == 0
        assert all(host.node.own(entry.id, world.now) == entry for entry in entries)
    world.run(5)
    assert tables(world) == all_others(world)
    reader = world.add_client()
    results = world.run_until_resolved(*[reader.get(entry.id) for entry in entries])
    assert [result.entry for result in results] == entries


def test_a_crash_before_the_commit_loses_only_what_was_not_acknowledged():
    world = World(6, FREE, STEADY)
    node = world.add_node(commit_ms=500)
    client, owner = world.add_client(), world.owner()
    kept = owner.entry(b"kept", b"", world.time())
    assert world.run_until_resolved(client.put(kept))[0].has_quorum
    lost = [owner.entry(b"%d" % i, b"", world.time()) for i in range(20)]
    puts = [client.put(entry) for entry in lost]
    world.run(0.2)
    assert len(node.node.puts) == 20
    world.kill(node)
    world.restart(node)
    assert node.node.own(kept.id, world.now) == kept
    results = world.run_until_resolved(*puts)
    assert all(result.has_quorum for result in results), "asked again, and stored then"
    assert all(node.node.own(entry.id, world.now) == entry for entry in lost)


def test_a_failed_disk_is_told_and_what_is_held_is_served():
    world = network_of(1)
    node, client, owner = world.nodes[0], world.add_client(), world.owner()
    entry = owner.entry(b"kept", b"", world.time())
    world.run_until_resolved(client.put(entry))
    node.disk.fails = True
    for key in (b"first", b"second"):
        put = client.put(owner.entry(key, b"", world.time()))
        result = world.run_until_resolved(put)[0]
        assert [outcome.ack.status.name for outcome in result.outcomes] == ["READ_ONLY"]
    assert node.node.puts.is_read_only
    assert world.run_until_resolved(client.get(entry.id))[0].entry == entry


def test_what_has_expired_is_removed_within_one_round_of_the_shards():
    world = network_of(1)
    node, client, owner = world.nodes[0], world.add_client(), world.owner()
    entries = [owner.entry(b"%d" % i, b"", world.time(), ttl=30) for i in range(50)]
    world.run_until_resolved(*[client.put(entry) for entry in entries])
    assert len(node.node.store) == 50
    world.run(30)
    assert node.node.own(entries[0].id, world.now) is None
    # The tick is sparse while the store is empty, as it was at first.
    world.run(EXPIRE_IDLE_SECONDS + 257)
    assert len(node.node.store) == 0


def test_a_node_puts_and_gets_as_a_client_does_and_counts_its_own_copy():
    world = network_of(4)
    one, two = world.nodes[:2]
    entry = world.owner().entry(b"a", b"", world.time())
    assert world.run_until_resolved(world.settled(one.put(entry)))[0].stored == 4
    found = world.run_until_resolved(two.get(entry.id))[0]
    assert (found.found, found.entry) == (Found.FOUND, entry)


def test_sessions_are_renewed_under_use_without_a_failure():
    world = network_of(3)
    client, owner = world.add_client(), world.owner()
    entry = owner.entry(b"a", b"", world.time())
    world.run_until_resolved(client.put(entry))
    for _ in range(250):
        world.run(6)
        assert world.run_until_resolved(client.get(entry.id))[0].found is Found.FOUND
    assert world.now > 2_400 * SECOND
    assert tables(world) == all_others(world)
    assert all(sum(host.core.drops.counts) == 0 for host in world.nodes)


def test_idle_nodes_send_little():
    world = network_of(5)
    before = world.links.sent
    world.run(600)
    # A probe every 10 s, a lookup every minute, sessions and their renewal.
    assert (world.links.sent - before) / 600 / 5 < 2


def test_a_partition_heals():
    world = network_of(6)
    world.links.partition([host.name for host in world.nodes[:3]])
    world.run(200)
    assert all(len(table) == 2 for table in tables(world))
    world.links.heal()
    world.run(200)
    assert tables(world) == all_others(world)


def test_that_a_lost_contact_is_still_away_keeps_nobody_busy():
    world = World(1)
    world.add_nodes(4)
    world.run(30)
    world.kill(world.nodes[3])
    world.run(120)
    before = world.links.sent
    world.run(120)
    assert all(len(host.node.table) == 2 for host in world.nodes[:3])
    assert world.links.sent - before < 120, "three nodes at one probe every ten seconds"
