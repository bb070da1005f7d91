"""A node in a process of its own that serves a file over the bulk channel, or pulls one and goes on
where it was stopped, in whatever way.

    python -m tests.edge.bulk_peer serve DATA FILE LISTEN
    python -m tests.edge.bulk_peer pull DATA FILE EDGE

`serve` prints where it listens, `pull` prints `done`. DATA/received counts the bytes that TCP
brought to `pull`, over all of its lives. SIGUSR1 cuts every connection.
"""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import dave
from dave.edge.connect import parse_edge
from dave.limits import PIECE_BYTES_MAX
from dave.node.streams import StreamEnd

KIND = 200
SECRET = b"sixteen bytes ok"
AGAIN_SECONDS = 0.05


class FileSource:
    """Pieces of a file from a number on."""

    def __init__(self, path, first):
        self._file = path.open("rb")
        self._file.seek(first * PIECE_BYTES_MAX)

    def next_piece(self, now):
        return self._file.read(PIECE_BYTES_MAX) or None

    def close(self):
        self._file.close()


class Pull:
    """Asks for what the file lacks, until there is no more. A piece is in the file whole or it is
    cut off: a kill in the middle of a write leaves a part."""

    def __init__(self, node, path, edge, done):
        self._node, self._path, self._edge, self._done = node, path, edge, done
        path.touch()
        self._have = path.stat().st_size // PIECE_BYTES_MAX
        os.truncate(path, self._have * PIECE_BYTES_MAX)
        self._file = path.open("ab", buffering=0)
        self.open()

    def open(self):
        runner = self._node._runner
        request = bytes((KIND,)) + self._have.to_bytes(8, "little")
        self._stream = self._node.core.streams.open(self._edge, request, self, runner.now())
        runner.flush()

    def on_piece(self, data, now):
        self._file.write(data)
        self._have += 1
        self._stream.consumed(len(data))

    def on_end(self, end, now):
        if end is StreamEnd.DONE:
            self._done.set()
        else:
            asyncio.get_running_loop().call_later(AGAIN_SECONDS, self.open)


def count_received(node, path):
    """Keep the count where a kill does not lose it."""
    streams = node.core.streams
    received = streams.received
    counter = os.open(path, os.O_RDWR | os.O_CREAT)
    total = int.from_bytes(os.pread(counter, 8, 0), "little")

    def counting(number, data, now):
        nonlocal total
        total += len(data)
        os.pwrite(counter, total.to_bytes(8, "little"), 0)
        received(number, data, now)

    streams.received = counting


def cut(node):
    """Break all connections, as a network would."""
    for connection in [*node._runner.bulk._connections.values()]:
        connection.sock.shutdown(socket.SHUT_RDWR)


async def main(verb, data, file, where):
    config = dave.Config(
        listen=where if verb == "serve" else "127.0.0.1:0",
        edges=[] if verb == "serve" else [where],
        data=Path(data),
        network="bulk",
        secret=SECRET,
    )
    async with dave.Node(config) as node:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, cut, node)
        stop = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        if verb == "serve":

            def handler(asker, request, now):
                return FileSource(Path(file), int.from_bytes(request[1:], "little"))

            node.core.streams.serve(KIND, handler)
            print(node.address, flush=True)
            await stop.wait()
        else:
            count_received(node, Path(data) / "received")
            pull = Pull(node, Path(file), parse_edge(where), stop)
            print("started", flush=True)
            await stop.wait()
            print("done", flush=True)
            del pull


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
