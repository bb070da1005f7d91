"""What the handlers of a node's HTTP interface work with."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from dave.crypto.network import Network
from dave.edge.client import Client
from dave.edge.http.operations import Handler
from dave.edge.http.problems import Problem
from dave.edge.keyfile import Key
from dave.edge.limits import HTTP_STREAMS_MAX

if TYPE_CHECKING:
    from dave.edge.node import Node

TRUSTED = web.RequestKey("trusted", bool)
"""Set by the guard (guard.py)."""


class Service:
    """One per node that serves HTTP."""

    def __init__(self, node: "Node", client: Client, key: Key | None, token: str) -> None:
        self.node = node
        self.client = client
        """Connected to the node itself; signs with `key`."""
        self.key = key
        """What raw values are signed with (--http-key), if there is one."""
        self.token = token
        """A secret: whoever shows it may write."""
        self.on_start: list[Callable[[], Awaitable[None]]] = []
        """Called before the node serves HTTP: what runs beside the requests begins here."""
        self.on_stop: list[Callable[[], Awaitable[None]]] = []
        """Called once the node stops to listen, before the requests under way are waited for:
        what would go on for ever, such as a WebSocket, ends itself here."""
        self.requests = Requests()
        self._streams = {True: 0, False: 0}
        """By whether the token was shown: strangers who read do not keep the owner from writing."""
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def network(self) -> Network:
        """The node's."""
        return self.node.core.network

    @property
    def uploads(self) -> Path:
        """Where it is noted how far uploads came."""
        return self.node.world.folder.uploads

    def connect(self, key: Key | None) -> AbstractAsyncContextManager[Client]:
        """Another client of the node itself, which signs with `key`."""
        return self.node.connect(key)

    @contextmanager
    def stream(self, *, is_trusted: bool) -> Iterator[None]:
        """While something large comes or goes. Raises Problem if too many are at it already."""
        if self._streams[is_trusted] >= HTTP_STREAMS_MAX:
            raise Problem(
                503, f"{HTTP_STREAMS_MAX} transfers are under way: try again a little later",
                {"Retry-After": "1"},
            )  # fmt: skip
        self._streams[is_trusted] += 1
        try:
            yield
        finally:
            self._streams[is_trusted] -= 1

    async def start(self) -> None:
        """Have what runs beside the requests begin."""
        for begin in self.on_start:
            await begin()

    async def stop(self) -> None:
        """Have what goes on for ever end."""
        for end in self.on_stop:
            await end()

    def spawn(self, story: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Have something done beside the requests; `finish` waits for it."""
        task = asyncio.create_task(story)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def finish(self, seconds: float) -> None:
        """Give what was spawned so long to end."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in self._tasks:
            task.cancel()


class Requests:
    """The requests under way. aiohttp takes no more of a body once it shuts down; so they are
    waited for before that."""

    def __init__(self) -> None:
        self._count = 0
        self._is_stopping = False
        self._none = asyncio.Event()

    @web.middleware
    async def count(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """As a middleware."""
        if self._is_stopping:
            raise Problem(503, "the node is stopping", {"Connection": "close"})
        self._count += 1
        try:
            return await handler(request)
        finally:
            self._count -= 1
            if not self._count:
                self._none.set()

    async def finish(self, seconds: float) -> None:
        """Take no more, and give those under way so long."""
        self._is_stopping = True
        if self._count:
            self._none.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._none.wait(), seconds)


def is_trusted(request: web.Request) -> bool:
    """Whether the token was shown."""
    return bool(request.get(TRUSTED, False))
