"""The two ends of a stream over the bulk channel: who asks has a Sink, who answers has a Source.

A stream is one request and what answers it: pieces of bytes, whole, in order, each with its
checksum. It ends once. Nothing here resumes by itself: the asker opens a new stream whose request
says from where to go on (DESIGN section 8).

    stream = core.streams.open(peer, request, sink, now)   # then: on_piece, ..., on_end
    core.streams.serve(kind, handler)      # handler(asker, request, now) -> Source or None

The asker's window is what keeps a fast sender from filling memory: pieces that the sink was given
and has not called `consumed` for count against it.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Protocol

from dave.names import Instant


class StreamKind(IntEnum):
    """The first byte of a request: what is asked for. Blocks will take 16 and above."""

    SYNC = 1
    """The gap in a journal's sequence."""
    RANGES = 2
    """Digests of ranges of the ring."""


class StreamEnd(IntEnum):
    """How a stream ended, for the asker. The first four can come over the wire."""

    DONE = 0
    """The source had no more."""
    REFUSED = 1
    """Nobody there answers this request."""
    BUSY = 2
    """Too many streams, there or here: try again later."""
    BROKEN = 3
    """The connection, or the stream, broke; what came before it is good."""
    NO_ANSWER = 4
    """No connection: nobody listens there, or not the node that was asked for."""


class Sink(Protocol):
    """The end of a stream that asked. Both methods may open, cancel and consume."""

    def on_piece(self, data: bytes, now: Instant) -> None:
        """A whole piece of 1 to PIECE_BYTES_MAX bytes, in order, its checksum verified."""

    def on_end(self, end: StreamEnd, now: Instant) -> None:
        """Nothing more comes. Called once; never from inside `open`, never after `cancel`."""


class Source(Protocol):
    """The end of a stream that answers."""

    def next_piece(self, now: Instant) -> bytes | None:
        """1 to PIECE_BYTES_MAX bytes; None: that was all. Asked for only when the window has
        room, so a source need not buffer anything. It should take under a millisecond."""

    def close(self) -> None:
        """The stream has ended, in whatever way. Called once."""


Handler = Callable[[bytes, bytes, Instant], Source | None]
"""Called with the asker's public key (32 bytes), the request and the time; None: refused."""


class Stream(Protocol):
    """What `open` returns to the asker."""

    def consumed(self, count: int) -> None:
        """The sink has done with so many bytes of pieces; the sender may send as many more."""

    def cancel(self) -> None:
        """No piece and no end is wanted any more."""
