"""What a node takes in from one peer, said by hand: nothing that was not checked."""

import pytest

from dave.drops import Drop
from dave.node.streams import StreamEnd
from dave.share_limits import (
    OFFERS_OPEN_MAX,
    SHARES_IDLE_SECONDS,
)
from dave.wire import shares as wire
from dave.wire.share_status import ShareStatus
from dave.wire.shares import Offer
from tests.node.sharing import (
    cut,
    hand,
    is_hung_up,
    maker_in,
    offers,
    script_of,
)

S = ShareStatus


@pytest.fixture
def scene():
    return hand()


def test_by_hand(scene):
    world, _client, node, script = scene
    record, shares = maker_in(world).stripe(3, 150_000)
    script.say(offers(record, 0, 1, 2))
    world.run(1)
    assert script.said(S.WANTED) == [0, 1, 2]
    script.say(wire.share_piece(1), *cut(shares[1]), wire.share_piece(0), *cut(shares[0]))
    world.run(1)
    assert script.said(S.STORED) == [1, 0]
    assert node.node.shares.index.stripe(record.stripe_id) == (record, 3)
    assert node.node.shares.room.used == 150_000


HOSTILE = {
    "no piece of offers": lambda r, s: [b"\7"],
    "no record": lambda r, s: [wire.offers_piece([wire.offer_bytes(Offer(1, 0, b"x" * 200))])],
    "a share beyond n": lambda r, s: [offers(r, 3)],
    "an offer twice": lambda r, s: [offers(r, 1), offers(r, 1)],
    "a share that was not offered": lambda r, s: [wire.share_piece(1)],
    "a share before it is wanted": lambda r, s: [offers(r, 0) + b"", wire.share_piece(0), b"x"],
    "too many offers": lambda r, s: [
        offers(r, *range(i * OFFERS_OPEN_MAX, (i + 1) * OFFERS_OPEN_MAX), number=0)
        for i in range(3)
    ],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_no_peer_may_say(scene, name):
    world, _client, node, script = scene
    record, shares = maker_in(world).stripe(3, 100_000)
    script.say(*HOSTILE[name](record, shares))
    world.run(2)
    assert node.dropped(Drop.SHARE_OFFERS) == 1
    assert is_hung_up(world, node)
    assert script.end is StreamEnd.BROKEN
    assert node.node.disk.shares == {}
    assert node.node.shares.room.used == 0


@pytest.mark.parametrize(
    "pieces",
    [
        lambda share: cut(bytes(len(share))),
        lambda share: [share[:1000]],
        lambda share: [share[:1], share[1:65_536], share[65_536:131_072], share[131_072:]],
        lambda share: [*cut(share)[:-1], cut(share)[-1] + b"x"],
        lambda share: [*cut(share), b"x"],
    ],
    ids=["other bytes", "too short a piece", "tiny", "too long", "more"],
)
def test_shares_that_are_not_what_was_named(scene, pieces):
    world, _client, node, script = scene
    record, shares = maker_in(world).stripe(2, 150_000)
    script.say(offers(record, 0, 1))
    world.run(1)
    script.say(wire.share_piece(0), *pieces(shares[0]))
    world.run(2)
    assert node.dropped(Drop.SHARE_OFFERS) == 1
    assert is_hung_up(world, node)
    assert set(node.node.disk.shares.values()) <= {shares[0]}
    assert node.node.shares.room.used == 0


def test_a_forged_record_ends_the_connection(scene):
    world, _client, node, script = scene
    record, _ = maker_in(world).stripe()
    forged = record.with_proofs(bytes(64), record.nonce)
    script.say(offers(record, 0), offers(forged, 1))
    world.run(2)
    assert node.dropped(Drop.FORGER) == 1
    assert is_hung_up(world, node)


def test_a_signature_is_checked_once(scene):
    world, _client, node, script = scene
    checked = []
    verify = node.node.shares.effects.verify
    node.node.shares.effects.verify = lambda *args: (checked.append(args), verify(*args))
    record, _ = maker_in(world).stripe(20, 1_000)
    script.say(offers(record, *range(10)))
    script.say(offers(record, *range(10, 20)))
    world.run(2)
    assert script.said(S.WANTED) == list(range(20))
    assert len(checked) == 1


def test_slow_senders_keep_their_room_while_nobody_else_wants_it(scene):
    world, _client, _node, script = scene
    record, shares = maker_in(world).stripe(2, 100_000)
    script.say(offers(record, 0))
    world.run(4 * SHARES_IDLE_SECONDS)
    script.say(wire.share_piece(0), *cut(shares[0]))
    world.run(1)
    assert script.said(S.STORED) == [0]


def test_a_second_offer_of_one_peer_takes_the_place_of_the_first(scene):
    world, client, node, script = scene
    again = script_of(client, node, b"another_")
    world.run(1)
    assert script.is_closed
    record, shares = maker_in(world).stripe(1, 10)
    again.say(offers(record, 0))
    world.run(1)
    again.say(wire.share_piece(0), shares[0])
    world.run(1)
    assert again.said(S.STORED) == [0]
    assert node.node.shares.takers == 1


def test_what_is_being_written_when_the_peer_leaves_is_kept(scene):
    world, client, node, script = scene
    node.node.disk.holds_back = True
    record, shares = maker_in(world).stripe(2, 100_000)
    script.say(offers(record, 0, 1))
    world.run(1)
    script.say(wire.share_piece(0), *cut(shares[0]))
    world.run(1)
    world.pipes.cut(client)
    world.run(1)
    assert node.node.shares.takers == 0
    assert node.node.shares.room.used == 100_000
    node.node.go_on()
    node.settle()
    assert node.node.shares.index.stripe(record.stripe_id) == (record, 1)
    assert node.node.shares.room.used == 0
