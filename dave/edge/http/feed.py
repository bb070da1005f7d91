"""From the notices of the core to the sockets of /v1/events.

While somebody listens, a task takes the notices ten times a second. Each is made into text once,
however many listen, and of a kind at most EVENTS_PER_DRAIN are; what is beyond that is counted, so
that a burst of ten thousand entries costs the node little and tells the listener how large it was.
Who reads slowly loses the oldest of what waits for it, and is told how many.
"""

import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection

from dave.edge.http.event_json import KINDS, event_of, kind_of
from dave.edge.limits import EVENT_DRAIN_SECONDS, EVENTS_PER_DRAIN, EVENTS_QUEUED_MAX
from dave.node.node import Node as Core
from dave.node.notices import Notices


class Listener:
    """What waits for one socket."""

    def __init__(self, kinds: Collection[str]) -> None:
        self.kinds = frozenset(kinds)
        self._queue: deque[str] = deque()
        self._missed = 0
        self._news = asyncio.Event()

    def push(self, text: str) -> None:
        """An event, as JSON."""
        if len(self._queue) >= EVENTS_QUEUED_MAX:
            self._queue.popleft()
            self._missed += 1
        self._queue.append(text)
        self._news.set()

    def miss(self, count: int) -> None:
        """So many events are not told."""
        if count:
            self._missed += count
            self._news.set()

    async def run(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Send what comes, until cancelled; what `send` raises ends it too."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._queue or self._missed:
                if self._missed:
                    missed, self._missed = self._missed, 0
                    await send(json.dumps({"kind": "missed", "count": missed}))
                if self._queue:
                    await send(self._queue.popleft())


class Feed:
    """All listeners of one node."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._listeners: dict[Listener, None] = {}
        self._notices = Notices()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._listeners)

    def join(self, kinds: Collection[str] = KINDS) -> Listener:
        """Somebody listens; the first makes the core tell."""
        listener = Listener(kinds)
        self._listeners[listener] = None
        if self._task is None:
            self._notices = Notices()
            self._core.listen(self._notices)
            self._task = asyncio.create_task(self._run())
        return listener

    def leave(self, listener: Listener) -> None:
        """Somebody listens no more; the last makes the core stop telling."""
        del self._listeners[listener]
        if not self._listeners and self._task is not None:
            self._core.listen(None)
            self._task.cancel()
            self._task = None

    def drain(self) -> None:
        """Tell what has happened since the last time."""
        notices = self._notices
        lost, notices.missed = notices.missed, 0
        counts: Counter[str] = Counter()
        now, table = time.time(), self._core.table
        for notice in notices.take():
            kind = kind_of(notice)
            counts[kind] += 1
            listeners = [each for each in self._listeners if kind in each.kinds]
            if listeners and counts[kind] <= EVENTS_PER_DRAIN:
                text = json.dumps(event_of(notice, table, now))
                for listener in listeners:
                    listener.push(text)
        over = {kind: max(0, count - EVENTS_PER_DRAIN) for kind, count in counts.items()}
        for listener in self._listeners:
            listener.miss(lost + sum(over.get(kind, 0) for kind in KINDS if kind in listener.kinds))

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVENT_DRAIN_SECONDS)
            self.drain()
