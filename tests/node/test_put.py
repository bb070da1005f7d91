"""Puts by a client: where they go, when they say so, and that it is honest."""

import pytest

from dave.crypto.network import network
from dave.limits import REPLICAS, REQUESTS_IN_FLIGHT_MAX
from dave.names import SECOND, place_of
from dave.node.put import PutOperation
from dave.node.requests import Peer
from dave.node.results import HERE, Found
from dave.testing.world import World
from dave.wire.messages import PutAck, WireContact
from dave.wire.status import PutStatus
from tests.node.networks import FREE, STEADY, full_network, get, holders, network_of, put, statuses


@pytest.mark.parametrize("nodes", [1, 2, 5, 8, 30])
@pytest.mark.parametrize("asks_work", [False, True])
def test_what_is_put_lies_at_the_nearest_nodes_and_is_found(nodes, asks_work):
    world = network_of(nodes, net=network("paid", node_work_bits=0) if asks_work else FREE)
    owner, client = world.owner(), world.add_client()
    for i in range(6):
        entry = owner.entry(b"%d" % i, b"value", world.time())
        result, _ = put(world, client, entry)
        assert result.stored >= min(nodes, REPLICAS)
        assert result.known >= min(nodes, REPLICAS)
        by_distance = sorted(world.nodes, key=lambda h: h.node.id ^ place_of(entry.id))
        assert set(holders(world, entry)) == set(by_distance[: result.stored])
        reader = world.add_client([world.nodes[-1]])
        found, _ = get(world, reader, entry.id)
        assert (found.found, found.entry) == (Found.FOUND, entry)


def test_a_warm_put_and_get_take_one_round_trip():
    world = network_of(5, commit_ms=1)
    owner, client = world.owner(), world.add_client()
    put(world, client, owner.entry(b"first", b"", world.time()))
    entry = owner.entry(b"second", b"", world.time())
    before = world.links.sent
    _, took = put(world, client, entry)
    assert took == pytest.approx(0.021)
    assert world.links.sent - before == 10, "five puts, five acknowledgements"
    assert get(world, client, entry.id)[1] == pytest.approx(0.020)


def test_puts_find_the_right_nodes_also_when_the_client_knows_others_nearby():
    """What the table of a client knows is not the network: a later put must look further."""
    world = full_network(40)
    owner, client = world.owner(), world.add_client()
    for i in range(25):
        entry = owner.entry(b"%d" % i, b"", world.time())
        put(world, client, entry)
        by_distance = sorted(world.nodes, key=lambda h: h.node.id ^ place_of(entry.id))
        assert set(holders(world, entry)) >= set(by_distance[:REPLICAS])


def test_who_knew_the_whole_network_and_forgot_some_looks_again():
    world = network_of(5)
    owner, client = world.owner(), world.add_client()
    put(world, client, owner.entry(b"warm", b"", world.time()))
    for contact in list(client.core.table)[:3]:
        client.core.table.remove(contact.id)
    result, _ = put(world, client, owner.entry(b"a", b"", world.time()))
    assert (result.stored, result.known) == (5, 5)


def test_nodes_that_an_acknowledgement_tells_of_are_asked_too():
    """This version's nodes tell of none there; later ones may."""
    world = network_of(3)
    late = world.add_node([])  # nobody knows it
    told = WireContact(late.node.identity.public_key, bytes(8), late.address)
    me = WireContact(world.nodes[0].node.identity.public_key, bytes(8), world.nodes[0].address)
    node = world.nodes[1].node

    def on_put(session, data, now):
        node.reply(session, data, PutAck(PutStatus.LOW_RANK, 7, None, (told, me)), now)

    node.handlers[3] = on_put
    entry = world.owner().entry(b"a", b"", world.time())
    result, _ = put(world, world.add_client(), entry)
    assert statuses(result) == ["LOW_RANK", "STORED", "STORED", "STORED"]
    assert late in holders(world, entry)


def test_the_quorum_is_most_of_those_that_should_hold_it():
    world = network_of(5)
    owner, client = world.owner(), world.add_client()
    put(world, client, owner.entry(b"warm", b"", world.time()))
    for host in world.nodes[3:]:
        world.kill(host)
    result, took = put(world, client, owner.entry(b"a", b"", world.time()))
    assert (result.stored, result.quorum, result.known) == (3, 3, 5)
    assert took < 0.1, "nobody waits for the dead"
    world.kill(world.nodes[2])
    result, took = put(world, client, owner.entry(b"b", b"", world.time()))
    assert (result.stored, result.has_quorum) == (2, False)
    assert took <= 5
    assert len(result.outcomes) >= 4


def test_a_dead_edge_does_not_keep_a_put_from_being_stored():
    world = network_of(2)
    client = world.add_client([world.nodes[1], world.nodes[0]])
    world.kill(world.nodes[1])
    result, took = put(world, client, world.owner().entry(b"a", b"", world.time()))
    assert result.stored == 1
    assert took <= 5
    single = World(1, FREE, STEADY)
    alive, dead = single.add_node(), single.add_node([])
    client = single.add_client([dead, alive])
    single.kill(dead)
    result, took = put(single, client, single.owner().entry(b"a", b"", single.time()))
    assert result.has_quorum
    assert took < 2


def test_compare_and_set_of_two_clients_at_once_has_at_most_one_winner():
    world = network_of(5)
    owner = world.owner()
    one, two = world.add_client(), world.add_client([world.nodes[4]])
    first = one.put(owner.entry(b"a", b"1", world.time()), expected=0)
    second = two.put(owner.entry(b"a", b"2", world.time()), expected=0)
    results = world.run_until_resolved(first, second)
    assert sum(result.has_quorum for result in results) <= 1
    world.run(6)
    told = {status for result in results for status in statuses(result)}
    assert told <= {"STORED", "SAME", "CONFLICT"}
    winners = {host.node.own(owner.entry(b"a", b"", 1 << 40).id, world.now) for host in world.nodes}
    assert None not in winners


def test_busy_is_tried_again_and_then_told():
    world = network_of(1, commit_ms=1)
    node, client, owner = world.nodes[0], world.add_client(), world.owner()
    put(world, client, owner.entry(b"warm", b"", world.time()))
    node.node.puts._appending = dict.fromkeys(range(-1024, 0))  # as full as can be
    started = world.now
    waiting = client.put(owner.entry(b"a", b"", world.time()), 10.0)
    world.run(0.5)
    node.node.puts._appending.clear()
    result = world.run_until_resolved(waiting)[0]
    assert (statuses(result), world.now - started < 2 * SECOND) == (["STORED"], True)
    node.node.puts._appending = dict.fromkeys(range(-1024, 0))
    result, took = put(world, client, owner.entry(b"b", b"", world.time()), 10.0)
    assert (statuses(result), took < 5) == (["BUSY"], True)
    node.node.puts._appending.clear()


def test_a_put_at_the_end_of_its_time_says_how_it_stands():
    world = network_of(5, commit_ms=60_000)
    client = world.add_client()
    result, took = put(world, client, world.owner().entry(b"a", b"", world.time()), 1.0)
    assert (result.stored, result.known, took) == (0, 5, 1.0)
    world.run(120)
    assert len(client.core.requests) == 0


def test_many_nodes_that_fail_at_once_do_not_recurse():
    world = network_of(1)
    client = world.add_client()
    entry = world.owner().entry(b"a", b"", world.time())
    operation = PutOperation(client.core, 1, entry, None, world.now + SECOND)
    operation._outward = [Peer((f"10.201.{i}.1", 1), bytes(32), bytes(8), i) for i in range(256)]
    client.core.requests._in_flight = {
        n.to_bytes(4, "big"): None for n in range(REQUESTS_IN_FLIGHT_MAX)
    }
    operation._pump(world.now)
    assert statuses(operation.result) == ["FULL"] * 256
    assert [effect.operation for effect in client.core.take_effects()] == [1, 2]


def test_a_larger_clock_skew_than_allowed_is_told_with_the_time():
    world = World(1, FREE, STEADY)
    world.add_node(skew_ms=-400_000)
    client = world.add_client()
    result, _ = put(world, client, world.owner().entry(b"a", b"", world.time()))
    ack = result.outcomes[0].ack
    assert ack.status is PutStatus.FUTURE
    assert abs(ack.detail - (world.clock.unix_ms - 400_000)) < 1000


def test_a_put_tells_of_every_node_it_asked_and_waits_little_for_the_dead():
    world = network_of(4)
    client = world.add_client([world.nodes[0]])
    for host in world.nodes[2:]:
        world.kill(host)
    result, took = put(world, client, world.owner().entry(b"a", b"", world.time()))
    assert took < 3
    assert statuses(result) == ["NO_ANSWER", "NO_ANSWER", "STORED", "STORED"]
    assert (result.stored, result.known, result.has_quorum) == (2, 4, False)


def test_a_node_of_the_region_stores_what_it_puts_and_counts_what_others_promise():
    world = network_of(5)
    node, entry = world.nodes[2], world.owner().entry(b"a", b"", world.time())
    result, _ = put(world, node, entry)
    assert (result.stored, result.known) == (5, 5)
    assert [o.id for o in result.outcomes if o.address == HERE] == [node.node.id]
    others = [host.node.id for host in world.nodes if host is not node]
    assert all(node.node.promises.has(other, entry.id) for other in others)
    assert not node.node.promises.has(node.node.id, entry.id)


def test_a_node_outside_of_the_region_stores_nothing_and_is_promised_nothing():
    world = full_network(40)
    entry = world.owner().entry(b"a", b"", world.time())
    far = max(world.nodes, key=lambda host: host.node.id ^ place_of(entry.id))
    result, _ = put(world, far, entry)
    assert result.stored >= REPLICAS
    assert far not in holders(world, entry)
    assert len(far.node.promises) == 0


def test_all_of_a_crowded_region_is_asked():
    """Where the R-th nearest is expected at half of the ring, that half is the region."""
    world = network_of(30)
    client = world.add_client()
    for _ in range(40):
        client.core.density.observe(1 << 63, REPLICAS)
    entry = world.owner().entry(b"a", b"", world.time())
    result, _ = put(world, client, entry)
    half = [host for host in world.nodes if host.node.id ^ place_of(entry.id) < 1 << 63]
    assert len(half) > REPLICAS
    assert set(holders(world, entry)) >= set(half)
    assert result.has_quorum


def test_who_has_earned_no_trust_counts_half_where_others_have():
    world = network_of(30)
    node, owner = world.nodes[0], world.owner()
    before, _ = put(world, node, owner.entry(b"a", b"", world.time()))
    for _ in range(40):
        node.node.trust.kept(world.nodes[1].node.id, world.now)
    after, _ = put(world, node, owner.entry(b"a", b"", world.time(1)))
    assert before.stored < 2 * REPLICAS - 2 <= after.stored


def test_where_nodes_refuse_the_next_ones_outward_are_asked():
    world = network_of(20)
    owner, client = world.owner(), world.add_client()
    entry = owner.entry(b"a", b"", world.time())
    by_distance = sorted(world.nodes, key=lambda h: h.node.id ^ place_of(entry.id))
    for host in by_distance[:4]:
        host.node.puts.is_read_only = True
    result, _ = put(world, client, entry)
    assert statuses(result).count("READ_ONLY") == 4
    assert result.stored >= REPLICAS
    assert set(holders(world, entry)) >= set(by_distance[4 : 4 + REPLICAS])


def test_a_client_that_knows_one_node_lets_it_hand_the_entry_on():
    seen = []

    def watch(host):
        node, receive = host.node, host.node.puts.receive

        def note(put, *others):
            seen.append(put.is_direct)
            receive(put, *others)

        node.puts.receive = note

    for nodes in (1, 2):
        world = network_of(nodes)
        for host in world.nodes:
            watch(host)
        put(world, world.add_client(), world.owner().entry(b"a", b"", world.time()))
    assert seen == [False, True, True]


def test_the_trace_tells_who_was_asked_for_what():
    world = network_of(4)
    result, _ = put(world, world.add_client(), world.owner().entry(b"a", b"", world.time()))
    told = [step.outcome for step in result.trace]
    assert told.count("put: stored") == 4
    assert told.count("3 contacts") == 4
    assert {step.hop for step in result.trace} == {0, 1}


def test_in_a_network_larger_than_it_knows_a_client_looks_along_disjoint_paths():
    world = full_network(40)
    result, _ = put(world, world.add_client(), world.owner().entry(b"a", b"", world.time()))
    assert {step.path for step in result.trace} >= {0, 1, 2, 3}
    small = network_of(12)
    result, _ = put(small, small.add_client(), small.owner().entry(b"a", b"", small.time()))
    assert {step.path for step in result.trace} == {0}
