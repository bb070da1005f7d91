"""Puts and gets by a client: what they come to, when they say so, and that it is honest."""

import pytest

from dave.crypto.network import network
from dave.limits import REPLICAS, REQUESTS_IN_FLIGHT_MAX
from dave.names import SECOND, place_of
from dave.node.put import PutOperation
from dave.node.requests import Peer
from dave.node.results import Found
from dave.session.session import FailReason
from dave.wire import messages
from dave.wire.messages import PutAck, WireContact
from dave.wire.status import PutStatus
from sim.network import Link
from sim.world import World

STEADY = Link(delay_ms=10, jitter_ms=0)
FREE = network("free", b"sixteen bytes ok")


def network_of(nodes, seed=5, net=FREE, **options):
    world = World(seed, net, STEADY)
    for _ in range(nodes):
        world.add_node(**options)
    world.run(5)
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
    world = network_of(40)
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


def test_nobody_there_is_said_within_the_time():
    world = network_of(2)
    client = world.add_client()
    for host in world.nodes:
        world.kill(host)
    entry = world.owner().entry(b"a", b"", world.time())
    result, took = put(world, client, entry, 3.0)
    assert (result.stored, result.has_quorum, took) == (0, False, 3.0)
    found, took = get(world, client, entry.id, 3.0)
    assert (found.found, took) == (Found.UNREACHABLE, 3.0)
    nobody = world.add_client([])
    assert put(world, nobody, entry) == (nobody.ended[1].result, 0)
    assert get(world, nobody, entry.id)[0].found is Found.UNREACHABLE


def test_another_network_is_told_at_once():
    world = network_of(2)
    strangers = World(9, network("other", b"another sixteen!"), STEADY)
    # A client of the other network on this one's wires.
    client = strangers.add_client([world.nodes[0]])
    address = "10.77.0.1", 1424
    client.address = address
    client._clock, client._send_all = world.clock, world._send_all
    client._on_resolve = lambda *_: None
    world.hosts[address] = client
    entry = strangers.owner().entry(b"a", b"", world.time())
    result, took = put(world, client, entry)
    assert [o.failure for o in result.outcomes] == [FailReason.OTHER_NETWORK]
    found, took_get = get(world, client, entry.id)
    assert found.failures == [(world.nodes[0].address, FailReason.OTHER_NETWORK)]
    assert found.found is Found.UNREACHABLE
    assert max(took, took_get) == pytest.approx(0.020)


def test_absent_is_said_when_most_answered_and_unreachable_when_not():
    world = network_of(8)
    client = world.add_client()
    entry_id = world.owner().entry(b"never", b"", world.time()).id
    found, took = get(world, client, entry_id)
    assert (found.found, found.answered, found.entry) == (Found.ABSENT, 8, None)
    assert took < 0.2
    for host in world.nodes[3:]:
        world.kill(host)
    found, took = get(world, client, entry_id)
    assert (found.found, found.answered) == (Found.UNREACHABLE, 3)
    assert took <= 5


def test_dead_replicas_do_not_hold_a_get_up():
    world = network_of(8)
    owner, client = world.owner(), world.add_client()
    entries = [owner.entry(b"%d" % i, b"", world.time()) for i in range(10)]
    for entry in entries:
        put(world, client, entry)
    for host in world.nodes[1:7]:
        world.kill(host)
    for entry in entries:
        found, took = get(world, client, entry.id)
        assert (found.found, found.entry) == (Found.FOUND, entry)
        assert took < 3


def test_the_newest_version_is_returned_where_the_edge_holds_an_old_one():
    world = network_of(5)
    owner, client = world.owner(), world.add_client()
    old = owner.entry(b"a", b"old", world.time())
    put(world, client, old)
    edge = world.nodes[0]
    world.links.partition([edge.name])
    world.run(0.01)
    new = owner.entry(b"a", b"new", world.time(1))
    result, _ = put(world, world.add_client([world.nodes[1]]), new)
    assert result.stored == 4
    world.links.heal()
    found, _ = get(world, world.add_client([edge]), old.id)
    assert found.entry == new


def test_a_node_is_counted_once_however_often_it_is_met():
    """Only one of two nodes holds it: two must not be said to agree."""
    world = network_of(2)
    owner = world.owner()
    world.links.partition([world.nodes[1].name])
    entry = owner.entry(b"a", b"", world.time())
    put(world, world.add_client(), entry, 2.0)
    world.nodes[1].node.puts.is_read_only = True  # else repair hands it over
    world.links.heal()
    world.run(30)
    found, _ = get(world, world.add_client(), entry.id)
    assert (found.found, found.replicas) == (Found.FOUND, 1)
    assert (found.asked, found.answered) == (2, 2)


def test_a_get_from_all_ends_although_some_are_dead():
    world = network_of(4)
    entry = world.owner().entry(b"a", b"", world.time())
    put(world, world.add_client(), entry)
    world.kill(world.nodes[3])
    before = world.links.sent
    found, took = get(world, world.add_client(), entry.id, quorum=0)
    assert (found.found, found.replicas) == (Found.FOUND, 3)
    assert took < 2
    assert world.links.sent - before < 60, "it does not ask round and round"


def serve(host, entry):
    """From now on the node answers every GET with this."""

    def on_get(session, data, now):
        host.node.sessions.seal(session, messages.found(data, entry.data), now)

    host.node.handlers[5] = on_get


def test_forged_expired_and_foreign_entries_are_no_answer():
    world = network_of(5)
    owner, client = world.owner(), world.add_client()
    entry = owner.entry(b"a", b"true", world.time(), ttl=60)
    put(world, client, entry)
    newer = owner.entry(b"a", b"false", world.time(9))
    serve(world.nodes[1], newer.with_proofs(bytes(64), newer.nonce))
    serve(world.nodes[2], owner.entry(b"b", b"of another key", world.time(9)))
    found, _ = get(world, client, entry.id, quorum=0)
    assert (found.entry, found.replicas) == (entry, 3)
    world.run(61)
    for host in world.nodes:
        serve(host, entry)
    found, _ = get(world, client, entry.id)
    assert (found.entry, found.found) == (None, Found.ABSENT)


def test_deleted_is_absent_and_stays_so():
    world = network_of(3)
    owner, client = world.owner(), world.add_client()
    entry = owner.entry(b"a", b"", world.time())
    put(world, client, entry)
    gone = owner.tombstone(b"a", world.time(1))
    assert put(world, client, gone)[0].has_quorum
    found, _ = get(world, client, entry.id)
    assert (found.found, found.entry) == (Found.ABSENT, gone)
    assert statuses(put(world, client, entry)[0]) == ["STALE"] * 3


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


def test_where_no_room_is_left_for_requests_an_operation_ends_at_once():
    world = network_of(5)
    client, owner = world.add_client(), world.owner()
    put(world, client, owner.entry(b"warm", b"", world.time()))
    known = len(client.core.table)
    client.core.requests._in_flight = {
        n.to_bytes(4, "big"): None for n in range(REQUESTS_IN_FLIGHT_MAX)
    }
    for i in range(5):
        result, took = put(world, client, owner.entry(b"%d" % i, b"", world.time()))
        assert (set(statuses(result)), took) == ({"FULL"}, 0)
        found, took = get(world, client, owner.entry(b"x", b"", world.time()).id)
        assert (found.found, took) == (Found.UNREACHABLE, 0)
    assert len(client.core.table) == known, "that was not the peers' fault"


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


def test_absent_is_not_said_when_those_that_should_hold_it_are_dead():
    world = network_of(30)
    client = world.add_client()
    entry = world.owner().entry(b"a", b"value", world.time())
    result, _ = put(world, client, entry)
    assert result.stored == REPLICAS
    holders = [host for host in world.nodes if host.node.own(entry.id, world.now)]
    assert len(holders) == REPLICAS
    for host in holders:
        world.kill(host)
    reader = world.add_client([next(host for host in world.nodes if host not in holders)])
    assert get(world, reader, entry.id)[0].found is Found.UNREACHABLE
