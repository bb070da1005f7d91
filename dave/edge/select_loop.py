"""As much of asyncio's loop as the bulk channel's sockets need, for the blocking driver: importing
asyncio would double the time in which a command starts."""

from collections.abc import Callable
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector
from typing import Any

from dave.names import SECOND, Instant

Call = Callable[[], None]


class Watched:
    """What a file descriptor's events call. Once it is watched no more both are None: the events of
    one round may still name it."""

    __slots__ = ("reader", "writer")

    def __init__(self) -> None:
        self.reader: Call | None = None
        self.writer: Call | None = None

    def call(self, events: int) -> None:
        """These events came."""
        if events & EVENT_READ and self.reader is not None:
            self.reader()
        if events & EVENT_WRITE and self.writer is not None:
            self.writer()


class SelectLoop:
    """Watches file descriptors by a selector that somebody else waits on, who calls `call` of the
    `Watched` that come, and `call_due`."""

    def __init__(self, selector: BaseSelector, now: Callable[[], Instant]) -> None:
        self._selector = selector
        self._now = now
        self._watched: dict[int, Watched] = {}
        self._calls: list[tuple[Instant, Call]] = []

    def add_reader(self, fd: int, callback: Callable[..., None], *args: Any) -> None:
        """Call it whenever there is something to read."""
        self._watch(fd, partial(callback, *args), self._present(fd).writer)

    def add_writer(self, fd: int, callback: Callable[..., None], *args: Any) -> None:
        """Call it whenever there is room to write."""
        self._watch(fd, self._present(fd).reader, partial(callback, *args))

    def remove_reader(self, fd: int) -> None:
        """Watch for that no more; it need not be watched for."""
        self._watch(fd, None, self._present(fd).writer)

    def remove_writer(self, fd: int) -> None:
        """Watch for that no more; it need not be watched for."""
        self._watch(fd, self._present(fd).reader, None)

    def call_later(self, seconds: float, callback: Callable[..., None], *args: Any) -> None:
        """Call it once, after so long."""
        self._calls.append((self._now() + int(seconds * SECOND), partial(callback, *args)))

    @property
    def due(self) -> Instant | None:
        """When `call_due` wants to be called, or None."""
        return min((due for due, _ in self._calls), default=None)

    def call_due(self, now: Instant) -> None:
        """Call what is due."""
        calls, self._calls = self._calls, []
        for due, call in calls:
            if due <= now:
                call()
            else:
                self._calls.append((due, call))

    def _present(self, fd: int) -> Watched:
        return self._watched.get(fd) or Watched()

    def _watch(self, fd: int, reader: Call | None, writer: Call | None) -> None:
        watched = self._watched.get(fd)
        is_new = watched is None
        if watched is None:
            watched = Watched()
        watched.reader, watched.writer = reader, writer
        events = (EVENT_READ if reader else 0) | (EVENT_WRITE if writer else 0)
        if events and is_new:
            self._watched[fd] = watched
            self._selector.register(fd, events, watched)
        elif events:
            self._selector.modify(fd, events, watched)
        elif not is_new:
            del self._watched[fd]
            self._selector.unregister(fd)
