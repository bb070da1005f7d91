"""Shares offered by clients and nodes: stored once, in any order, whatever breaks on the way."""

from dave.drops import Drop
from dave.wire import shares as wire
from tests.node.sharing import maker_in, put, put_all, share_network, statuses


def test_shares_are_stored_and_then_held():
    world, client = share_network(1)
    (node,) = world.nodes
    maker = maker_in(world)
    made = [maker.stripe(size) for size in (1, 3)] + [maker.stripe(2, 262_144), maker.stripe(2, 1)]
    told = put_all(client, node, made)
    world.run(5)
    assert statuses(told) == ["STORED"] * 8
    disk = node.node.disk
    for record, shares in made:
        assert [disk.shares[address] for address in record.addresses] == shares
        assert node.node.shares.index.stripe(record.stripe_id) == (record, 2**record.n - 1)
    again = put_all(client, node, made)
    world.run(5)
    assert statuses(again) == ["HELD"] * 8
    assert disk.writes == 8
    assert node.node.shares.room.used == 0


def test_another_upload_of_held_shares_sends_its_record_only():
    world, client = share_network(1)
    (node,) = world.nodes
    maker = maker_in(world)
    record, shares = maker.stripe()
    put_all(client, node, [(record, shares)])
    world.run(5)
    carried = world.pipes.carried
    other = maker.record(shares, b"q" * 16)
    told = put_all(client, node, [(other, shares)])
    world.run(5)
    assert statuses(told) == ["HELD"] * 3
    assert world.pipes.carried - carried < 5_000
    assert len(node.node.shares.index.records(record.stripe_id)) == 2


def test_a_node_offers_as_clients_do():
    world, _ = share_network(2)
    one, other = world.nodes
    record, shares = maker_in(world).stripe()
    told = [*put_all(one, other, [(record, shares)]), *put_all(other, one, [(record, shares)])]
    world.run(5)
    assert statuses(told) == ["STORED"] * 6
    assert world.pipes.made == 2, "both dialled at once"


def test_nobody_there():
    world, client = share_network(1)
    told = put_all(client, world.nodes[0], [maker_in(world).stripe()])
    world.kill(world.nodes[0])
    world.run(30)
    assert statuses(told) == ["NO_ANSWER"] * 3


def test_a_node_without_room_for_shares_answers_nobody():
    from tests.node.networks import network_of

    world = network_of(1)
    client = world.add_client()
    told = put_all(client, world.nodes[0], [maker_in(world).stripe()])
    world.run(5)
    assert statuses(told) == ["NO_ANSWER"] * 3


def test_an_upload_that_was_cancelled_is_not_told_of():
    world, client = share_network(1)
    record, shares = maker_in(world).stripe()
    told = []
    peer = put(client, world.nodes[0], record, 0, shares[0])
    now = world.now
    from tests.node.streaming import peer_of

    upload = client.core.uploads.put(
        peer_of(world.nodes[0]), record, 1, shares[1], lambda *args: told.append(args), now
    )
    upload.cancel()
    world.run(5)
    assert (statuses([peer]), told) == (["STORED"], [])


def test_only_who_was_told_the_token_may_take():
    world, client = share_network(2)
    one, other = world.nodes
    maker = maker_in(world)
    one.node.disk.holds_back = True
    put_all(client, one, [maker.stripe()])
    world.run(1)
    (token,) = client.core.uploads._talks
    key = other.node.identity.public_key
    assert client.core.uploads._take(key, wire.take_request(token), world.now) is None
    assert client.core.uploads._take(key, wire.take_request(bytes(8)), world.now) is None
    assert client.core.uploads._take(key, b"", world.now) is None
    assert client.dropped(Drop.SHARE_VERDICTS) == 3
