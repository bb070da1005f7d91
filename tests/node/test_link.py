"""What a member of the network can do that means harm: little, and on its own connection only."""

from random import Random

import pytest

from dave.bulk_limits import (
    BULK_DATA_BYTES_MAX,
    LINK_QUEUE_MAX,
    LINK_SILENT_SECONDS,
    LINK_SLICE_BYTES,
    LINK_SLICE_FRAMES,
    STREAM_CREDIT_MAX,
    STREAM_SECONDS_MAX,
    STREAM_WINDOW_BYTES,
    STREAMS_PER_PEER_MAX,
    STREAMS_SERVED_MAX,
)
from dave.crypto.hashes import piece_checksum
from dave.crypto.identity import client_identity
from dave.drops import Drop
from dave.limits import PIECE_BYTES_MAX
from dave.node.streams import LiveSource, StreamEnd
from dave.session import channel
from dave.wire import bulk
from tests.node.networks import network_of
from tests.node.streaming import KIND, Collect, ListSource, ask, pieces, serve

ASK = bytes((KIND,))


class Raw:
    """A client of its own making, connected to a node; `pull` reads what the node sends."""

    def __init__(self, world, node, seed=1, host="10.9.9.9"):
        self.world, self.node = world, node
        core = node.core
        identity = client_identity(Random(seed).randbytes(32))
        self.end = channel.dial(
            identity, core.network, Random(seed), core.identity.public_key, core.identity.id,
            is_node=False,
        )  # fmt: skip
        self.number = core.streams.accepted((host, seed), world.now)
        self.send_bytes(self.end.handshake)
        self.end.receive(core.streams.pull(self.number, world.now))

    def send_bytes(self, data):
        self.node.core.streams.received(self.number, data, self.world.now)
        self.node.settle()

    def send(self, *frames):
        for frame in frames:
            self.send_bytes(self.end.seal(frame.encode()))

    def pull(self):
        """One slice."""
        data = self.node.core.streams.pull(self.number, self.world.now)
        return [bulk.decode(frame) for frame in self.end.receive(data)]

    def pull_all(self):
        got = []
        while slice_ := self.pull():
            got += slice_
        return got

    @property
    def is_open(self):
        return self.number in self.node.core.streams._links


@pytest.fixture
def world():
    return network_of(1)


@pytest.fixture
def node(world):
    return world.nodes[0]


def test_a_stream_by_hand(world, node):
    made = serve(node, lambda *_: ListSource([b"one", b"two"]))
    raw = Raw(world, node)
    raw.send(bulk.Open(1, 100, ASK))
    assert raw.pull_all() == [
        bulk.Piece(1, 3, piece_checksum(b"one"), b"one"),
        bulk.Piece(1, 3, piece_checksum(b"two"), b"two"),
        bulk.End(1, StreamEnd.DONE),
    ]
    assert made[0].closed == 1


def test_a_slice_is_bounded_and_streams_take_turns(world, node):
    serve(node, lambda *_: ListSource(pieces(50, PIECE_BYTES_MAX)))
    raw = Raw(world, node)
    raw.send(bulk.Open(1, STREAM_CREDIT_MAX, ASK), bulk.Open(2, STREAM_CREDIT_MAX, ASK))
    frames = raw.pull()
    assert [frame.stream for frame in frames] == [1, 2] * (len(frames) // 2)
    sizes = [len(frame.data) for frame in frames]
    assert sum(sizes) + 100 * len(sizes) >= LINK_SLICE_BYTES
    assert sum(sizes) < LINK_SLICE_BYTES + BULK_DATA_BYTES_MAX


def test_a_source_of_tiny_pieces_does_not_make_a_slice_long(world, node):
    made = serve(node, lambda *_: ListSource([b"x"] * 10_000))
    raw = Raw(world, node)
    raw.send(bulk.Open(1, STREAM_CREDIT_MAX, ASK))
    raw.pull()
    assert made[0].taken <= LINK_SLICE_FRAMES
    taken = made[0].taken
    raw.pull()
    assert taken < made[0].taken <= 2 * LINK_SLICE_FRAMES


def test_sources_without_credit_do_not_make_a_slice_long_and_all_have_their_turn(world, node):
    """Each stream is asked for its next piece once it has sent all that its window allows."""
    made = serve(node, lambda *_: ListSource([b"x", b"y"]))
    raw, count = Raw(world, node), 5 * LINK_SLICE_FRAMES
    raw.send(*(bulk.Open(number, 1, ASK) for number in range(1, count + 1)))
    taken, got = 0, []
    while slice_ := raw.pull():
        got += slice_
        before, taken = taken, sum(source.taken for source in made)
        assert taken - before <= LINK_SLICE_FRAMES
    assert sum(source.taken for source in made) == 2 * count
    assert sum(isinstance(frame, bulk.Piece) for frame in got) == count


def test_who_reads_nothing_makes_the_node_hold_a_piece_and_no_more(world, node):
    made = serve(node, lambda *_: ListSource(pieces(50, PIECE_BYTES_MAX)))
    raw = Raw(world, node)
    raw.send(bulk.Open(1, STREAM_CREDIT_MAX, ASK))
    for _ in range(100):
        raw.send(bulk.Keep())
    assert made[0].taken == 0, "nothing is made before there is room to send it"
    raw.pull()
    assert made[0].taken <= LINK_SLICE_BYTES // PIECE_BYTES_MAX + 1


def test_who_asks_much_and_reads_nothing_is_hung_up_on(world, node):
    raw = Raw(world, node)
    for number in range(LINK_QUEUE_MAX + 1):
        assert raw.is_open
        raw.send(bulk.Open(number, 1, ASK))
    assert not raw.is_open
    assert node.dropped(Drop.BULK_FRAME) == 1


def test_who_takes_nothing_for_long_is_hung_up_on(world, node):
    made = serve(node, lambda *_: ListSource(pieces(5)))
    raw = Raw(world, node)
    raw.send(bulk.Open(1, STREAM_CREDIT_MAX, ASK))
    for _ in range(LINK_SILENT_SECONDS // 5 + 3):
        assert raw.is_open
        raw.send(bulk.Keep())
        world.run(5)
        if not raw.is_open:
            break
    assert not raw.is_open
    assert [source.closed for source in made] == [1]


def test_who_connects_is_told_nothing_that_it_did_not_ask_for(world, node):
    raw = Raw(world, node)
    raw.send(bulk.Keep(), bulk.Credit(9, 1), bulk.End(9, 0), bulk.Cancel(9))
    assert raw.pull_all() == []
    assert raw.is_open, "what is late for a stream that has ended does no harm"


BAD = {
    "no frame": [b"\x63"],
    "an empty piece of nobody": [bulk.More(1, b"x").encode()],
    "a stream opened twice": [bulk.Open(1, 9, ASK).encode()] * 2,
    "credit without end": [
        bulk.Open(1, STREAM_CREDIT_MAX, ASK).encode(),
        bulk.Credit(1, 1).encode(),
    ],
}


@pytest.mark.parametrize("frames", BAD.values(), ids=BAD)
def test_what_no_peer_may_send_ends_its_connection(world, node, frames):
    made = serve(node, lambda *_: ListSource(pieces(5)))
    raw, other = Raw(world, node), Raw(world, node, seed=2)
    other.send(bulk.Open(1, STREAM_CREDIT_MAX, ASK))
    for frame in frames:
        raw.send_bytes(raw.end.seal(frame))
    assert not raw.is_open
    assert node.dropped(Drop.BULK_FRAME) == 1
    assert all(source.closed for source in made[1:])
    assert other.pull_all()[-1] == bulk.End(1, StreamEnd.DONE)


@pytest.mark.parametrize("seed", range(10))
def test_a_damaged_or_replayed_record_ends_the_connection(world, node, seed):
    raw = Raw(world, node)
    record = raw.end.seal(bulk.Keep().encode())
    raw.send_bytes(record)
    if seed:
        bad = bytearray(raw.end.seal(bulk.Keep().encode()))
        bad[Random(seed).randrange(2, len(bad))] ^= 1
        record = bytes(bad)
    raw.send_bytes(record)
    assert not raw.is_open
    assert node.core.streams.links == 0


def greedy(world, node, seed, host="10.9.9.9", count=STREAMS_SERVED_MAX):
    """A peer that opens all the streams it can; how many it got."""
    raw = Raw(world, node, seed, host)
    for start in range(1, count + 1, 32):
        raw.send(*(bulk.Open(number, 1, ASK) for number in range(start, start + 32)))
        if bulk.End(start + 31, StreamEnd.BUSY) in raw.pull_all():
            break
    served = node.core.streams._links[raw.number].streams
    return raw, served


def test_one_peer_is_answered_a_quarter_of_all_streams(world, node):
    serve(node, lambda *_: ListSource(pieces(2)))
    raw, served = greedy(world, node, 1)
    assert served == STREAMS_PER_PEER_MAX
    again, more = greedy(world, node, 1)
    assert (again.is_open, raw.is_open, more) == (True, True, 0), "whatever its connections"
    raw.send(bulk.Cancel(1))
    again.send(bulk.Open(9999, 1, ASK))
    assert bulk.End(9999, StreamEnd.BUSY) not in again.pull_all(), "what was released is free"


def test_many_who_want_all_come_to_have_alike_and_a_newcomer_gets_one(world, node):
    made = serve(node, lambda *_: ListSource(pieces(2)))
    raws = [greedy(world, node, seed)[0] for seed in range(1, 21)]
    got = [node.core.streams._links[raw.number].streams for raw in raws]
    assert sum(got) == STREAMS_SERVED_MAX
    assert max(got) - min(got) <= 1
    late = Raw(world, node, 99)
    late.send(bulk.Open(1, 1, ASK))
    assert isinstance(late.pull()[0], bulk.Piece)
    assert sum(not source.closed for source in made) == STREAMS_SERVED_MAX
    ended = [f for raw in raws for f in raw.pull_all() if f == bulk.End(f.stream, StreamEnd.BUSY)]
    assert len(ended) > 1, "who gave way was told"
    served = node.core.streams._served_by
    for raw in (*raws, late):
        node.core.streams.closed(raw.number, world.now)
    assert (node.core.streams._served, served) == (0, {})


def test_keys_of_one_public_subnet_are_answered_as_one(world, node):
    serve(node, lambda *_: ListSource(pieces(2)))
    got = [greedy(world, node, seed, f"20.1.1.{seed}")[1] for seed in range(1, 4)]
    assert got == [STREAMS_PER_PEER_MAX, 0, 0]
    assert greedy(world, node, 9, "20.1.2.9")[1] > 16


def test_stray_pieces_are_bounded_by_what_was_cancelled(world, node):
    """We asked, cancelled, and the other side sends on for ever."""
    world.add_node()
    world.run(5)
    a, b = world.nodes
    serve(b, lambda *_: ListSource(pieces(9)))
    sink = ask(a, b, Collect(eager=False))
    world.run(0.03)
    sink.stream.cancel()
    link = next(iter(a.core.streams._links.values()))
    part = bulk.More(1, bytes(BULK_DATA_BYTES_MAX))
    for _ in range(STREAM_WINDOW_BYTES // BULK_DATA_BYTES_MAX - 20):
        link._on_frame(part, world.now)
    their = next(iter(b.core.streams._links.values()))
    for _ in range(40):
        their.send(part.encode())
    b.settle()
    world.run(1)
    assert a.dropped(Drop.BULK_FRAME) == 1
    assert a.core.streams.links == 0


def test_a_stream_may_be_opened_and_cancelled_by_a_sink_that_is_called(world, node):
    world.add_node()
    world.run(5)
    a, b = world.nodes
    serve(b, lambda *_: ListSource(pieces(3)))
    second = Collect()

    class Chain(Collect):
        def on_piece(self, data, now):
            super().on_piece(data, now)
            self.stream.cancel()
            ask(a, b, second)

    first = ask(a, b, Chain())
    world.run(2)
    assert (len(first.pieces), first.ends) == (1, [])
    assert second.is_done


class Live(LiveSource):
    """Says what it is told to say, when it is told."""

    def __init__(self):
        super().__init__()
        self.pieces, self.closed = [], 0

    def say(self, *pieces):
        self.pieces += pieces
        self.wake()

    def next_piece(self, now):
        return self.pieces.pop(0) if self.pieces else b""

    def close(self):
        self.closed += 1


def test_a_source_that_waits_is_asked_again_once_it_wakes(world, node):
    (live,) = made = [Live()]
    serve(node, lambda *_: live)
    raw = Raw(world, node)
    raw.send(bulk.Open(1, 7, ASK))
    assert raw.pull_all() == []
    live.say(b"one", b"two", b"three")
    said = [frame.data for frame in raw.pull_all()]
    assert said == [b"one", b"two", b"t"], "up to the window"
    live.wake()
    assert raw.pull_all() == [], "to wake is no credit"
    raw.send(bulk.Credit(1, 100))
    assert [frame.data for frame in raw.pull_all()] == [b"hree"]
    live.say(memoryview(b"view"))
    assert [frame.data for frame in raw.pull_all()] == [b"view"]
    live.say(None)
    assert raw.pull_all() == [bulk.End(1, StreamEnd.DONE)]
    live.wake()
    assert (raw.pull_all(), made[0].closed) == ([], 1)


def test_to_wait_is_no_stall_but_ends_with_age(world):
    world = network_of(2)
    a, b = world.nodes
    live = Live()
    serve(b, lambda *_: live)
    sink = ask(a, b, Collect())
    world.run(STREAM_SECONDS_MAX - 20)
    live.say(b"late")
    b.settle()
    world.run(5)
    assert (sink.pieces, sink.ends) == ([b"late"], [])
    world.run(30)
    assert (sink.ends, live.closed) == ([StreamEnd.BROKEN], 1)
