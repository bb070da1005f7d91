"""Fetches shares from nodes: `core.fetches`.

What is asked of one node is gathered: a few streams at a time, each for a few shares, so that its
pipe never idles. A share is checked against its address before anybody sees it. What a broken
connection left over is asked for again.
"""

from collections import deque
from collections.abc import Callable, Sequence
from enum import IntEnum
from functools import partial
from typing import TYPE_CHECKING

from dave.crypto import merkle
from dave.drops import Drop
from dave.errors import WireError
from dave.limits import PIECE_BYTES_MAX
from dave.names import SECOND, Address, Instant
from dave.node.requests import Peer
from dave.node.streams import Stream, StreamEnd
from dave.node.timers import Timer
from dave.share_limits import (
    BLOCK_BYTES,
    FETCH_AT_ONCE_MAX,
    FETCH_STREAMS_PER_PEER,
    SHARE_AGAIN_SECONDS,
    SHARE_LOOK_SECONDS,
    SHARE_TRIES,
)
from dave.wire import shares

if TYPE_CHECKING:
    from dave.node.core import Core


class FetchStatus(IntEnum):
    """How a fetch ended; the worst that happened."""

    DONE = 0
    """All that the node holds of it came."""
    TIMED_OUT = 1
    NO_ANSWER = 2
    """Nobody answers there, or nobody who has shares."""
    CORRUPT = 3
    """A share was not what its address says."""


OnShare = Callable[[bytes, bytes | None, Instant], None]
"""Called with each address, in any order, and its share; None: it did not come from there."""


class Fetch:
    """Some shares from one node."""

    __slots__ = ("_done", "_left", "_on_share", "_status", "deadline")

    def __init__(
        self, count: int, on_share: OnShare, done: Callable[[FetchStatus, Instant], None],
        deadline: Instant | None,
    ) -> None:  # fmt: skip
        self.deadline = deadline
        self._left = count
        self._on_share = on_share
        self._done: Callable[[FetchStatus, Instant], None] | None = done
        self._status = FetchStatus.DONE

    @property
    def is_over(self) -> bool:
        """Whether nobody waits for it any more."""
        return self._done is None

    def cancel(self) -> None:
        """Nobody wants to know of the rest."""
        self._done = None

    def came(self, address: bytes, share: bytes | None, status: FetchStatus, now: Instant) -> None:
        """One share came, or will not."""
        if self._done is None:
            return
        self._left -= 1
        self._status = max(self._status, status)
        self._on_share(address, share, now)
        if not self._left and self._done is not None:
            done, self._done = self._done, None
            done(self._status, now)


Want = tuple[bytes, Fetch]
"""An address, and who wants it."""


class Fetches:
    """All shares on their way from nodes."""

    def __init__(self, core: "Core") -> None:
        self.core = core
        self._queues: dict[bytes | Address, _Queue] = {}
        """By the node's key, or its address where that is all we know."""

    def fetch(
        self,
        peer: Peer,
        addresses: Sequence[bytes],
        on_share: OnShare,
        done: Callable[[FetchStatus, Instant], None],
        now: Instant,
        deadline: Instant | None = None,
    ) -> Fetch:
        """Fetch shares by their addresses, at least one; `on_share` is called for each, then `done`
        once, none from inside this call."""
        assert addresses
        fetch = Fetch(len(addresses), on_share, done, deadline)
        name = peer.public_key or peer.address
        queue = self._queues.get(name)
        if queue is None:
            queue = self._queues[name] = _Queue(self, name, peer)
        queue.add([(address, fetch) for address in addresses], now)
        return fetch

    def corrupt(self, peer: Peer, now: Instant) -> None:
        """A node sent something else than it was asked for."""
        self.core.drops.add(Drop.SHARE_CORRUPT)
        if peer.id is not None:
            self.core.trust.broke(peer.id, now)

    def left(self, queue: "_Queue") -> None:
        """A node is asked for nothing more."""
        if self._queues.get(queue.name) is queue:
            del self._queues[queue.name]


class _Queue:
    """What is wanted of one node; lives while there is something."""

    def __init__(self, fetches: Fetches, name: bytes | Address, peer: Peer) -> None:
        self.fetches = fetches
        self.name = name
        self.peer = peer
        self._waiting: deque[Want] = deque()
        self._streams: list[_FetchStream] = []
        self._tries = 0
        """Streams in a row that brought nothing forward."""
        self._again_at: Instant = 0
        """Not to be asked before then."""
        self._next_look: Instant = -1

    def add(self, wants: list[Want], now: Instant) -> None:
        """More."""
        self._waiting.extend(wants)
        self._pump(now)
        if self._next_look < 0:
            self._look(now + SHARE_LOOK_SECONDS * SECOND)

    def came_forward(self) -> None:
        """Something has come."""
        self._tries = 0

    def ended(self, stream: "_FetchStream", left: list[Want], end: StreamEnd, now: Instant) -> None:
        """A stream has ended; what it did not bring is asked for again, if that makes sense."""
        self._streams.remove(stream)
        if end is not StreamEnd.DONE:
            self._tries += 1
            self._again_at = now + SHARE_AGAIN_SECONDS * SECOND * (
                self._tries > FETCH_STREAMS_PER_PEER or end is StreamEnd.BUSY
            )
        self._waiting.extendleft(reversed(left))
        is_final = end in (StreamEnd.NO_ANSWER, StreamEnd.REFUSED)
        if is_final or self._tries > SHARE_TRIES * FETCH_STREAMS_PER_PEER:
            self._give_up(FetchStatus.NO_ANSWER, now)
        self._pump(now)

    def _give_up(self, status: FetchStatus, now: Instant) -> None:
        waiting, self._waiting = self._waiting, deque()
        self._tries = 0
        for address, fetch in waiting:
            fetch.came(address, None, status, now)

    def _pump(self, now: Instant) -> None:
        """Ask for the next, while there is a stream to be had."""
        while self._waiting and len(self._streams) < FETCH_STREAMS_PER_PEER:
            if now < self._again_at:
                break
            wants: list[Want] = []
            while self._waiting and len(wants) < FETCH_AT_ONCE_MAX:
                want = self._waiting.popleft()
                if not want[1].is_over:
                    wants.append(want)
            if wants:
                self._streams.append(_FetchStream(self, wants, now))

    def _look(self, when: Instant) -> None:
        """Look after it then; only what was set last counts."""
        self._next_look = when
        self.fetches.core.timers.set(when, Timer.SHARES, partial(self._on_timer, when))

    def _on_timer(self, when: Instant, now: Instant) -> None:
        if when != self._next_look:
            return
        for address, fetch in [*self._waiting, *(w for s in self._streams for w in s.wants)]:
            if fetch.deadline is not None and now >= fetch.deadline:
                fetch.came(address, None, FetchStatus.TIMED_OUT, now)
        for stream in [*self._streams]:
            if all(fetch.is_over for _, fetch in stream.wants):
                stream.cancel()
                self._streams.remove(stream)
        self._pump(now)
        if self._waiting or self._streams:
            self._look(now + SHARE_LOOK_SECONDS * SECOND)
        else:
            self._next_look = -1
            self.fetches.left(self)


class _FetchStream:
    """One request: the sink of its answer."""

    __slots__ = ("_missing", "_parts", "_queue", "_sizes", "_stream", "wants")

    def __init__(self, queue: _Queue, wants: list[Want], now: Instant) -> None:
        self.wants = wants
        """Those that have not come, in the order in which they will."""
        self._queue = queue
        self._sizes: list[int] | None = None
        """Of those that have not come; None: not told yet."""
        self._missing = 0
        """Bytes of the first that have not come."""
        self._parts: list[bytes] = []
        request = shares.fetch_request([address for address, _ in wants])
        self._stream: Stream = queue.fetches.core.streams.open(queue.peer, request, self, now)

    def cancel(self) -> None:
        """Nobody wants any of it."""
        self._stream.cancel()

    def on_piece(self, data: bytes, now: Instant) -> None:
        """The sizes, or bytes of the first that has not come."""
        self._stream.consumed(len(data))
        try:
            if self._sizes is None:
                self._on_sizes(data, now)
            else:
                self._on_bytes(data, now)
        except WireError:
            self._stream.cancel()
            self._queue.fetches.corrupt(self._queue.peer, now)
            wants, self.wants = self.wants, []
            for address, fetch in wants:
                fetch.came(address, None, FetchStatus.CORRUPT, now)
            self._queue.ended(self, [], StreamEnd.DONE, now)

    def on_end(self, end: StreamEnd, now: Instant) -> None:
        """Nothing more comes. A share that could not be read ends the stream early."""
        wants, self.wants = self.wants, []
        if end is StreamEnd.DONE and wants:
            address, fetch = wants.pop(0)
            fetch.came(address, None, FetchStatus.DONE, now)
        self._queue.ended(self, wants, end, now)

    def _on_sizes(self, data: bytes, now: Instant) -> None:
        sizes = shares.read_sizes_piece(data, len(self.wants))
        if max(sizes) > BLOCK_BYTES:
            raise WireError("no share is so large")
        self._queue.came_forward()
        self._sizes = [size for size in sizes if size]
        wants, self.wants = self.wants, []
        for want, size in zip(wants, sizes, strict=True):
            if size:
                self.wants.append(want)
            else:
                want[1].came(want[0], None, FetchStatus.DONE, now)
        self._missing = self._sizes[0] if self._sizes else 0

    def _on_bytes(self, data: bytes, now: Instant) -> None:
        assert self._sizes is not None
        if not self._missing or len(data) != min(PIECE_BYTES_MAX, self._missing):
            raise WireError("a share in other pieces than whole ones")
        self._parts.append(data)
        self._missing -= len(data)
        if self._missing:
            return
        parts, self._parts = self._parts, []
        share = parts[0] if len(parts) == 1 else b"".join(parts)
        address, fetch = self.wants.pop(0)
        self._sizes.pop(0)
        self._missing = self._sizes[0] if self._sizes else 0
        self._queue.came_forward()
        if merkle.root(share) == address:
            fetch.came(address, share, FetchStatus.DONE, now)
        else:
            self._queue.fetches.corrupt(self._queue.peer, now)
            fetch.came(address, None, FetchStatus.CORRUPT, now)
