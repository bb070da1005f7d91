"""What a node does with shares: nothing that was not checked, nothing without bound, and it says
what became of each."""

import pytest

from dave.crypto.network import network
from dave.drops import Drop
from dave.names import SECOND
from dave.node.streams import StreamEnd
from dave.share_limits import SHARE_CLOCK_SECONDS, SHARES_IDLE_SECONDS
from dave.wire import shares as wire
from dave.wire.share_status import ShareStatus
from dave.wire.stripe import StripeRecord
from tests.node.sharing import (
    Told,
    hand,
    maker_in,
    offers,
    put,
    put_all,
    share_network,
    statuses,
)
from tests.node.streaming import Collect, ask, peer_of

S = ShareStatus


@pytest.fixture
def scene():
    return hand()


def test_refusals_say_why():
    world, client = share_network(1, net=network("paid", node_work_bits=0))
    (node,) = world.nodes
    maker = maker_in(world)
    record, shares = maker.stripe(2, 100_000, ttl=100_000)
    unpaid = StripeRecord(record.data)
    while True:  # a nonce that does not pay
        unpaid = unpaid.with_proofs(unpaid.signature, client.core.rng.randbytes(8))
        if (
            node.node.shares.index.judge(unpaid, 0, node.core.unix_ms(world.now)).status
            is S.LOW_WORK
        ):
            break
    told = put(client, node, unpaid, 0, shares[0])
    good = put(client, node, record, 0, shares[0])
    world.run(5)
    assert statuses([told, good]) == ["LOW_WORK", "STORED"]
    assert told.told[0].detail == record.work
    short, _ = maker.stripe(1, 10, b"s" * 16, ttl=1)
    world.run(2)
    late = put(client, node, short, 0, bytes(10))
    world.run(5)
    assert statuses([late]) == ["EXPIRED"]


def test_full_and_released():
    world, client = share_network(1, capacity=1_000_000)
    (node,) = world.nodes
    maker = maker_in(world)
    told = put_all(client, node, [maker.stripe(6, 200_000)])
    world.run(5)
    assert sorted(statuses(told)) == ["FULL"] * 2 + ["STORED"] * 4
    count, now = Told(), world.now
    client.core.share_queries.release(peer_of(node), maker.release(), count, now)
    client.settle()
    world.run(2)
    assert count.told == [1]
    assert node.node.disk.shares == {}
    assert len(node.node.disk.released) == 1
    told = put_all(client, node, [maker.stripe(1, 200_000)])
    world.run(2)
    assert statuses(told) == ["RELEASED"]


def test_a_broken_disk_takes_nothing_for_a_while_and_then_again():
    world, client = share_network(1)
    (node,) = world.nodes
    maker = maker_in(world)
    node.node.disk.is_broken = True
    told = put_all(client, node, [maker.stripe(3)])
    world.run(3)
    assert statuses(told) == ["READ_ONLY"] * 3
    node.node.disk.is_broken = False
    world.run(12)
    told = put_all(client, node, [maker.stripe(3)])
    world.run(3)
    assert statuses(told) == ["STORED"] * 3


def test_takers_are_bounded_and_who_offers_nothing_makes_way(scene, monkeypatch):
    world, client, node, script = scene
    monkeypatch.setattr("dave.node.shares.service.SHARE_TAKERS_MAX", 2)
    maker = maker_in(world)
    busy, other, late = (world.add_client() for _ in range(3))
    node.node.disk.holds_back = True
    told = put_all(busy, node, [maker.stripe()])
    world.run(5)
    assert not script.is_closed
    told += put_all(other, node, [maker.stripe()])
    world.run(5)
    assert script.is_closed, "it had nothing to offer"
    refused = put_all(late, node, [maker.stripe()])
    world.run(5)
    assert statuses(refused) == ["NO_ANSWER"] * 3
    assert node.dropped(Drop.FULL) == 1
    node.node.go_on()
    node.settle()
    world.run(1)
    assert statuses(told) == ["STORED"] * 6
    assert client.core.streams.links == 1


def test_who_never_sends_what_is_wanted_makes_way_for_others(scene, monkeypatch):
    world, _client, node, script = scene
    monkeypatch.setattr("dave.node.shares.service.SHARE_TAKERS_MAX", 1)
    record, _ = maker_in(world).stripe(1)
    script.say(offers(record, 0))
    world.run(SHARES_IDLE_SECONDS + 2)
    assert not script.is_closed, "there is room in memory, and nobody else"
    told = put_all(world.add_client(), node, [maker_in(world, seed=2).stripe()])
    world.run(5)
    assert script.is_closed
    assert statuses(told) == ["STORED"] * 3


@pytest.mark.parametrize("kind", [16, 17, 18, 19, 20])
def test_requests_that_are_none(scene, kind):
    world, client, node, _script = scene
    for request in (bytes((kind,)), bytes((kind, 1, 2)), bytes((kind,)) * 1_000):
        sink = ask(client, node, Collect(), request)
        world.run(1)
        assert sink.ends == [StreamEnd.REFUSED]
    assert node.dropped(Drop.WIRE) == 3 or kind == 18


def test_a_release_of_what_is_not_here_costs_no_disk(scene):
    world, client, node, _script = scene
    maker, count = maker_in(world), Told()
    client.core.share_queries.release(peer_of(node), maker.release(), count, world.now)
    client.settle()
    world.run(2)
    assert count.told == [0]
    assert node.node.disk.released == []
    told = put_all(world.add_client(), node, [maker.stripe(1, 200_000)])
    world.run(2)
    assert statuses(told) == ["RELEASED"]


def test_a_forged_release(scene):
    world, client, node, script = scene
    maker = maker_in(world)
    record, shares = maker.stripe(1, 10)
    told = script.verdicts
    script.say(offers(record, 0))
    world.run(1)
    script.say(wire.share_piece(0), shares[0])
    world.run(1)
    forged = bytes(64) + maker.release().data[64:]
    sink = ask(client, node, Collect(), wire.release_request(forged))
    world.run(2)
    assert sink.ends == [StreamEnd.BROKEN]
    assert node.dropped(Drop.FORGER) == 1
    assert len(node.node.shares.index) == 1
    assert told


def test_which_shares_are_held(scene):
    world, _client, node, _script = scene
    maker = maker_in(world)
    other = world.add_client()
    (one, shares), (two, _) = maker.stripe(4, 100), maker.stripe(4, 100)
    put(other, node, one, 1, shares[1])
    put(other, node, one, 3, shares[3])
    world.run(2)
    told = Told()
    other.core.share_queries.held(
        peer_of(node), [two.stripe_id, one.stripe_id], told, world.now, world.now + 9 * SECOND
    )
    other.settle()
    world.run(2)
    assert told.told == [[None, (one, 0b1010)]]


def test_expired_shares_go(scene):
    world, _client, node, _script = scene
    maker = maker_in(world)
    other = world.add_client()
    told = put_all(other, node, [maker.stripe(2, 100, ttl=30)])
    world.run(5)
    assert statuses(told) == ["STORED"] * 2
    world.run(100)
    assert len(node.node.shares.index) == 2, "nobody has said what time it is"
    world.run(SHARE_CLOCK_SECONDS)
    assert (len(node.node.shares.index), node.node.disk.shares) == (0, {})


def test_a_clock_that_runs_far_ahead_costs_no_share():
    world, client = share_network(4)
    maker = maker_in(world)
    told = put_all(client, world.nodes[3], [maker.stripe(2, 100, ttl=86_400)])
    told += put_all(client, world.nodes[3], [maker.stripe(2, 100, ttl=60)])
    world.run(5)
    assert statuses(told) == ["STORED"] * 4
    wrong = world.nodes[3]
    wrong.core.wall_offset_ms += 365 * 86_400_000
    world.run(300)
    assert len(wrong.node.shares.index) == 2, "what has expired by the others' clocks is gone"
    wrong.core.wall_offset_ms -= 365 * 86_400_000
    world.run(300)
    assert len(wrong.node.shares.index) == 2
