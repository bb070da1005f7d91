"""Streams between simulated nodes: what is asked arrives whole, once, within its window; a break is
told; what nobody may do ends the connection and nothing else."""

import pytest

from dave.bulk_limits import (
    LINK_IDLE_SECONDS,
    LINK_SILENT_SECONDS,
    STREAM_STALL_SECONDS,
    STREAM_WINDOW_BYTES,
    STREAMS_ASKED_MAX,
    STREAMS_PER_PEER_MAX,
)
from dave.drops import Drop
from dave.errors import UsageError
from dave.limits import PIECE_BYTES_MAX, STREAM_REQUEST_BYTES_MAX
from dave.node.requests import Peer
from dave.node.streams import StreamEnd
from tests.node.networks import network_of, two
from tests.node.streaming import KIND, Collect, ListSource, ask, peer_of, pieces, serve

END = StreamEnd


def test_pieces_arrive_whole_and_in_order():
    world, a, b = two()
    content = [b"x", *pieces(3), *pieces(2, PIECE_BYTES_MAX), b"end"]
    made = serve(b, lambda asker, request: ListSource(content))
    sink = ask(a, b, Collect())
    world.run(2)
    assert sink.pieces == content
    assert sink.is_done
    assert made[0].closed == 1


def test_the_handler_is_told_who_asks_and_what():
    world, a, b = two()
    seen = []
    serve(b, lambda *told: seen.append(told))
    sink = ask(a, b, Collect(), bytes((KIND,)) + b"from 7")
    world.run(1)
    assert seen == [(a.node.identity.public_key, bytes((KIND,)) + b"from 7")]
    assert sink.ends == [END.REFUSED]


def test_a_kind_that_nobody_serves_is_refused():
    world, a, b = two()
    sink = ask(a, b, Collect(), b"\xff")
    world.run(1)
    assert sink.ends == [END.REFUSED]


@pytest.mark.parametrize("size", [0, STREAM_REQUEST_BYTES_MAX + 1])
def test_a_request_has_its_size(size):
    _, a, b = two()
    with pytest.raises(UsageError):
        a.core.streams.open(peer_of(b), bytes(size), Collect(), a._clock.now)


def test_an_empty_source_is_done_at_once():
    world, a, b = two()
    serve(b, lambda *_: ListSource([]))
    sink = ask(a, b, Collect())
    world.run(1)
    assert (sink.pieces, sink.ends) == ([], [END.DONE])


def test_streams_share_one_connection_both_ways_and_take_turns():
    world, a, b = two()
    content = pieces(120, PIECE_BYTES_MAX)
    serve(a, lambda *_: ListSource(content[:3]))
    serve(b, lambda *_: ListSource(content))
    first = ask(a, b, Collect())
    world.run(0.3)
    others = [ask(a, b, Collect()) for _ in range(4)]
    back = ask(b, a, Collect())
    world.run(0.15)
    assert back.pieces
    assert all(sink.pieces for sink in others)
    assert not first.ends
    world.run(30)
    assert all(sink.pieces == content for sink in (first, *others))
    assert back.pieces == content[:3]
    assert world.pipes.made == 1


def test_who_does_not_consume_is_sent_a_window_and_no_more():
    world, a, b = two()
    content = pieces(100, PIECE_BYTES_MAX)
    made = serve(b, lambda *_: ListSource(content))
    sink = ask(a, b, Collect(eager=False))
    world.run(20)
    window = STREAM_WINDOW_BYTES // PIECE_BYTES_MAX
    assert sink.pieces == content[:window]
    assert made[0].taken == window + 1, "one piece is ready, no more"
    sink.stream.consumed(STREAM_WINDOW_BYTES)
    sink.eager = True
    a.settle()
    world.run(20)
    assert sink.pieces == content
    assert sink.is_done


def test_a_stalled_stream_does_not_hold_up_another():
    world, a, b = two()
    content = pieces(100, PIECE_BYTES_MAX)
    serve(b, lambda *_: ListSource(content))
    ask(a, b, Collect(eager=False))
    lively = ask(a, b, Collect())
    world.run(5)
    assert lively.is_done


def test_a_stream_that_is_stalled_for_long_is_ended():
    world, a, b = two()
    made = serve(b, lambda *_: ListSource(pieces(100)))
    sink = ask(a, b, Collect(eager=False))
    world.run(STREAM_STALL_SECONDS - 5)
    assert not sink.ends
    world.run(15)
    assert sink.ends == [END.BROKEN]
    assert made[0].closed == 1


def test_no_more_is_consumed_than_was_given():
    world, a, b = two()
    serve(b, lambda *_: ListSource([b"abc"]))
    sink = ask(a, b, Collect(eager=False))
    world.run(1)
    sink.stream.consumed(2)
    for count in (2, -1):
        with pytest.raises(UsageError):
            sink.stream.consumed(count)


def test_a_cancelled_stream_says_nothing_more():
    world, a, b = two()
    made = serve(b, lambda *_: ListSource(pieces(300)))
    sink = ask(a, b, Collect())
    world.run(0.2)
    had = len(sink.pieces)
    assert 0 < had < 300
    sink.stream.cancel()
    sink.stream.cancel()
    a.settle()
    again = ask(a, b, Collect())
    world.run(5)
    assert (len(sink.pieces), sink.ends) == (had, [])
    assert made[0].closed == 1
    assert again.is_done, "what was under way for the cancelled one does no harm"


def test_a_stream_cancelled_at_once_is_never_heard_of():
    world, a, b = two()
    made = serve(b, lambda *_: ListSource(pieces(3)))
    sink = ask(a, b, Collect())
    sink.stream.cancel()
    world.run(5)
    assert sink.pieces == sink.ends == []
    assert all(source.closed for source in made)


def test_more_streams_than_a_peer_may_have_are_told_busy():
    world, a, b = two()
    serve(b, lambda *_: ListSource(pieces(100)))
    sinks = [ask(a, b, Collect(eager=False)) for _ in range(STREAMS_PER_PEER_MAX + 3)]
    world.run(5)
    assert [sink.ends for sink in sinks].count([END.BUSY]) == 3
    assert b.dropped(Drop.BULK_FULL) == 3


def test_more_streams_than_we_may_ask_for_are_busy_without_asking():
    world, a, b = two()
    serve(b, lambda *_: None)
    sinks = [ask(a, b, Collect()) for _ in range(STREAMS_ASKED_MAX + 1)]
    assert sinks[-1].ends == [], "never from inside open"
    world.run(5)
    assert [sink.ends for sink in sinks] == [[END.REFUSED]] * STREAMS_ASKED_MAX + [[END.BUSY]]


def test_an_edge_of_unknown_key_is_asked_for_it_first():
    world = network_of(1)
    client = world.add_client()
    serve(world.nodes[0], lambda *_: ListSource([b"hello"]))
    sink = ask(client, Peer(world.nodes[0].address), Collect())
    world.run(2)
    assert sink.pieces == [b"hello"]
    assert sink.is_done


def test_streams_that_wait_for_the_key_of_one_peer_share_a_connection():
    world = network_of(1)
    client = world.add_client()
    serve(world.nodes[0], lambda *_: ListSource([b"hello"]))
    sinks = [ask(client, Peer(world.nodes[0].address), Collect()) for _ in range(5)]
    world.run(2)
    assert all(sink.is_done for sink in sinks)
    assert world.pipes.made == 1


def test_a_client_answers_nobody():
    world = network_of(1)
    client = world.add_client()
    assert client.core.streams.accepted(("10.0.0.9", 1), world.now) is None


def test_nobody_there_is_no_answer():
    world, a, b = two()
    peer = peer_of(b)
    world.kill(b)
    known, unknown = ask(a, peer, Collect()), ask(a, Peer(("10.77.0.1", 1)), Collect())
    world.run(30)
    assert known.ends == unknown.ends == [END.NO_ANSWER]


def test_another_node_at_the_address_is_no_answer():
    world, a, b = two()
    stranger = world.new_identity()
    sink = ask(a, Peer(b.address, stranger.public_key, stranger.nonce, stranger.id), Collect())
    world.run(30)
    assert sink.ends == [END.NO_ANSWER]


def test_a_broken_connection_is_told_and_the_next_stream_dials_anew():
    world, a, b = two()
    made = serve(b, lambda *_: ListSource(pieces(100, PIECE_BYTES_MAX)))
    sink = ask(a, b, Collect())
    world.run(0.3)
    assert world.pipes.cut() == 1
    world.run(0.1)
    assert sink.ends == [END.BROKEN]
    assert made[0].closed == 1
    again = ask(a, b, Collect())
    world.run(5)
    assert again.is_done


def test_the_death_of_either_side_is_told():
    world, a, b = two()
    made = serve(b, lambda *_: ListSource(pieces(100, PIECE_BYTES_MAX)))
    sink = ask(a, b, Collect())
    world.run(0.3)
    world.kill(b)
    world.run(0.1)
    assert sink.ends == [END.BROKEN]
    world.restart(b)
    world.run(5)
    made = serve(b, lambda *_: ListSource(pieces(100, PIECE_BYTES_MAX)))
    ask(a, b, Collect())
    world.run(0.3)
    world.kill(a)
    world.run(0.1)
    assert [source.closed for source in made] == [1]
    assert b.core.streams.links == 0


def test_a_short_partition_only_delays_and_a_long_one_breaks():
    world, a, b = two()
    content = pieces(100, PIECE_BYTES_MAX)
    serve(b, lambda *_: ListSource(content))
    sink = ask(a, b, Collect())
    world.run(0.3)
    world.links.partition([a.name])
    world.run(5)
    world.links.heal()
    world.run(10)
    assert sink.pieces == content
    assert sink.is_done
    sink = ask(a, b, Collect())
    world.run(0.1)
    world.links.partition([a.name])
    world.run(60)
    assert sink.ends == [END.BROKEN]
    assert sink.pieces == content[: len(sink.pieces)]


def test_a_peer_that_falls_silent_is_given_up():
    """Its machine is gone: no kernel tells us."""
    world, a, b = two()
    serve(b, lambda *_: ListSource(pieces(100)))
    sink = ask(a, b, Collect(eager=False))
    world.run(1)
    b.core.streams.received = lambda *_: None
    b.core.streams.pull = lambda *_: b""
    world.run(LINK_SILENT_SECONDS - 5)
    assert sink.ends == []
    world.run(15)
    assert sink.ends == [END.BROKEN]


def test_an_idle_connection_is_ended_and_nothing_is_sent_on_it():
    world, a, b = two()
    serve(b, lambda *_: ListSource([b"x"]))
    ask(a, b, Collect())
    world.run(1)
    carried = world.pipes.carried
    assert (a.core.streams.links, b.core.streams.links) == (1, 1)
    world.run(LINK_IDLE_SECONDS + 10)
    assert (a.core.streams.links, b.core.streams.links, len(world.pipes)) == (0, 0, 0)
    assert world.pipes.carried == carried


def test_a_node_asks_a_client_back_over_the_connection_that_it_made():
    world, node, _ = two()
    client = world.add_client()
    content = pieces(3)
    serve(client, lambda *_: ListSource(content))
    asked_back = Collect()

    def handler(asker, request, now):
        asked_back.stream = node.core.streams.open_back(asker, bytes((KIND,)), asked_back, now)
        return ListSource([])

    node.core.streams.serve(KIND, handler)
    sink = ask(client, node, Collect())
    world.run(2)
    assert (sink.ends, asked_back.pieces, asked_back.ends) == ([END.DONE], content, [END.DONE])
    key = client.core.identity.public_key
    node.core.streams.refuse(key, world.now)
    node.settle()
    assert node.core.streams.open_back(key, bytes((KIND,)), Collect(), world.now) is None
    world.run(1)
    assert client.core.streams.links == 0
