"""Gets by a client: what they find, when they say so, and that it is honest."""

import pytest

from dave.crypto.network import network
from dave.limits import REPLICAS, REQUESTS_IN_FLIGHT_MAX
from dave.names import place_of
from dave.node.results import Found
from dave.session.session import FailReason
from dave.testing.world import World
from dave.wire import messages
from dave.wire.messages import GetAck
from sim.adversaries import Ring, grind, member_of
from tests.node.networks import STEADY, full_network, get, holders, network_of, put, statuses


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


def test_where_the_edge_loses_every_packet_of_a_get_those_known_by_then_are_asked():
    world = network_of(5)
    entry = world.owner().entry(b"a", b"", world.time())
    put(world, world.add_client(), entry)
    edge, client = world.nodes[0], world.add_client()
    serve = edge.node.handlers[5]

    def lose(session, data, now):
        if entry.id not in data:
            serve(session, data, now)
        elif session.wants_accept:
            edge.node.sessions.seal(session, b"", now)

    edge.node.handlers[5] = lose
    operation = client.get(entry.id, 8.0)
    world.run(1)
    put(world, client, world.owner().entry(b"b", b"", world.time()))  # tells of the others
    [result] = world.run_until_resolved(operation)
    assert (result.found, result.entry) == (Found.FOUND, entry)


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


def test_a_warm_get_asks_two_and_the_next_only_where_one_has_nothing():
    world = network_of(8)
    owner, client = world.owner(), world.add_client()
    entry = owner.entry(b"a", b"", world.time())
    put(world, client, entry)
    world.run(5)
    for _ in range(10):
        before = world.links.sent
        found, took = get(world, client, entry.id)
        assert (found.replicas, found.asked, world.links.sent - before) == (2, 2, 4)
        assert took == pytest.approx(0.020)
    for host in world.nodes[:7]:
        host.node.handlers[5] = lambda session, data, now, node=host.node: node.reply(
            session, data, GetAck(None), now
        )
    found, took = get(world, client, entry.id)
    assert (found.found, found.replicas) == (Found.FOUND, 1)
    assert took <= 0.160


def test_more_may_have_to_agree():
    world = network_of(8)
    client, entry = world.add_client(), world.owner().entry(b"a", b"", world.time())
    put(world, client, entry)
    for quorum in (1, 3, 5, 8, 30):
        found, _ = get(world, client, entry.id, quorum=quorum)
        assert found.replicas == min(quorum, 8)


def test_who_keeps_promises_is_asked_first_but_not_always():
    world = network_of(9)
    entry = world.owner().entry(b"a", b"", world.time())
    put(world, world.add_client(), entry)
    world.run(5)
    client = world.add_client()
    get(world, client, entry.id, quorum=0)
    near = [contact.id for contact in client.core.table.nearest(place_of(entry.id), REPLICAS)]
    trusted = set(near[5:7])
    for _ in range(30):
        for peer in trusted:
            client.core.trust.kept(peer, world.now)
    client.core.knows_all_until = world.now + 10**15
    results = [get(world, client, entry.id)[0] for _ in range(60)]
    asked = [{step.id for step in result.trace if step.trust} for result in results]
    assert 45 <= asked.count(trusted) < 60


def test_who_had_nothing_or_an_old_version_is_handed_the_newest():
    world = network_of(5)
    owner = world.owner()
    for host in world.nodes:
        host.node.puts.on_stored = lambda *_: None  # nobody announces anything
    old, new = (owner.entry(b"a", value, world.time()) for value in (b"old", b"new"))
    for entry, cut_off in ((old, 1), (new, 2)):
        world.links.partition([host.name for host in world.nodes[:cut_off]])
        put(world, world.add_client([world.nodes[4]]), entry, 2.0)
    world.links.heal()
    assert (len(holders(world, old)), len(holders(world, new))) == (1, 3)
    found, _ = get(world, world.add_client([world.nodes[4]]), new.id, quorum=0)
    assert (found.entry, found.answered) == (new, 5)
    world.run(0.1)
    assert len(holders(world, new)) == 5


def test_a_wide_search_is_made_before_absent_is_said_in_a_network_not_known_entirely():
    world = full_network(40)
    entry_id = world.owner().entry(b"never", b"", world.time()).id
    found, _ = get(world, world.add_client(), entry_id)
    assert found.found is Found.ABSENT
    assert {step.path for step in found.trace} == set(range(8))
    small = network_of(16)
    found, took = get(small, small.add_client(), entry_id)
    assert found.found is Found.ABSENT
    assert {step.path for step in found.trace} == {0}
    assert took < 0.3, "a few round trips of 20 ms"


def test_what_a_crowd_of_sybils_hides_is_found():
    """They stand nearest to the key, answer with each other, and hold nothing."""
    world = full_network(60)
    owner = world.owner()
    entry = owner.entry(b"a", b"value", world.time())
    place = place_of(entry.id)
    assert put(world, world.add_client(), entry)[0].has_quorum
    nearest = min(host.node.id ^ place for host in world.nodes)
    ring = Ring()
    for _ in range(30):
        identity = grind(world.rng, place, nearest)
        host = world.add_node([world.nodes[3]], identity=identity, make=member_of(ring))
        ring.join(identity, host.address)
    world.run(60)
    found = [get(world, world.add_client([world.nodes[i]]), entry.id)[0] for i in range(0, 60, 6)]
    assert [each.found for each in found] == [Found.FOUND] * 10
