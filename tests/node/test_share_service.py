"""What a node does with shares: nothing that was not checked, nothing without bound, and it says
what became of each."""

import pytest

from dave.crypto.network import network
from dave.drops import Drop
from dave.limits import PIECE_BYTES_MAX
from dave.names import SECOND
from dave.node.streams import StreamEnd, StreamKind
from dave.share_limits import (
    BLOCK_BYTES,
    OFFERS_OPEN_MAX,
    SHARE_TAKERS_MAX,
    SHARES_INCOMING_BYTES_MAX,
    SHARES_INCOMING_PER_PEER_MAX,
    SHARES_INCOMING_SECONDS,
)
from dave.wire import shares as wire
from dave.wire.share_status import ShareStatus
from dave.wire.shares import Offer
from dave.wire.stripe import StripeRecord
from tests.node.sharing import Maker, Told, put, put_all, share_network, statuses
from tests.node.streaming import Collect, ask, peer_of

S = ShareStatus


class Script:
    """A TAKE that says what the test wants said; wakes when there is more."""

    def __init__(self):
        self.pieces = []
        self.wake = lambda: None
        self.is_closed = False
        self.verdicts = []

    def say(self, *pieces):
        self.pieces += pieces
        self.wake()
        self.host.settle()

    def next_piece(self, now):
        return self.pieces.pop(0) if self.pieces else b""

    def close(self):
        self.is_closed = True

    def on_piece(self, data, now):
        self.verdicts += wire.read_verdicts_piece(data)
        self.stream.consumed(len(data))

    def on_end(self, end, now):
        self.end = end

    def said(self, status):
        return [verdict.seq for verdict in self.verdicts if verdict.status is status]


def script_of(client, node, token=b"tokenxyz"):
    """A client that offers by hand."""
    from dave.node.streams import LiveSource

    class Source(Script, LiveSource):
        pass

    script = Source()
    script.host = client
    if StreamKind.TAKE in client.core.streams._handlers:
        client.core.streams._handlers.pop(StreamKind.TAKE)
    client.core.streams.serve(StreamKind.TAKE, lambda *_: script)
    ask(client, node, script, wire.offer_request(token))
    return script


def offers(record, *seqs, number=None):
    return wire.offers_piece(
        wire.offer_bytes(Offer(seq, seq if number is None else number, record.data)) for seq in seqs
    )


def cut(share):
    return [share[i : i + PIECE_BYTES_MAX] for i in range(0, len(share), PIECE_BYTES_MAX)]


@pytest.fixture
def scene():
    world, client = share_network(1)
    node = world.nodes[0]
    script = script_of(client, node)
    world.run(1)
    return world, client, node, script


def is_hung_up(world, node):
    return node.core.streams.links == 0 and node.node.shares.takers == 0


def test_by_hand(scene):
    world, _client, node, script = scene
    record, shares = Maker(world).stripe(3, 200_000)
    script.say(offers(record, 0, 1, 2))
    world.run(1)
    assert script.said(S.WANTED) == [0, 1, 2]
    script.say(wire.share_piece(1), *cut(shares[1]), wire.share_piece(0), *cut(shares[0]))
    world.run(1)
    assert script.said(S.STORED) == [1, 0]
    assert node.node.shares.index.stripe(record.stripe_id) == (record, 3)
    assert node.node.shares.room.used == 200_000


def wrong_share(record, shares):
    return [offers(record, 0), wire.share_piece(0), *cut(bytes(len(shares[0])))]


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
    record, shares = Maker(world).stripe(3, 100_000)
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
    record, shares = Maker(world).stripe(2, 150_000)
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
    record, _ = Maker(world).stripe()
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
    record, _ = Maker(world).stripe(20, 1_000)
    script.say(offers(record, *range(10)))
    script.say(offers(record, *range(10, 20)))
    world.run(2)
    assert script.said(S.WANTED) == list(range(20))
    assert len(checked) == 1


def test_refusals_say_why():
    world, client = share_network(1, net=network("paid", node_work_bits=0))
    (node,) = world.nodes
    maker = Maker(world)
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
    maker = Maker(world)
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
    maker = Maker(world)
    node.node.disk.is_broken = True
    told = put_all(client, node, [maker.stripe(3)])
    world.run(3)
    assert statuses(told) == ["READ_ONLY"] * 3
    node.node.disk.is_broken = False
    world.run(12)
    told = put_all(client, node, [maker.stripe(3)])
    world.run(3)
    assert statuses(told) == ["STORED"] * 3


def test_room_is_bounded_for_one_and_in_all():
    world, client = share_network(1)
    (node,) = world.nodes
    maker, service = Maker(world), node.node.shares
    clients = [client, *(world.add_client() for _ in range(9))]
    scripts = [script_of(each, node) for each in clients]
    world.run(1)
    for script in scripts:
        made = [maker.stripe(20, BLOCK_BYTES) for _ in range(2)]
        for record, _ in made:
            start = len(script.pieces) * 20
            script.say(
                wire.offers_piece(
                    wire.offer_bytes(Offer(start + i, i, record.data)) for i in range(20)
                )
            )
    world.run(5)
    wanted = [len(script.said(S.WANTED)) * BLOCK_BYTES for script in scripts]
    assert sum(wanted) == service.room.used == SHARES_INCOMING_BYTES_MAX
    assert max(wanted) <= SHARES_INCOMING_PER_PEER_MAX
    world.run(SHARES_INCOMING_SECONDS + 10)
    assert service.room.used <= SHARES_INCOMING_BYTES_MAX
    assert node.dropped(Drop.FULL) >= 5, "who holds room without using it gives it up"


def test_slow_senders_keep_their_room_while_nobody_else_wants_it(scene):
    world, _client, _node, script = scene
    record, shares = Maker(world).stripe(2, 100_000)
    script.say(offers(record, 0))
    world.run(4 * SHARES_INCOMING_SECONDS)
    script.say(wire.share_piece(0), *cut(shares[0]))
    world.run(1)
    assert script.said(S.STORED) == [0]


def test_takers_are_bounded(scene):
    world, client, node, _script = scene
    service = node.node.shares
    for i in range(SHARE_TAKERS_MAX):
        service._takers[b"%032d" % i] = service._takers[client.core.identity.public_key]
    other = world.add_client()
    told = put_all(other, node, [Maker(world).stripe()])
    world.run(5)
    assert statuses(told) == ["NO_ANSWER"] * 3
    assert node.dropped(Drop.FULL) >= 1


def test_a_second_offer_of_one_peer_takes_the_place_of_the_first(scene):
    world, client, node, script = scene
    again = script_of(client, node, b"another_")
    world.run(1)
    assert script.is_closed
    record, shares = Maker(world).stripe(1, 10)
    again.say(offers(record, 0))
    world.run(1)
    again.say(wire.share_piece(0), shares[0])
    world.run(1)
    assert again.said(S.STORED) == [0]
    assert node.node.shares.takers == 1


def test_what_is_being_written_when_the_peer_leaves_is_kept(scene):
    world, client, node, script = scene
    node.node.disk.holds_back = True
    record, shares = Maker(world).stripe(2, 100_000)
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


@pytest.mark.parametrize("kind", [16, 17, 18, 19, 20])
def test_requests_that_are_none(scene, kind):
    world, client, node, _script = scene
    for request in (bytes((kind,)), bytes((kind, 1, 2)), bytes((kind,)) * 1_000):
        sink = ask(client, node, Collect(), request)
        world.run(1)
        assert sink.ends == [StreamEnd.REFUSED]
    assert node.dropped(Drop.WIRE) == 3 or kind == 18


def test_a_forged_release(scene):
    world, client, node, script = scene
    maker = Maker(world)
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
    maker = Maker(world)
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
    maker = Maker(world)
    other = world.add_client()
    told = put_all(other, node, [maker.stripe(2, 100, ttl=30)])
    world.run(5)
    assert statuses(told) == ["STORED"] * 2
    world.run(100)
    assert (len(node.node.shares.index), node.node.disk.shares) == (0, {})
