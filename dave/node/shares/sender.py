"""What answers FETCH: the sizes of the shares asked for, then those that are held, one by one.

A stream holds SHARE_READS_AHEAD reads beside the one that is being sent, whatever the asker does;
so all that a node holds in memory for those who read is bounded by the number of streams.
"""

from collections import deque
from collections.abc import Callable, Sequence

from dave.limits import PIECE_BYTES_MAX
from dave.names import Instant
from dave.node.shares.effects import Read
from dave.node.streams import LiveSource
from dave.share_limits import SHARE_READS_AHEAD
from dave.wire.shares import sizes_piece


class _Slice:
    """What is being read, or was."""

    __slots__ = ("data", "is_read")

    def __init__(self) -> None:
        self.data: bytes | None = None
        self.is_read = False


class ShareSender(LiveSource):
    """Sends shares of these sizes; 0: not held. One that cannot be read ends the stream: the asker
    sees which one is lacking, and asks for the others again. Reads `read_bytes` at a time, a
    multiple of PIECE_BYTES_MAX; `on_close` is called once."""

    __slots__ = (
        "_ahead", "_current", "_is_begun", "_is_over", "_on_close", "_read", "_read_bytes",
        "_shares", "_sizes", "_start",
    )  # fmt: skip

    def __init__(
        self,
        addresses: Sequence[bytes],
        sizes: Sequence[int],
        read: Read,
        read_bytes: int = PIECE_BYTES_MAX,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__()
        self._sizes = sizes
        self._read = read
        self._read_bytes = read_bytes
        self._on_close = on_close
        self._current = memoryview(b"")
        """The rest of what is being sent."""
        self._shares = deque(pair for pair in zip(addresses, sizes, strict=True) if pair[1])
        self._start = 0
        """Of the first share, so much has been asked of the disk."""
        self._ahead: deque[_Slice] = deque()
        self._is_begun = self._is_over = False

    def next_piece(self, now: Instant) -> bytes | memoryview | None:
        """See LiveSource."""
        if not self._is_begun:
            self._is_begun = True
            self._read_ahead()
            return sizes_piece(self._sizes)
        if not self._current:
            self._read_ahead()
            if not self._ahead:
                return None
            if not self._ahead[0].is_read:
                return b""
            data = self._ahead.popleft().data
            if data is None:
                self._stop()
                return None
            self._current = memoryview(data)
            self._read_ahead()
        piece = self._current[:PIECE_BYTES_MAX]
        self._current = self._current[PIECE_BYTES_MAX:]
        return piece

    def close(self) -> None:
        """See LiveSource."""
        self._stop()
        self._on_close()

    def _stop(self) -> None:
        self._is_over = True
        self._shares.clear()
        self._ahead.clear()
        self._current = memoryview(b"")

    def _read_ahead(self) -> None:
        while self._shares and len(self._ahead) < SHARE_READS_AHEAD:
            address, size = self._shares[0]
            start, count = self._start, min(self._read_bytes, size - self._start)
            self._start += count
            if self._start == size:
                self._shares.popleft()
                self._start = 0
            self._ahead.append(slice_ := _Slice())
            self._ask(address, start, count, slice_)

    def _ask(self, address: bytes, start: int, count: int, slice_: _Slice) -> None:
        def done(data: bytes | None, now: Instant) -> None:
            slice_.is_read = True
            slice_.data = data if data is not None and len(data) == count else None
            if not self._is_over:
                self.wake()

        self._read(address, start, count, done)
