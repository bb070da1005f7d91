"""The simulated TCP: in order, at a speed, across partitions; a run is a function of its seed."""

from random import Random

import pytest

from dave.bulk_limits import BULK_DATA_BYTES_MAX
from dave.limits import PIECE_BYTES_MAX
from dave.names import MS, SECOND
from dave.node.streams import StreamEnd
from dave.testing.bulk import BYTES_PER_SECOND
from dave.testing.links import Link, Links
from tests.node.networks import network_of
from tests.node.streaming import KIND, Collect, ListSource, ask, peer_of, pieces, serve

FRAMING_BYTES = 25 + 18 + (PIECE_BYTES_MAX // BULK_DATA_BYTES_MAX - 1) * (5 + 18)
CREDIT_BYTES = 9 + 18
"""Of a piece, and of the credit that goes back for every fourth."""
HANDSHAKES = 1024
"""Bytes of the handshake and the first small frames, more than enough."""


def test_a_connection_has_a_speed():
    world = network_of(2)
    a, b = world.nodes
    content = pieces(200, PIECE_BYTES_MAX)
    serve(b, lambda *_: ListSource(content))
    sink = ask(a, b, Collect())
    began = world.now
    while not sink.ends:
        assert world.clock.step(began + 60 * SECOND)
    took = (world.now - began) / SECOND
    ideal = sum(map(len, content)) / BYTES_PER_SECOND
    assert ideal < took < 1.3 * ideal
    assert world.pipes.carried == pytest.approx(sum(map(len, content)), rel=0.01)


def trace(seed, cut):
    world = network_of(3, seed=seed)
    a, b, _ = world.nodes
    serve(b, lambda *_: ListSource(pieces(50, PIECE_BYTES_MAX)))
    ask(a, b, Collect())
    world.run(0.2)
    if cut:
        world.pipes.cut(a)
    world.run(5)
    return world.trace_hash()


def test_a_run_is_a_function_of_its_seed_and_covers_what_is_carried():
    assert trace(5, cut=False) == trace(5, cut=False)
    assert len({trace(5, cut=False), trace(5, cut=True), trace(6, cut=False)}) == 3


def test_a_node_behind_nat_cannot_be_dialled_and_can_dial():
    world = network_of(1)
    hidden = world.add_node(is_natted=True)
    world.run(5)
    node = world.nodes[0]
    for host in (hidden, node):
        serve(host, lambda *_: ListSource([b"x"]))
    to_hidden = ask(node, hidden, Collect())
    world.run(20)
    assert to_hidden.ends == [StreamEnd.NO_ANSWER]
    out = ask(hidden, node, Collect())
    world.run(5)
    assert out.is_done


def test_a_delay_is_that_of_the_link():
    links = Links(Random(1), Link(delay_ms=7, jitter_ms=3))
    links.set_link("a", "b", Link(delay_ms=50))
    assert links.one_way("a", "b") == 50 * MS
    assert links.one_way("b", "a") == 7 * MS
    links.partition(["a"])
    assert links.is_cut("a", "b")
    assert not links.is_cut("b", "c")


class Puller:
    """Wants a file and keeps what it has, as a disk would; asks again wherever it is cut off."""

    def __init__(self, total):
        self.total = total
        self.have = []
        self.stream = None
        self.is_done = False

    def open(self, host, peer):
        self.host, self.peer = host, peer
        request = bytes((KIND,)) + len(self.have).to_bytes(4, "little")
        ask(host, peer, self, request)

    def on_piece(self, data, now):
        self.have.append(data)
        self.stream.consumed(len(data))

    def on_end(self, end, now):
        self.is_done = end is StreamEnd.DONE


def test_a_transfer_cut_at_a_hundred_points_with_both_sides_restarted():
    world = network_of(2)
    a, b = world.nodes
    content = pieces(2000, PIECE_BYTES_MAX)
    puller = Puller(len(content))
    rng = Random(8)

    def start():
        serve(b, lambda _, request: ListSource(content[int.from_bytes(request[1:], "little") :]))
        puller.open(a, peer)

    peer = peer_of(b)
    cuts = 0
    start()
    while cuts < 100:
        world.run(0.02 + 0.15 * rng.random())
        if rng.random() < 0.5:
            world.pipes.cut()
        for host in (a, b):
            world.kill(host)
            world.restart(host)
        cuts += 1
        world.run(0.05)
        start()
    world.run(30)
    assert puller.is_done
    assert puller.have == content
    beside = len(content) * (FRAMING_BYTES + CREDIT_BYTES // 4)
    again = world.pipes.carried - sum(map(len, content)) - beside
    assert 0 <= again <= cuts * (PIECE_BYTES_MAX + HANDSHAKES)
