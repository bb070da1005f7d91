"""The HTTP server of a node: its sockets, its bounds, how it starts and stops. What can be asked
stands in the modules that ROUTES names.
"""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from dave.edge.addresses import format_address, split_address
from dave.edge.http import (
    directory,
    entries,
    entries_put,
    events,
    health,
    metrics,
    openapi,
    own_names,
    page,
    shards,
    status,
    traffic,
    watch,
)
from dave.edge.http.bodies import no_answer_yet
from dave.edge.http.connections import HEADERS, SERVER, connections
from dave.edge.http.guard import Guard
from dave.edge.http.operations import Operation
from dave.edge.http.problems import problems
from dave.edge.http.service import Service
from dave.edge.http.token import load_or_make_token
from dave.edge.keyfile import Key
from dave.edge.limits import (
    HTTP_LINGER_SECONDS,
    HTTP_PORT_DEFAULT,
    HTTP_STOP_SECONDS,
)
from dave.edge.listen import bind_tcp

if TYPE_CHECKING:
    from dave.edge.node import Node

ROUTES: tuple[Callable[[Service], list[Operation]], ...] = (
    entries.routes,
    entries_put.routes,
    directory.routes,
    status.routes,
    health.routes,
    metrics.routes,
    events.routes,
    watch.routes,
    shards.routes,
    traffic.routes,
    own_names.routes,
    page.routes,
)
"""Each returns the operations of its module."""


class HttpServer:
    """Bound to its address when made; serves between `start` and `close`.

    Raises UsageError for a text that is no address, NetworkError for a name that does not resolve,
    AddressInUse, KeyFileError.
    """

    def __init__(self, node: "Node", listen: str, key: Key | Path | str | None) -> None:
        self._node = node
        self._key = key if isinstance(key, Key) or key is None else Key.load(key)
        self.token_path = node.world.folder.http_token
        self._token = load_or_make_token(self.token_path)
        name, _ = split_address(listen, HTTP_PORT_DEFAULT)
        self._hosts = frozenset((name.lower(), "localhost"))
        self._sockets = bind_tcp(listen, HTTP_PORT_DEFAULT)
        bound = [sock.getsockname()[:2] for sock in self._sockets]
        host, port = bound[0]
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        self.address = format_address((here, port))
        """HOST:PORT under which processes on this machine reach it."""
        self.is_open = any(not at.startswith("127.") and at != "::1" for at, _ in bound)
        """Whether other machines may reach it."""
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        """Serve."""
        node = self._node
        client = await self._stack.enter_async_context(node.connect(self._key))
        service = Service(node, client, self._key, self._token)
        runner = web.AppRunner(
            application(service, Guard(self._token, self._hosts)),
            handler_cancellation=True,
            shutdown_timeout=HTTP_LINGER_SECONDS,
        )
        await runner.setup()
        self._stack.push_async_callback(service.finish, HTTP_STOP_SECONDS)
        self._stack.push_async_callback(runner.cleanup)
        self._stack.push_async_callback(service.requests.finish, HTTP_STOP_SECONDS)
        self._stack.push_async_callback(service.stop)
        await service.start()
        assert runner.server is not None
        made, loop = connections(runner.server), asyncio.get_running_loop()
        for sock in self._sockets:
            listener = await loop.create_server(made, sock=sock)
            self._stack.callback(listener.close)

    async def close(self) -> None:
        """Take no more requests; those under way get a few seconds."""
        await self._stack.aclose()
        self.unbind()

    def unbind(self) -> None:
        """Give the address back."""
        for sock in self._sockets:
            sock.close()


def application(service: Service, guard: Guard) -> web.Application:
    """The application of aiohttp: guard, routes, headers."""
    app = web.Application(middlewares=[problems, service.requests.count, guard.check])
    operations = [operation for routes in ROUTES for operation in routes(service)]
    operations.append(openapi.operation(operations))
    access = {}
    for operation in operations:
        has_head = operation.method == "GET" and operation.answers_head
        for method in (operation.method, "HEAD") if has_head else (operation.method,):
            route = app.router.add_route(
                method, operation.path, operation.handler, expect_handler=no_answer_yet
            )
            access[route] = operation.access
    guard.access = access

    async def dress(request: web.Request, response: web.StreamResponse) -> None:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers["Server"] = SERVER  # aiohttp has said more by now

    app.on_response_prepare.append(dress)
    return app
