"""Lookups find the true nearest nodes, and nobody dead, slow or lying holds them up for long."""

import pytest

from dave.crypto.identity import node_identity
from dave.limits import LOOKUP_ASKED_MAX, REPLICAS
from dave.limits import LOOKUP_CANDIDATES_MAX as CANDIDATES_MAX
from dave.names import SECOND
from dave.node.candidate import State
from dave.node.lookup import Lookup
from dave.node.requests import Peer
from dave.session.session import FailReason
from dave.testing.links import Link
from dave.testing.world import World
from dave.wire.messages import Find, FindAck, WireContact
from tests.node.networks import full_network

STEADY = Link(delay_ms=10, jitter_ms=0)


def look_up(world, host, place, peers=None, **options):
    """A lookup by FIND that has ended, and how long that took in seconds."""
    ended = []
    lookup = Lookup(
        host.core, place, Find(place), lambda *_: False, lambda *_: ended.append(world.now),
        **options,
    )  # fmt: skip
    started = world.now
    lookup.start(host.core.peers_near(place) if peers is None else peers, started)
    host.settle()
    until = world.now + 30 * SECOND
    while not ended and world.clock.step(until):
        pass
    assert len(ended) == 1, "a lookup ends once"
    return lookup, (ended[0] - started) / SECOND


def nearest_ids(world, place, count=REPLICAS):
    ids = [host.node.id for host in world.nodes if host.is_up]
    return sorted(ids, key=lambda node_id: node_id ^ place)[:count]


def answered_ids(lookup, count=REPLICAS):
    return [candidate.peer.id for candidate in lookup.nearest(State.ANSWERED)][:count]


def network_of(nodes, seed=5, **options):
    world = World(seed, link=STEADY, **options)
    for _ in range(nodes):
        world.add_node()
    world.run(5)
    return world


@pytest.mark.parametrize("nodes", [1, 2, 9, 60])
@pytest.mark.parametrize("is_public", [False, True])
def test_the_nearest_nodes_are_found(nodes, is_public):
    world = network_of(nodes, is_public=is_public)
    for _ in range(5):
        place = world.rng.getrandbits(64)
        lookup, _ = look_up(world, world.add_client(), place)
        assert answered_ids(lookup) == nearest_ids(world, place)


def test_a_lookup_needs_neither_the_first_edge_nor_a_full_table():
    world = network_of(60, seed=6)
    world.kill(world.nodes[0])
    for edge in world.nodes[1:6]:
        place = world.rng.getrandbits(64)
        lookup, took = look_up(world, world.add_client([edge]), place)
        assert answered_ids(lookup) == nearest_ids(world, place)
        assert took < 2


def test_dead_peers_do_not_hold_a_lookup_up():
    world = network_of(12)
    client = world.add_client()
    look_up(world, client, 1)
    for host in world.nodes[8:]:
        world.kill(host)
    lookup, took = look_up(world, client, 1)
    assert answered_ids(lookup) == nearest_ids(world, 1)
    assert took < 2


def test_who_was_lost_is_asked_but_not_waited_for():
    world = network_of(12)
    client = world.add_client()
    look_up(world, client, 1)
    near = nearest_ids(world, 1, 4)
    known = client.core.peers_near(1, 12)
    for host in world.nodes:
        if host.node.id in near:
            world.kill(host)
    while any(client.core.table.get(node_id) for node_id in near):
        look_up(world, client, 1)
    lookup, took = look_up(world, client, 1, known)
    assert {c.peer.id for c in lookup.nearest(State.SLOW)} == set(near)
    assert answered_ids(lookup) == nearest_ids(world, 1)
    assert took < 0.2, "the patience with a stranger is longer"


def test_where_all_it_began_with_are_dead_it_goes_on_with_its_reserve():
    world = network_of(16)
    client = world.add_client()
    for place in range(0, 1 << 64, 1 << 60):
        look_up(world, client, place)
    assert len(client.core.table) == 16
    nearest = client.core.peers_near(1, REPLICAS)
    for host in world.nodes:
        if host.node.id in {peer.id for peer in nearest}:
            world.kill(host)
    lookup, took = look_up(
        world, client, 1, nearest,
        is_enough=lambda: True, reserve=lambda: client.core.peers_near(1, 16),
    )  # fmt: skip
    assert answered_ids(lookup) == nearest_ids(world, 1)
    assert took < 0.5


def test_most_peers_dead_is_found_out_within_seconds():
    world = network_of(8)
    for host in world.nodes[2:]:
        world.kill(host)
    lookup, took = look_up(world, world.add_client(), 1)
    assert sorted(answered_ids(lookup)) == sorted(host.node.id for host in world.nodes[:2])
    assert took < 2, "given up, long before their handshakes are"


def test_nobody_at_all():
    world = network_of(3)
    peers = [Peer(host.address) for host in world.nodes]
    for host in world.nodes:
        world.kill(host)
    lookup, took = look_up(world, world.add_client(), 1)
    assert [c.state for c in lookup.nearest(*State)] == [State.FAILED]
    assert took < 10
    lookup, took = look_up(world, world.add_client(), 1, peers)
    assert len(lookup.nearest(State.FAILED)) == 3
    lookup, took = look_up(world, world.add_client([]), 1)
    assert (len(lookup), took) == (0, 0)


def test_a_dead_edge_beside_a_live_one_costs_nothing():
    world = network_of(4)
    dead = world.nodes[3]
    client = world.add_client([dead, world.nodes[0]])
    world.kill(dead)
    lookup, took = look_up(world, client, 1)
    assert sorted(answered_ids(lookup)) == sorted(h.node.id for h in world.nodes[:3])
    assert took < 2


def liar_contacts(world, count, address=None):
    return tuple(
        WireContact(
            node_identity(world.rng.randbytes(32), bytes(8)).public_key,
            bytes(8),
            address or (f"10.200.{i}.1", 1424),
        )
        for i in range(count)
    )


def lie(host, contacts):
    """From now on the node answers every FIND with these."""

    def on_find(session, data, now):
        host.node.reply(session, data, FindAck(contacts), now)

    host.node.handlers[7] = on_find


def test_invented_contacts_do_not_hold_a_lookup_up():
    world = network_of(8)
    client = world.add_client()
    lie(world.nodes[3], liar_contacts(world, 20))
    lookup, took = look_up(world, client, 1)
    assert sorted(answered_ids(lookup)) == sorted(host.node.id for host in world.nodes)
    assert took < 4


def test_a_liar_cannot_talk_a_live_contact_out_of_the_table():
    """It names live nodes, each at many addresses where nobody is."""
    world = network_of(8)
    client = world.add_client()
    look_up(world, client, 1)
    known = sorted(contact.id for contact in client.core.table)
    assert len(known) == 8
    lie(
        world.nodes[0],
        tuple(
            WireContact(host.node.identity.public_key, bytes(8), (f"10.200.{i}.1", 1424))
            for i, host in enumerate(world.nodes[1:3] * 10)
        ),
    )
    for _ in range(3):
        look_up(world, client, 1)
        world.run(10)
    assert sorted(contact.id for contact in client.core.table) == known


def test_candidates_are_bounded_and_our_own_id_is_none_of_them():
    world = network_of(2)
    host = world.nodes[1]
    me = WireContact(host.node.identity.public_key, bytes(8), host.address)
    lie(world.nodes[0], (me, *liar_contacts(world, 19)))
    lookup, _ = look_up(world, host, 1)
    assert host.address not in [c.peer.address for c in lookup.nearest(*State)]
    assert len(lookup) == 20
    peers = [Peer((f"10.201.{i}.1", 1), bytes(32), bytes(8), i) for i in range(CANDIDATES_MAX + 9)]
    many = Lookup(host.core, 1, Find(1), lambda *_: False, lambda *_: None)
    for peer in peers:
        many._add(peer, 0)
    assert len(many) == CANDIDATES_MAX


def test_requests_that_fail_at_once_neither_recurse_nor_end_it_twice():
    """Where no room is left for requests, all candidates fail inside the call that asks them."""
    world = network_of(1)
    client = world.add_client([])
    client.core.requests._in_flight = {n.to_bytes(4, "big"): None for n in range(5000)}
    peers = [Peer((f"10.201.{i}.1", 1), bytes(32), bytes(8)) for i in range(CANDIDATES_MAX)]
    lookup, took = look_up(world, client, 1, peers)
    assert len(lookup.nearest(State.FAILED)) == CANDIDATES_MAX
    assert took == 0
    assert {step.outcome for step in lookup.trace} == {FailReason.FULL.name.lower()}


def test_on_reply_can_end_a_lookup_and_cancel_ends_it_in_silence():
    world = network_of(8)
    client = world.add_client()
    ended = []
    first = Lookup(client.core, 1, Find(1), lambda *_: True, lambda *_: ended.append("first"))
    silent = Lookup(client.core, 1, Find(1), lambda *_: True, lambda *_: ended.append("silent"))
    for lookup in (first, silent):
        lookup.start(client.core.peers_near(1), world.now)
    silent.cancel()
    client.settle()
    world.run(10)
    assert ended == ["first"]
    assert len(first.nearest(State.ANSWERED)) == 1


def test_a_node_told_at_many_addresses_is_one_candidate():
    client = World(1).add_client()
    lookup = Lookup(client.core, 0, Find(0), lambda *_: False, lambda *_: None)
    for port in range(1, 13):
        lookup._add(Peer(("10.0.0.1", port), bytes(32), bytes(8), 7), 1)
    assert [c.peer.address for c in lookup] == [("10.0.0.1", 1)]
    lookup.nearest(State.NEW)[0].state = State.FAILED
    lookup._add(Peer(("10.0.0.1", 1), bytes(32), bytes(8), 7), 1)
    assert len(lookup) == 1, "the address that failed is not tried again"
    lookup._add(Peer(("10.0.0.1", 2), bytes(32), bytes(8), 7), 1)
    assert len(lookup) == 2


def test_a_liar_at_an_honest_address_keeps_nobody_out():
    client = World(1).add_client()
    lookup = Lookup(client.core, 0, Find(0), lambda *_: False, lambda *_: None)
    lookup._add(Peer(("10.0.0.1", 1), b"l" * 32, bytes(8), 1), 1)
    lookup._add(Peer(("10.0.0.1", 1), b"h" * 32, bytes(8), 2), 1)
    assert [c.peer.id for c in lookup] == [1, 2]


def paths_of(world, host, place, count, **options):
    """A lookup along so many paths, all of which aim at the place itself."""
    return look_up(world, host, place, detours=[place] * (count - 1), **options)[0]


def test_disjoint_paths_find_the_nearest_and_share_nobody():
    world = full_network(60)
    for count in (2, 4, 8):
        place = world.rng.getrandbits(64)
        lookup = paths_of(world, world.nodes[9], place, count)
        assert answered_ids(lookup) == nearest_ids(world, place, REPLICAS + 1)[:REPLICAS] or (
            world.nodes[9].node.id in nearest_ids(world, place)
        )
        assert {step.path for step in lookup.trace} == set(range(count))
        asked = [step.id for step in lookup.trace]
        assert len(asked) == len(set(asked)), "nobody is asked by two paths"


def test_a_client_with_one_edge_has_disjoint_paths_beyond_it():
    world = full_network(60)
    place = world.rng.getrandbits(64)
    lookup = paths_of(world, world.add_client([world.nodes[30]]), place, 4)
    assert answered_ids(lookup) == nearest_ids(world, place)
    assert {step.path for step in lookup.trace if step.hop == 1} == {0, 1, 2, 3}


def test_one_path_of_liars_does_not_hide_what_the_others_find():
    world = full_network(60)
    asker, place = world.nodes[9], world.rng.getrandbits(64)
    first = asker.core.peers_near(place, 1)[0]
    liar = next(host for host in world.nodes if host.node.id == first.id)
    lie(liar, liar_contacts(world, 20))
    lookup = paths_of(world, asker, place, 8)
    assert set(answered_ids(lookup, 30)) >= set(nearest_ids(world, place)) - {asker.node.id}


def test_a_guide_is_asked_first_by_each_further_path():
    world = full_network(60)
    place = world.rng.getrandbits(64)
    guide = Peer(world.nodes[20].address, world.nodes[20].node.identity.public_key, bytes(8),
                 world.nodes[20].node.id)  # fmt: skip
    lookup, _ = look_up(world, world.nodes[9], place, detours=[place ^ 1, place ^ 2],
                        guides=[guide, guide])  # fmt: skip
    asked = [step.path for step in lookup.trace if step.id == guide.id and step.hop == 0]
    assert sorted(asked)[-2:] == [1, 2]


def test_a_dead_guide_is_waited_for_no_longer_than_others():
    world = full_network(30)
    place = world.rng.getrandbits(64)
    look_up(world, world.nodes[9], place)
    dead = world.nodes[20]
    guide = Peer(dead.address, dead.node.identity.public_key, bytes(8), dead.node.id)
    world.kill(dead)
    _, took = look_up(world, world.nodes[9], place, detours=[place], guides=[guide])
    assert took < 2


def test_no_more_are_asked_than_the_limit_says():
    world = network_of(3)
    client = world.add_client()
    look_up(world, client, 1)
    for host in world.nodes:
        lie(host, liar_contacts(world, 20))
    peers = [Peer((f"10.201.{i}.1", 1), bytes(32), bytes(8), i) for i in range(400)]
    lookup, _ = look_up(world, client, 1, peers)
    assert len(lookup.nearest(State.FAILED)) >= LOOKUP_ASKED_MAX
    sent = [step for step in lookup.trace if step.outcome not in ("full", "slow")]
    assert len(sent) <= LOOKUP_ASKED_MAX


def test_a_closed_lookup_asks_nobody_else():
    world = network_of(20)
    host = world.nodes[4]
    lookup, _ = look_up(world, host, 1, host.core.peers_near(1, 3), is_closed=True)
    assert len(lookup) == 3


def test_whether_all_were_told():
    for nodes, is_whole in ((12, True), (40, False)):
        world = full_network(nodes)
        assert look_up(world, world.add_client(), 1)[0].is_whole == is_whole


def test_what_several_paths_are_told_goes_to_the_one_that_aims_nearest():
    client = World(1).add_client()
    lookup = Lookup(
        client.core, 0, Find(0), lambda *_: False, lambda *_: None, detours=[1 << 60, 1 << 62]
    )

    def told(node_id, path):
        lookup._add(Peer(("10.0.0.1", node_id >> 55), bytes(32), bytes(8), node_id), 1, path)

    far, asked = 5 << 60, 6 << 60
    for path in (0, 1, 2, 1, 0):
        told(far, path)
        told(asked, path)
        lookup._by_id[asked].state = State.ANSWERED
    assert (lookup._by_id[far].path, lookup._by_id[asked].path) == (2, 0)
    assert [len(path.order) for path in lookup._paths] == [1, 0, 1]
    assert len(lookup) == 2
