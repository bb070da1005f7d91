"""What the handlers of a node's HTTP interface work with."""

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from dave.crypto.network import Network
from dave.edge.client import Client
from dave.edge.connect import connect
from dave.edge.http.problems import Problem
from dave.edge.keyfile import Key
from dave.edge.limits import HTTP_STREAMS_MAX

if TYPE_CHECKING:
    import asyncio

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
        self._streams = 0
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
        return connect_to(self.node, key)

    @contextmanager
    def stream(self) -> Iterator[None]:
        """While something large comes or goes. Raises Problem if too many are at it already."""
        if self._streams >= HTTP_STREAMS_MAX:
            raise Problem(
                503, f"{HTTP_STREAMS_MAX} transfers are under way: try again a little later",
                {"Retry-After": "1"},
            )  # fmt: skip
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1

    def spawn(self, story: Coroutine[Any, Any, None]) -> None:
        """Have something done beside the requests; `finish` waits for it."""
        import asyncio

        task = asyncio.create_task(story)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self, seconds: float) -> None:
        """Give what was spawned so long to end."""
        import asyncio

        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in self._tasks:
            task.cancel()


def connect_to(node: "Node", key: Key | None) -> AbstractAsyncContextManager[Client]:
    """A client of a node in this very process."""
    at = f"{node.address}#{node.public_key}"
    return connect(at, key=key, network=node.config.network, secret=node.config.secret)


def is_trusted(request: web.Request) -> bool:
    """Whether the token was shown."""
    return bool(request.get(TRUSTED, False))
