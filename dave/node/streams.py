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

from dave.bulk_limits import BULK_DATA_BYTES_MAX, STREAM_CREDIT_MAX, STREAM_WINDOW_BYTES
from dave.crypto import hashes
from dave.errors import UsageError, WireError
from dave.limits import PIECE_BYTES_MAX
from dave.names import Instant
from dave.wire import bulk


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

    def next_piece(self, now: Instant) -> bytes | memoryview | None:
        """1 to PIECE_BYTES_MAX bytes; None: that was all. Asked for only once the piece before it
        is sent, so a source need not buffer anything. It should take under a millisecond."""

    def close(self) -> None:
        """The stream has ended, in whatever way. Called once."""


class LiveSource:
    """A source that may have nothing to say for now: its `next_piece` returns b"", and it calls
    `wake` once there is something. To wait so is not to stall, but the stream still ends after
    STREAM_SECONDS_MAX."""

    __slots__ = ("wake",)

    def __init__(self) -> None:
        self.wake: Callable[[], None] = _nothing
        """Ask for the next piece; may be called at any time, also when there is none or the stream
        has ended. Set by the connection."""

    def next_piece(self, now: Instant) -> bytes | memoryview | None:
        """See Source."""
        raise NotImplementedError

    def close(self) -> None:
        """See Source."""
        raise NotImplementedError

    def rests(self) -> bool:
        """Whether it could end now without any harm, so that others have the connection's place."""
        return False


Handler = Callable[[bytes, bytes, Instant], Source | None]
"""Called with the asker's public key (32 bytes), the request and the time; None: refused."""


class Carrier(Protocol):
    """What a stream needs of its connection (link.py)."""

    def send(self, frame: bytes) -> None: ...
    def forget(self, stream: "Stream") -> None: ...


class Stream:
    """The end that asked: returned by `open`. Puts pieces together and keeps the window."""

    __slots__ = (
        "_carrier",
        "_checksum",
        "_missing",
        "_owed",
        "_parts",
        "_unconsumed",
        "is_over",
        "number",
        "request",
        "rests",
        "room",
        "sink",
    )

    def __init__(self, request: bytes, sink: Sink) -> None:
        self.request = request
        self.sink = sink
        self.number = 0
        self.room = STREAM_WINDOW_BYTES
        """Bytes that may come before we give more credit."""
        self.is_over = False
        self.rests: Callable[[], bool] = _never
        """Whether it could end now without any harm, as LiveSource has it."""
        self._carrier: Carrier | None = None
        self._unconsumed = 0
        self._owed = 0
        """Consumed, and not given back as credit yet."""
        self._parts: list[bytes] = []
        self._missing = 0
        self._checksum = b""

    def consumed(self, count: int) -> None:
        """The sink has done with so many bytes of pieces; the sender may send as many more. Raises
        UsageError for more than it was given."""
        if not 0 <= count <= self._unconsumed:
            raise UsageError(f"{count} bytes consumed, of {self._unconsumed} given")
        self._unconsumed -= count
        self._owed += count
        if 2 * self._owed >= STREAM_WINDOW_BYTES and not self.is_over:
            assert self._carrier is not None
            self._carrier.send(bulk.Credit(self.number, self._owed).encode())
            self.room += self._owed
            self._owed = 0

    def cancel(self) -> None:
        """No piece and no end is wanted any more."""
        if not self.is_over:
            self.is_over = True
            if self._carrier is not None:
                self._carrier.forget(self)

    def start(self, carrier: Carrier, number: int) -> None:
        """There is a connection: ask."""
        self._carrier = carrier
        self.number = number
        carrier.send(bulk.Open(number, self.room, self.request).encode())

    def end(self, end: StreamEnd, now: Instant) -> None:
        """It has ended; tells the sink, once."""
        if not self.is_over:
            self.is_over = True
            self.sink.on_end(end, now)

    def begin(self, piece: bulk.Piece, now: Instant) -> None:
        """The first part of a piece. Raises WireError for what no peer may send."""
        if self._missing:
            raise WireError("a piece inside a piece")
        self._missing, self._checksum = piece.size, piece.checksum
        self.go_on(piece.data, now)

    def go_on(self, data: bytes, now: Instant) -> None:
        """Another part; the whole piece goes to the sink. Raises WireError for what no peer may
        send, and for a wrong checksum."""
        self.room -= len(data)
        self._missing -= len(data)
        if self.room < 0:
            raise WireError("more than the window")
        if self._missing < 0:
            raise WireError("more than the piece")
        self._parts.append(data)
        if self._missing:
            return
        piece = b"".join(self._parts) if len(self._parts) > 1 else data
        self._parts = []
        if hashes.piece_checksum(piece) != self._checksum:
            raise WireError("a piece with a wrong checksum")
        self._unconsumed += len(piece)
        self.sink.on_piece(piece, now)


class Served:
    """The end that answers: cuts the source's pieces into frames, within the asker's window."""

    __slots__ = ("_piece", "_sent", "credit", "is_waiting", "made", "moved", "number", "source")

    def __init__(self, number: int, credit: int, source: Source, now: Instant) -> None:
        self.number = number
        self.credit = credit
        self.source = source
        self.made = now
        self.moved = now
        """When it last sent, or got credit."""
        self.is_waiting = False
        """Whether the source has nothing to say for now."""
        self._piece: bytes | memoryview = b""
        self._sent = 0

    def add_credit(self, count: int, now: Instant) -> None:
        """Raises WireError for more than a window may be."""
        self.credit += count
        self.moved = now
        if self.credit > STREAM_CREDIT_MAX:
            raise WireError("too much credit")

    def next_frame(self, now: Instant) -> tuple[bytes, bool] | None:
        """The next frame, and whether the stream ends with it; None while there is no credit, or
        the source has nothing to say."""
        if self._sent == len(self._piece):
            piece = self.source.next_piece(now)
            self._sent = 0
            self._piece = piece or b""
            if piece is None:
                return bulk.End(self.number, StreamEnd.DONE).encode(), True
            self.is_waiting = not piece
            if self.is_waiting:
                return None
            assert 0 < len(piece) <= PIECE_BYTES_MAX, f"a piece of {len(piece)} bytes"
        if not self.credit:
            return None
        start = self._sent
        data = self._piece[start : start + min(self.credit, BULK_DATA_BYTES_MAX)]
        self._sent += len(data)
        self.credit -= len(data)
        self.moved = now
        if start:
            return bulk.more_frame(self.number, data), False
        size, checksum = len(self._piece), hashes.piece_checksum(self._piece)
        return bulk.piece_frame(self.number, size, checksum, data), False


def _nothing() -> None:
    return None


def _never() -> bool:
    return False
