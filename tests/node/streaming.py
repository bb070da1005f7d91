"""Sources and sinks for tests: pieces from a list, and a collector that consumes as told."""

from random import Random

from dave.node.requests import Peer
from dave.node.streams import StreamEnd

KIND = 200
"""Of the requests that these tests make."""


class ListSource:
    """Answers with the pieces given."""

    def __init__(self, pieces):
        self.pieces = list(pieces)
        self.taken = 0
        self.closed = 0

    def next_piece(self, now):
        if self.taken == len(self.pieces):
            return None
        self.taken += 1
        return self.pieces[self.taken - 1]

    def close(self):
        self.closed += 1


class Collect:
    """Takes pieces; `eager`: and consumes each at once."""

    def __init__(self, *, eager=True):
        self.eager = eager
        self.pieces = []
        self.ends = []
        self.stream = None

    def on_piece(self, data, now):
        self.pieces.append(data)
        if self.eager:
            self.stream.consumed(len(data))

    def on_end(self, end, now):
        self.ends.append(end)

    @property
    def is_done(self):
        return self.ends == [StreamEnd.DONE]


def peer_of(host):
    identity = host.node.identity
    return Peer(host.address, identity.public_key, identity.nonce, identity.id)


def ask(host, to, sink, request=bytes((KIND,))):
    """Open a stream from one simulated host to another."""
    peer = to if isinstance(to, Peer) else peer_of(to)
    sink.stream = host.core.streams.open(peer, request, sink, host._clock.now)
    host.settle()
    return sink


def serve(host, make, kind=KIND):
    """Answer by what `make(asker, request)` returns; the list of all that it returned."""
    made = []

    def handler(asker, request, now):
        made.append(make(asker, request))
        return made[-1]

    host.core.streams.serve(kind, handler)
    return made


def pieces(count, size=20_000, seed=1):
    rng = Random(seed)
    return [rng.randbytes(size) for _ in range(count)]
