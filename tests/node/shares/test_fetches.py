"""Shares fetched from nodes: whole or not at all, each checked; who sends another one is found."""

import pytest

from dave.drops import Drop
from dave.names import SECOND
from dave.node.shares.fetches import FetchStatus
from dave.share_limits import BLOCK_BYTES, FETCH_STREAMS_PER_PEER
from dave.wire import shares as wire
from dave.wire.stream_kind import StreamKind
from tests.node.sharing import Told, fetch, maker_in, put_all, share_network, statuses
from tests.node.streaming import ListSource, peer_of


def stored(count=4, size=BLOCK_BYTES, stripes=1):
    """A network of one node that holds shares; {address: share}."""
    world, client = share_network(1)
    maker = maker_in(world)
    made = [maker.stripe(count, size) for _ in range(stripes)]
    told = put_all(client, world.nodes[0], made)
    world.run(30)
    assert statuses(told) == ["STORED"] * count * stripes
    held = {
        address: share
        for record, shares in made
        for address, share in zip(record.addresses, shares, strict=True)
    }
    return world, client, world.nodes[0], held


@pytest.mark.parametrize("size", [1, 65_535, 65_536, 65_537, 131_072, BLOCK_BYTES - 1, BLOCK_BYTES])
def test_what_was_put_comes_back(size):
    world, client, node, held = stored(2, size)
    got, ended = fetch(client, node, list(held))
    world.run(5)
    assert got == held
    assert ended == [FetchStatus.DONE]


def test_what_is_lacking_is_said():
    world, client, node, held = stored(2, 100)
    first, second = held
    got, ended = fetch(client, node, [b"x" * 32, first, b"y" * 32, second, b"z" * 32])
    world.run(5)
    assert got == {b"x" * 32: None, b"y" * 32: None, b"z" * 32: None, **held}
    assert ended == [FetchStatus.DONE]


def test_many_single_fetches_are_gathered():
    world, client, node, held = stored(20, 1_000, 5)
    opened = []
    serve = node.core.streams._handlers[StreamKind.FETCH]
    node.core.streams._handlers[StreamKind.FETCH] = lambda *a: (opened.append(a), serve(*a))[1]
    all_ = [fetch(client, node, [address]) for address in held]
    world.run(5)
    got = {address: share for each, _ in all_ for address, share in each.items()}
    assert got == held
    assert len(opened) < 20
    assert client.core.fetches._queues == {}


def test_a_share_that_cannot_be_read_is_lacking_and_the_others_come():
    world, client, node, held = stored(20, 100_000)
    addresses = list(held)
    for i in (0, 5, 19):
        node.node.disk.shares[addresses[i]] = b""
        held[addresses[i]] = None
    got, ended = fetch(client, node, addresses)
    world.run(5)
    assert got == held
    assert ended == [FetchStatus.DONE]


def test_a_corrupt_share_is_not_handed_on_and_trust_falls():
    world, client, node, held = stored(6, 100_000)
    addresses = list(held)
    for i in (1, 5):
        share = node.node.disk.shares[addresses[i]]
        node.node.disk.shares[addresses[i]] = share[:-1] + bytes((share[-1] ^ 1,))
        held[addresses[i]] = None
    client.core.trust.kept(node.node.id, world.now)
    got, ended = fetch(client, node, addresses)
    world.run(5)
    assert got == held
    assert ended == [FetchStatus.CORRUPT]
    assert client.dropped(Drop.SHARE_CORRUPT) == 2
    assert client.core.trust.evidence(node.node.id).broken > 1.9


def test_connections_that_break():
    world, client, node, held = stored(20, BLOCK_BYTES)
    got, ended = fetch(client, node, list(held))
    cuts = 0
    for _ in range(60):
        world.run(0.15)
        if not ended:
            cuts += world.pipes.cut(client)
    world.run(5)
    assert got == held
    assert ended == [FetchStatus.DONE]
    assert cuts > 3


def test_a_node_that_died():
    world, client, node, held = stored(4, BLOCK_BYTES)
    got, ended = fetch(client, node, list(held))
    world.run(0.05)
    world.kill(node)
    world.run(60)
    assert None in got.values()
    assert len(got) == 4
    assert ended == [FetchStatus.NO_ANSWER]
    assert client.core.fetches._queues == {}


def silent(world, node):
    """What it reads never comes."""
    node.node.disk.carry_out = lambda effect: ...


def test_the_deadline():
    world, client, node, held = stored(4, 100)
    silent(world, node)
    got, ended = fetch(client, node, list(held), seconds=3)
    late, later = fetch(client, node, list(held), seconds=50)
    world.run(5)
    assert list(got.values()) == [None] * 4
    assert ended == [FetchStatus.TIMED_OUT]
    assert later == []
    world.run(60)
    assert later == [FetchStatus.TIMED_OUT]
    assert client.core.fetches._queues == {}
    assert len(late) == 4


def test_a_fetch_that_was_cancelled_frees_its_stream():
    world, client, node, held = stored(4, 100)
    silent(world, node)
    told, now = Told(), world.now
    made = [
        client.core.fetches.fetch(peer_of(node), list(held), told, told, now)
        for _ in range(2 * FETCH_STREAMS_PER_PEER)
    ]
    client.settle()
    world.run(0.5)
    for each in made:
        each.cancel()
    world.run(3)
    assert told.told == []
    assert client.core.fetches._queues == {}
    assert client.core.streams._links[1].streams == 0


@pytest.mark.parametrize(
    "pieces",
    [
        [b"x"],
        [wire.sizes_piece([BLOCK_BYTES + 1])],
        [wire.sizes_piece([100]), b"s" * 101],
        [wire.sizes_piece([100]), b"s" * 99],
        [wire.sizes_piece([0]), b"s"],
        [wire.sizes_piece([100]), b"s" * 100, b"t"],
    ],
)
def test_answers_that_cannot_be(pieces):
    world, client, node, held = stored(1, 100)
    node.core.streams._handlers[StreamKind.FETCH] = lambda *_: ListSource(pieces)
    got, ended = fetch(client, node, list(held))
    world.run(5)
    assert list(got.values()) == [None]
    assert ended in ([FetchStatus.CORRUPT], [FetchStatus.DONE])
    assert client.dropped(Drop.SHARE_CORRUPT) in (1, 2)
    assert world.now < 10_000 * SECOND


def test_who_ends_each_stream_at_once_is_not_asked_for_ever():
    world, client, node, held = stored(20, 100)
    asked = []

    def answer(*args):
        asked.append(args)
        return ListSource([])

    node.core.streams._handlers[StreamKind.FETCH] = answer
    got, ended = fetch(client, node, list(held))
    world.run(60)
    assert len(got) == 20
    assert ended
    assert len(asked) <= 40
