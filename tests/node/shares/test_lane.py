"""The way of shares to one node: what breaks is taken up again, and nobody waits for ever."""

from dave.bulk_limits import STREAM_SECONDS_MAX
from dave.drops import Drop
from dave.names import SECOND
from dave.share_limits import OFFER_IDLE_SECONDS, OFFERS_OPEN_MAX
from dave.wire import shares as wire
from dave.wire.share_status import ShareStatus
from dave.wire.shares import Verdict
from dave.wire.stream_kind import StreamKind
from tests.node.sharing import maker_in, put, put_all, share_network, statuses
from tests.node.streaming import ListSource, peer_of


def test_connections_that_break_cost_what_was_on_its_way_only():
    world, client = share_network(1)
    (node,) = world.nodes
    maker = maker_in(world)
    made = [maker.stripe(4, 262_144) for _ in range(10)]
    told = put_all(client, node, made)
    cuts = 0
    for _ in range(100):
        world.run(0.4)
        if len(statuses(told)) < 40:
            cuts += world.pipes.cut(client)
    world.run(10)
    assert statuses(told) == [s for s in statuses(told) if s in ("STORED", "HELD")]
    assert len(statuses(told)) == 40
    assert cuts > 3
    assert len(node.node.disk.shares) == 40
    assert node.node.disk.writes == 40


def test_streams_that_end_by_their_age_are_opened_again():
    world, client = share_network(1)
    (node,) = world.nodes
    maker, told = maker_in(world), []
    for _ in range(3 * STREAM_SECONDS_MAX // 8):
        told += put_all(client, node, [maker.stripe(1, 1_000)])
        world.run(8)
    assert statuses(told) == ["STORED"] * len(told)
    assert node.node.shares.takers == 1


def test_a_lane_with_nothing_to_offer_ends_and_comes_again():
    world, client = share_network(1)
    (node,) = world.nodes
    maker = maker_in(world)
    for _ in range(2):
        told = put_all(client, node, [maker.stripe()])
        world.run(5)
        assert statuses(told) == ["STORED"] * 3
        assert node.node.shares.takers == 1
        world.run(2 * OFFER_IDLE_SECONDS)
        assert node.node.shares.takers == 0
        assert (client.core.uploads._lanes, client.core.uploads._talks) == ({}, {})


def test_who_is_asked_for_nothing_tells_so_in_time():
    world, client = share_network(1)
    (node,) = world.nodes
    node.node.disk.holds_back = True
    record, shares = maker_in(world).stripe()
    told = put(client, node, record, 0, shares[0], seconds=20)
    patient = put(client, node, record, 1, shares[1], seconds=200)
    world.run(25)
    assert (statuses([told]), statuses([patient])) == (["TIMED_OUT"], [])
    node.node.go_on()
    node.settle()
    world.run(1)
    assert statuses([patient]) == ["STORED"]


def test_all_that_nobody_waits_for_is_let_go():
    world, client = share_network(1)
    (node,) = world.nodes
    node.node.disk.holds_back = True
    told = put_all(client, node, [maker_in(world).stripe()], seconds=5)
    world.run(10)
    assert statuses(told) == ["TIMED_OUT"] * 3
    assert client.core.uploads._lanes == {}
    node.node.go_on()
    node.settle()
    world.run(1)
    assert node.node.shares.room.used == 0
    assert len(node.node.shares.index) == 3, "what has come is kept all the same"


def lying_node(verdicts):
    """A node whose answer to OFFER is these pieces."""
    world, client = share_network(1)
    (node,) = world.nodes
    streams = node.core.streams
    made = []

    def answer(asker, request, now):
        made.append(ListSource(verdicts))
        return made[-1]

    streams._handlers[StreamKind.OFFER] = answer
    return world, client, node


def test_verdicts_that_cannot_be():
    for pieces in (
        [b"x"],
        [wire.verdicts_piece([Verdict(7, ShareStatus.STORED)])],
        [wire.verdicts_piece([Verdict(0, ShareStatus.WANTED)])],
    ):
        world, client, node = lying_node(pieces)
        told = put_all(client, node, [maker_in(world).stripe()])
        world.run(20)
        assert statuses(told) == ["NO_ANSWER"] * 3
        assert client.dropped(Drop.SHARE_VERDICTS) == 1
        assert client.core.uploads._lanes == {}


def test_the_deadline_of_what_was_never_offered():
    world, client = share_network(1)
    (node,) = world.nodes
    node.node.disk.holds_back = True
    maker = maker_in(world)
    told = put_all(client, node, [maker.stripe(1, 9) for _ in range(2 * OFFERS_OPEN_MAX)], 9)
    world.run(12)
    assert statuses(told) == ["TIMED_OUT"] * len(told)
    assert world.now < 1_000_000 * SECOND


def test_more_than_the_window_goes_in_turn():
    world, client = share_network(1)
    maker = maker_in(world)
    count = 3 * OFFERS_OPEN_MAX
    told = put_all(client, world.nodes[0], [maker.stripe(1, 30_000) for _ in range(count)])
    world.run(20)
    assert statuses(told) == ["STORED"] * count


def test_who_is_told_of_the_end_may_offer_more():
    world, client = share_network(1)
    (node,) = world.nodes
    node.node.disk.holds_back = True
    record, shares = maker_in(world).stripe(2, 1_000)
    told, peer = [], peer_of(node)

    def again(outcome, now):
        told.append(outcome.status.name)
        if len(told) < 3:
            client.core.uploads.put(peer, record, 0, shares[0], again, now, now + 5 * SECOND)

    client.core.uploads.put(peer, record, 0, shares[0], again, world.now, world.now + 5 * SECOND)
    client.settle()
    world.run(20)
    assert told == ["TIMED_OUT"] * 3
    world.kill(node)
    told.clear()
    client.core.uploads.put(peer, record, 0, shares[0], again, world.now, world.now + 5 * SECOND)
    client.settle()
    world.run(30)
    assert len(told) == 3
    assert client.core.uploads._lanes == {}


def test_who_has_nothing_to_offer_gives_its_connection_up_to_others(monkeypatch):
    monkeypatch.setattr("dave.node.bulk.LINKS_DIALLED_MAX", 2)
    world, client = share_network(6)
    maker, told = maker_in(world), []
    for node in world.nodes * 2:
        told += put_all(client, node, [maker.stripe()])
        world.run(1)
        assert client.core.streams.links <= 2
    assert statuses(told) == ["STORED"] * 36


def test_a_node_with_too_many_connections_ends_one_that_rests(monkeypatch):
    monkeypatch.setattr("dave.node.bulk.LINKS_ACCEPTED_MAX", 2)
    world, _ = share_network(1)
    (node,) = world.nodes
    maker, told = maker_in(world), []
    for _ in range(4):
        told += put_all(world.add_client(), node, [maker.stripe()])
        world.run(1)
        assert node.core.streams.links <= 2
    assert statuses(told) == ["STORED"] * 12
    node.node.disk.holds_back = True
    busy = [put_all(world.add_client(), node, [maker.stripe()]) for _ in range(2)]
    world.run(1)
    refused = put_all(world.add_client(), node, [maker.stripe()])
    world.run(5)
    assert statuses(refused) == ["NO_ANSWER"] * 3
    node.node.go_on()
    node.settle()
    world.run(1)
    assert [statuses(each) for each in busy] == [["STORED"] * 3] * 2


def test_a_share_that_is_not_at_hand_holds_nothing_up():
    world, client = share_network(1)
    (node,) = world.nodes
    record, shares = maker_in(world).stripe(4)
    told = [
        put(client, node, record, i, share if i % 2 else None) for i, share in enumerate(shares)
    ]
    world.run(5)
    first, second, third, fourth = statuses(told)
    assert first == third == "WANTED"
    assert {second, fourth} <= {"STORED", "HELD"}, "taken in once, whether or not that was told"
    assert node.node.shares.room.used == 0
    again = put(client, node, record, 1, None)
    world.run(5)
    assert statuses([again]) == ["HELD"]
