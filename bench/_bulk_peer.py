"""A node in a process of its own that serves pieces from memory, or pulls them; for bench/bulk.py.

`serve DATA` prints HOST:PORT and ends on SIGTERM. `pull DATA EDGE STREAMS PIECES` prints seconds,
wall and CPU; `client` does the same, and is no node.
"""

import asyncio
import random
import signal
import sys
import time
from pathlib import Path

import dave
from dave.edge.connect import parse_edge
from dave.edge.driver import Driver
from dave.limits import PIECE_BYTES_MAX
from dave.names import Instant
from dave.node.requests import Peer
from dave.node.streams import Stream, StreamEnd

KIND = 200
NETWORK, SECRET = "bench", b"sixteen bytes ok"
PIECES_KEPT = 64


class Memory:
    """Answers with so many pieces, the same few over and over."""

    def __init__(self, pieces: list[bytes], count: int) -> None:
        self._pieces = pieces
        self._left = count

    def next_piece(self, now: Instant) -> bytes | None:
        if not self._left:
            return None
        self._left -= 1
        return self._pieces[self._left % len(self._pieces)]

    def close(self) -> None:
        """Nothing is held."""


class Count:
    """Takes all pieces, keeps none."""

    stream: Stream

    def __init__(self, done: asyncio.Event) -> None:
        self.bytes = 0
        self._done = done

    def on_piece(self, data: bytes, now: Instant) -> None:
        self.bytes += len(data)
        self.stream.consumed(len(data))

    def on_end(self, end: StreamEnd, now: Instant) -> None:
        assert end is StreamEnd.DONE, f"the stream ended with {end.name}"
        self._done.set()


async def serve(node: dave.Node) -> None:
    """Until SIGTERM."""
    pieces = [random.randbytes(PIECE_BYTES_MAX) for _ in range(PIECES_KEPT)]

    def handler(asker: bytes, request: bytes, now: Instant) -> Memory:
        return Memory(pieces, int.from_bytes(request[1:], "little"))

    node.core.streams.serve(KIND, handler)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    print(node.address, flush=True)
    await stop.wait()


async def pull(runner: Driver, edge: Peer, streams: int, pieces: int) -> None:
    """Pull so many pieces over each of so many streams at once."""
    began, cpu = time.perf_counter(), time.process_time()
    sinks, ends = [], []
    for _ in range(streams):
        ends.append(asyncio.Event())
        sinks.append(sink := Count(ends[-1]))
        request = bytes((KIND,)) + pieces.to_bytes(4, "little")
        sink.stream = runner.core.streams.open(edge, request, sink, runner.now())
    runner.flush()
    for end in ends:
        await end.wait()
    assert {sink.bytes for sink in sinks} == {pieces * PIECE_BYTES_MAX}
    print(time.perf_counter() - began, time.process_time() - cpu, flush=True)


async def main(verb: str, data: str, *arguments: str) -> None:
    """The process."""
    edges = arguments[:1]
    config = dave.Config("127.0.0.1:0", edges, Path(data), network=NETWORK, secret=SECRET)
    if verb == "client":
        async with dave.connect(edges, network=NETWORK, secret=SECRET) as client:
            await pull(client._driver, parse_edge(edges[0]), *map(int, arguments[1:]))
        return
    async with dave.Node(config) as node:
        if verb == "serve":
            await serve(node)
        else:
            await pull(node._runner, parse_edge(edges[0]), *map(int, arguments[1:]))


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(*sys.argv[1:]))
