"""One pull: all that this node should have of an interval of a peer's journal and lacks.

    names of (reached, upto] -> the entries behind those that we lack -> verify, commit -> the clock
                             -> tell which of the named we hold

in rounds of some thousand names. Entries go the way of every put (puts.py). A piece counts as
consumed once its entries are committed, so that a fast peer waits for our disk, and the clock moves
over what is committed only: a pull that was cut off goes on from there.
"""

from collections import deque
from collections.abc import Callable, Iterable
from enum import IntEnum, auto
from functools import partial
from typing import Protocol

from dave.errors import WireError
from dave.limits import SYNC_NAMES_MAX, SYNC_RUNS_MAX
from dave.names import Instant
from dave.node.limits import SYNC_IN_HAND_MAX, SYNC_TRIES
from dave.node.requests import Peer
from dave.node.streams import Sink, Stream, StreamEnd
from dave.wire.entry import Entry
from dave.wire.messages import PutAck
from dave.wire.status import PutStatus
from dave.wire.sync import (
    OFFSET_MAX,
    EntriesPiece,
    EntriesRequest,
    HeldPiece,
    HeldRequest,
    NamesPiece,
    NamesRequest,
)

_NOT_NOW = (PutStatus.READ_ONLY, PutStatus.FUTURE)
"""What may be otherwise another time, once a disk is mended or a clock set right: the clock has to
wait for it."""
_FAULTS = (PutStatus.FORGED, PutStatus.LOW_WORK)
"""What an honest node never hands on."""


class Opener(Protocol):
    """Who opens streams."""

    def open(self, peer: Peer, request: bytes, sink: Sink, now: Instant) -> Stream:
        """See streams.py."""


class Taker(Protocol):
    """What a pull needs of its node."""

    def lacks(self, short_digest: bytes) -> bool:
        """Whether a version that a peer holds should come."""

    def holds(self, short_digest: bytes) -> bool:
        """Whether a version is held here, and on disk."""

    def take(self, entry: Entry, done: Callable[[PutAck, Instant], None], now: Instant) -> None:
        """Store it like any put."""

    def wake_soon(self, now: Instant) -> None:
        """Call `wake` after this event."""

    def promised(self, short_digests: Iterable[bytes]) -> None:
        """The peer and we have told each other that we hold these."""


class Step(IntEnum):
    """What a pull is asking for."""

    NAMES = 0
    ENTRIES = auto()
    TELL = auto()
    """For nothing: it tells what it holds."""


class _Piece:
    """Entries on their way to the disk."""

    __slots__ = ("left", "size", "upto")

    def __init__(self, upto: int, size: int, left: int) -> None:
        self.upto = upto
        self.size = size
        self.left = left


class Pull:
    """From one peer. `on_moved` is told how far the clock is, `on_end` once, whether it came to the
    end, and whether the peer is to blame if not."""

    def __init__(
        self, peer: Peer, journal_id: bytes, since: int, upto: int, streams: Opener, taker: Taker,
        on_moved: Callable[[int, Instant], None], on_end: Callable[[bool, bool, Instant], None],
    ) -> None:  # fmt: skip
        self.peer = peer
        self.journal_id = journal_id
        self.reached = since
        """All up to here is committed."""
        self.upto = upto
        self.moved_at: Instant = 0
        """When it last came forward."""
        self.pulled = 0
        """Entries that came."""
        self._streams = streams
        self._taker = taker
        self._on_moved = on_moved
        self._on_end = on_end
        self._stream: Stream | None = None
        self._step = Step.NAMES
        self._named_from = self._named = since
        """Names are known from here up to here."""
        self._names: list[bytes] = []
        """These, as short digests, until we have told which of them we hold."""
        self._runs: deque[tuple[int, int]] = deque()
        """(first, last) sequences of what we lack up to there."""
        self._asked_upto = 0
        self._pieces: deque[_Piece] = deque()
        self._queue: deque[tuple[Entry, _Piece]] = deque()
        self._in_hand = 0
        self._is_pumping = False
        self.is_busy = False
        """Whether the node had no room for an entry."""
        self._is_over = False
        self._tries = 0

    def start(self, now: Instant) -> None:
        """Ask for names."""
        self.moved_at = now
        self._ask(now)

    def cancel(self) -> None:
        """Stop. What is being written goes on, but nobody is told."""
        self._is_over = True
        self._drop_stream()
        self._queue.clear()

    @property
    def wants_wake(self) -> bool:
        """Whether `wake` is to be called soon."""
        return self.is_busy or (self._stream is None and not self._pieces)

    def wake(self, now: Instant) -> None:
        """There may be room again; or all that a stream brought is committed."""
        self.is_busy = False
        self.pump(now)
        self._go_on(now)

    # --- Asking ------------------------------------------------------------------------------

    def _ask(self, now: Instant) -> None:
        """Ask for the entries that we know to lack; then tell what we hold; then ask for the next
        names, if there are any."""
        if self._runs:
            self._step, request = Step.ENTRIES, self._entries_request()
        else:
            self._move(self._named, now)
            held = self._bitmap() if self._names else b""
            if any(held):
                self._step, since = Step.TELL, self._named_from
                request = HeldRequest(self.journal_id, since, self._named, held).encode()
            elif self._named < self.upto:
                self._names.clear()
                self._step, self._named_from = Step.NAMES, self._named
                request = NamesRequest(self.journal_id, self._named, self.upto).encode()
            else:
                self._end(True, False, now)
                return
        self._stream = self._streams.open(self.peer, request, self, now)

    def _bitmap(self) -> bytes:
        """Which of the named we hold."""
        bits = 0
        for i, short_digest in enumerate(self._names):
            if self._taker.holds(short_digest):
                bits |= 1 << i
        return bits.to_bytes((len(self._names) + 7) // 8, "little")

    def _entries_request(self) -> bytes:
        """For the first of the runs; they stay listed until they are committed."""
        base = self._runs[0][0] - 1
        runs: list[tuple[int, int]] = []
        for first, last in self._runs:
            if len(runs) == SYNC_RUNS_MAX or last - base > OFFSET_MAX:
                break
            runs.append((first - base, last - first + 1))
            self._asked_upto = last
        return EntriesRequest(self.journal_id, base, tuple(runs)).encode()

    # --- The sink ----------------------------------------------------------------------------

    def on_piece(self, data: bytes, now: Instant) -> None:
        """Names, or entries."""
        self.moved_at = now
        self._tries = 0
        try:
            if self._step is Step.ENTRIES:
                self._on_entries(EntriesPiece.read(data), len(data), now)
                return
            if self._step is Step.NAMES:
                self._on_names(NamesPiece.read(data))
            else:
                HeldPiece.read(data)
            assert self._stream is not None
            self._stream.consumed(len(data))
        except WireError:
            self._fail(True, now)

    def on_end(self, end: StreamEnd, now: Instant) -> None:
        """The stream has ended."""
        self._stream = None
        if self._step is Step.TELL:
            if end is StreamEnd.DONE:
                self._taker.promised(self._names)
            self._names.clear()  # if that failed, repair will ask some day
            self._go_on(now)
        elif end is StreamEnd.DONE:
            last = self._pieces[-1].upto if self._pieces else self.reached
            is_naming = self._step is Step.NAMES
            came = self._named > self.reached if is_naming else last >= self._asked_upto
            if not came:
                self._fail(True, now)
            else:
                self._go_on(now)
        elif end is StreamEnd.BROKEN and self._tries < SYNC_TRIES:
            self._tries += 1
            self._go_on(now)
        else:
            self._fail(False, now)

    def _on_names(self, piece: NamesPiece) -> None:
        if piece.since != self._named or not self._named < piece.upto <= self.upto:
            raise WireError("names of another interval than was asked for")
        if len(self._names) + len(piece.names) > SYNC_NAMES_MAX:
            raise WireError("more names than one stream may bring")
        lacks = self._taker.lacks
        is_run = False
        for offset, short_digest in piece.names:
            self._names.append(short_digest)
            if not lacks(short_digest):
                is_run = False
                continue
            sequence = piece.since + offset
            if is_run:
                self._runs[-1] = self._runs[-1][0], sequence
            else:
                self._runs.append((sequence, sequence))
            is_run = True
        self._named = piece.upto

    def _on_entries(self, piece: EntriesPiece, size: int, now: Instant) -> None:
        before = self._pieces[-1].upto if self._pieces else self.reached
        if not before < piece.upto <= self._asked_upto:
            raise WireError("entries beyond what was asked for")
        waiting = _Piece(piece.upto, size, len(piece.entries))
        self._pieces.append(waiting)
        self._queue.extend((entry, waiting) for entry in piece.entries)
        self.pulled += len(piece.entries)
        self.pump(now)
        self._settle(now)

    # --- The way to the disk -------------------------------------------------------------------

    def pump(self, now: Instant) -> None:
        """Hand on what waits, while there is room."""
        if self._is_pumping:
            return
        self._is_pumping = True
        while self._queue and self._in_hand < SYNC_IN_HAND_MAX and not self.is_busy:
            entry, piece = self._queue.popleft()
            self._in_hand += 1
            self._taker.take(entry, partial(self._took, piece, entry), now)
        self._is_pumping = False

    def _took(self, piece: _Piece, entry: Entry, ack: PutAck, now: Instant) -> None:
        """An entry is committed, or was refused for good."""
        self._in_hand -= 1
        if self._is_over:
            return
        self.is_busy = ack.status is PutStatus.BUSY
        if self.is_busy:
            self._queue.appendleft((entry, piece))
            return
        if ack.status in _NOT_NOW or ack.status in _FAULTS:
            self._fail(ack.status in _FAULTS, now)
            return
        piece.left -= 1
        self._settle(now)
        self.pump(now)

    def _settle(self, now: Instant) -> None:
        """Move the clock over the pieces that are done, from the first on."""
        while self._pieces and not self._pieces[0].left:
            piece = self._pieces.popleft()
            while self._runs and self._runs[0][1] <= piece.upto:
                self._runs.popleft()
            if self._runs and self._runs[0][0] <= piece.upto:
                self._runs[0] = piece.upto + 1, self._runs[0][1]
            self._move(piece.upto, now)
            if self._stream is not None:
                self._stream.consumed(piece.size)
        if self.wants_wake:  # the last entry is not known to be held before `done` returns
            self._taker.wake_soon(now)

    def _go_on(self, now: Instant) -> None:
        """The stream has ended: the next one, once all that it brought is committed."""
        if self._stream is None and not self._pieces and not self._is_over:
            self._ask(now)

    def _move(self, sequence: int, now: Instant) -> None:
        if sequence > self.reached:
            self.reached = sequence
            self.moved_at = now
            self._on_moved(sequence, now)

    def _fail(self, is_fault: bool, now: Instant) -> None:
        self._end(False, is_fault, now)

    def _end(self, is_done: bool, is_fault: bool, now: Instant) -> None:
        self.cancel()
        self._on_end(is_done, is_fault, now)

    def _drop_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.cancel()
