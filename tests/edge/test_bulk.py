"""The bulk channel over real TCP in one process: nodes and a client, silent and rude strangers."""

import asyncio
import socket
import time
from contextlib import asynccontextmanager, suppress

import pytest

import dave
from dave.bulk_limits import LINKS_HALF_OPEN_MAX
from dave.edge.bulk import BulkSockets
from dave.edge.connect import parse_edge
from dave.edge.status import status_of
from dave.limits import PIECE_BYTES_MAX
from dave.node.requests import Peer
from dave.node.streams import Stream, StreamEnd
from tests.node.streaming import KIND, Collect, ListSource, pieces

SECRET = b"sixteen bytes ok"
PATIENCE_SECONDS = 30


@asynccontextmanager
async def node_at(folder, *edges, listen="127.0.0.1:0"):
    config = dave.Config(listen=listen, edges=edges, data=folder, network="bulk", secret=SECRET)
    async with dave.Node(config) as node:
        yield node


def serve(node, content):
    made = []

    def handler(asker, request, now):
        made.append(ListSource(content))
        return made[-1]

    node.core.streams.serve(KIND, handler)
    return made


def ask(runner, peer, sink):
    sink.stream = runner.core.streams.open(peer, bytes((KIND,)), sink, runner.now())
    runner.flush()
    return sink


async def until(condition):
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "[::1]:0"])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_streams_between_two_nodes(tmp_path, listen, loop):
    async def story():
        async with (
            node_at(tmp_path / "a", listen=listen) as a,
            node_at(tmp_path / "b", a.address, listen=listen) as b,
        ):
            content = pieces(200, PIECE_BYTES_MAX)
            serve(a, content)
            serve(b, content[:3])
            there = [ask(b._runner, parse_edge(a.address), Collect()) for _ in range(3)]
            await until(lambda: all(sink.ends for sink in there))
            assert [sink.pieces == content for sink in there] == [True] * 3
            key = b.core.identity
            peer = Peer(parse_edge(b.address).address, key.public_key, key.nonce, key.id)
            back = ask(a._runner, peer, Collect())
            await until(lambda: back.ends)
            assert back.pieces == content[:3]
            assert status_of(a)["bulk_connections"] == 1, (
                "the connection that b made serves a as well"
            )

    if loop == "uvloop":
        pytest.importorskip("uvloop").run(story())
    else:
        asyncio.run(story())


def test_a_client_may_ask(tmp_path):
    async def story():
        async with node_at(tmp_path) as node:
            serve(node, [b"hello"])
            async with dave.connect(node.address, network="bulk", secret=SECRET) as d:
                sink = ask(d._driver, parse_edge(node.address), Collect())
                await until(lambda: sink.ends)
                assert sink.pieces == [b"hello"]
            await until(lambda: node.core.streams.links == 0)

    asyncio.run(story())


def test_a_reader_that_stalls_costs_a_window_and_others_go_on(tmp_path):
    async def story():
        async with node_at(tmp_path / "a") as a, node_at(tmp_path / "b", a.address) as b:
            made = serve(a, pieces(200, PIECE_BYTES_MAX))
            stalled = ask(b._runner, parse_edge(a.address), Collect(eager=False))
            lively = ask(b._runner, parse_edge(a.address), Collect())
            await until(lambda: lively.ends)
            assert lively.is_done
            assert made[0].taken == len(stalled.pieces) + 1 < 10
            stalled.stream.cancel()
            b._runner.flush()
            await until(lambda: made[0].closed)

    asyncio.run(story())


def test_a_transfer_leaves_the_loop_free(tmp_path):
    """While a stream runs at full speed, gets are answered."""

    async def story():
        async with node_at(tmp_path / "a") as a, node_at(tmp_path / "b", a.address) as b:
            serve(a, pieces(16, PIECE_BYTES_MAX) * 250)
            key = dave.Key.generate()
            async with dave.connect(a.address, key=key, network="bulk", secret=SECRET) as d:
                await d.put("k", b"v")
                sink = ask(b._runner, parse_edge(a.address), Forget())
                gets = 0
                while not sink.ends:
                    assert (await d.get("k")).value == b"v"
                    gets += 1
                assert sink.is_done
                assert gets > 10

    asyncio.run(story())


class Forget(Collect):
    """Keeps nothing."""

    def on_piece(self, data, now):
        self.stream.consumed(len(data))


def test_nobody_listens(tmp_path):
    async def story():
        async with node_at(tmp_path / "a") as a, node_at(tmp_path / "b", a.address) as b:
            serve(a, [b"x"])
            sink = ask(b._runner, parse_edge(a.address), Collect())
            await until(lambda: sink.ends)
            for listener in a.listeners.tcp:
                asyncio.get_running_loop().remove_reader(listener.fileno())
                listener.close()
            a._runner.bulk._listeners = ()
            a.core.streams.hang_up(a._runner.now())
            a._runner.flush()
            await until(lambda: b.core.streams.links == 0)
            sink = ask(b._runner, parse_edge(a.address), Collect())
            await until(lambda: sink.ends)
            assert sink.ends == [StreamEnd.NO_ANSWER]

    asyncio.run(story())


def test_a_node_that_stops_ends_its_streams_both_ways(tmp_path):
    async def story():
        async with node_at(tmp_path / "a") as a:
            made = serve(a, pieces(200, PIECE_BYTES_MAX))
            async with node_at(tmp_path / "b", a.address) as b:
                theirs = serve(b, pieces(200, PIECE_BYTES_MAX))
                mine = ask(b._runner, parse_edge(a.address), Collect(eager=False))
                back = ask(a._runner, parse_edge(b.address), Collect(eager=False))
                await until(lambda: mine.pieces and back.pieces)
            assert mine.ends == [StreamEnd.BROKEN]
            assert [source.closed for source in theirs] == [1]
            await until(lambda: back.ends and made[0].closed)
            assert back.ends == [StreamEnd.BROKEN]

    asyncio.run(story())


def strangers(address, count):
    host, _, port = address.rpartition(":")
    made = []
    for _ in range(count):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex((host, int(port)))
        made.append(sock)
    return made


def test_strangers_that_say_nothing_are_few_and_the_others_get_through(tmp_path):
    async def story():
        async with node_at(tmp_path / "a") as a, node_at(tmp_path / "b", a.address) as b:
            serve(a, [b"x"])
            await until(lambda: b.core.sessions.find(parse_edge(a.address).address))
            socks = []
            for _ in range(30):
                socks += strangers(a.address, 100)
                await asyncio.sleep(0.01)
                assert a.core.streams.links <= LINKS_HALF_OPEN_MAX
                assert len(a._runner.bulk._connections) <= LINKS_HALF_OPEN_MAX
            for sock in socks:
                sock.close()
            await until(lambda: a.core.streams.links == 0)

            # The flood has used up what all of 127.0.0.0/24 may do in a second or two.
            for _ in range(PATIENCE_SECONDS * 10):
                sink = ask(b._runner, parse_edge(a.address), Collect())
                await until(lambda sink=sink: sink.ends)
                if sink.is_done:
                    break
                await asyncio.sleep(0.1)
            assert sink.is_done

    asyncio.run(story())


@pytest.mark.parametrize(
    "said",
    [b"GET / HTTP/1.1\r\n\r\n", bytes(200), b"\1\x10" + bytes(123)],
    ids=["http", "0", "init"],
)
def test_a_stranger_is_hung_up_on_without_a_byte(tmp_path, said):
    async def story():
        async with node_at(tmp_path) as node:
            host, _, port = node.address.rpartition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(said)
            with suppress(ConnectionResetError):  # closed with what it had not read
                assert await asyncio.wait_for(reader.read(), PATIENCE_SECONDS) == b""
            writer.close()
            await until(lambda: node.core.streams.links == 0)

    asyncio.run(story())


def test_half_a_handshake_is_waited_for_only_so_long(tmp_path, monkeypatch):
    monkeypatch.setattr("dave.node.bulk.LINK_OPEN_SECONDS", 0)
    monkeypatch.setattr("dave.node.link.LINK_OPEN_SECONDS", 0)

    async def story():
        async with node_at(tmp_path) as node:
            host, _, port = node.address.rpartition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"\1\x10abc")
            with suppress(ConnectionResetError):
                assert await asyncio.wait_for(reader.read(), PATIENCE_SECONDS) == b""
            writer.close()

    asyncio.run(story())


def test_out_of_file_descriptors_it_waits_and_accepts_again(tmp_path, monkeypatch):
    monkeypatch.setattr("dave.edge.bulk.ACCEPT_AGAIN_SECONDS", 0.01)

    class Broken:
        """A listener that the system lets accept from the third time on."""

        def __init__(self, sock):
            self.sock = sock
            self.tries = 0

        def accept(self):
            self.tries += 1
            if self.tries < 3:
                raise OSError(24, "Too many open files")
            return self.sock.accept()

        def __getattr__(self, name):
            return getattr(self.sock, name)

    async def story():
        async with node_at(tmp_path / "a") as a, node_at(tmp_path / "b", a.address) as b:
            serve(a, [b"x"])
            bulk = a._runner.bulk
            (listener,) = a.listeners.tcp
            bulk._loop.remove_reader(listener.fileno())
            broken = Broken(listener)
            bulk._watch(broken)
            sink = ask(b._runner, parse_edge(a.address), Collect())
            await until(lambda: sink.ends)
            assert sink.is_done
            assert broken.tries > 3

    asyncio.run(story())


def test_an_address_that_the_system_refuses_is_no_answer(tmp_path):
    async def story():
        async with node_at(tmp_path) as node:
            sink, key = Collect(), node.core.identity
            stream = sink.stream = Stream(bytes((KIND,)), sink)
            to = "255.255.255.255", 9
            node.core.streams._dial(to, key.public_key, key.id, stream, node._runner.now())
            node._runner.flush()
            assert sink.ends == [], "never from inside open"
            await until(lambda: sink.ends)
            assert sink.ends == [StreamEnd.NO_ANSWER]
            assert not node._runner.bulk._connections

    asyncio.run(story())


def test_effects_for_connections_that_are_gone_do_nothing(tmp_path):
    from dave.effects import HangUp, Transmit

    async def story():
        async with node_at(tmp_path) as node:
            bulk = node._runner.bulk
            assert isinstance(bulk, BulkSockets)
            bulk.carry_out(Transmit(77))
            bulk.carry_out(HangUp(77))

    asyncio.run(story())
