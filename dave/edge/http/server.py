"""The HTTP server of a node: its sockets, its bounds, how it starts and stops. What can be asked
stands in the modules that ROUTES names.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from dave.edge.addresses import format_address, split_address
from dave.edge.connect import connect
from dave.edge.http import metrics, status
from dave.edge.http.guard import Guard
from dave.edge.http.operations import Operation
from dave.edge.http.problems import problems
from dave.edge.http.service import Service
from dave.edge.http.token import load_or_make_token
from dave.edge.keyfile import Key
from dave.edge.limits import (
    HTTP_CONNECTIONS_MAX,
    HTTP_IDLE_SECONDS,
    HTTP_PORT_DEFAULT,
    HTTP_STOP_SECONDS,
)
from dave.edge.listen import bind_tcp

if TYPE_CHECKING:
    from dave.edge.node import Node

ROUTES: tuple[Callable[[Service], list[Operation]], ...] = (status.routes, metrics.routes)
"""Each returns the operations of its module."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of every response that does not say otherwise: what somebody stored is never run as a page of
this server's."""


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
        self._stack = AsyncExitStack()

    @property
    def address(self) -> str:
        """HOST:PORT under which processes on this machine reach it."""
        host, port = self._sockets[0].getsockname()[:2]
        return format_address(({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port))

    @property
    def is_open(self) -> bool:
        """Whether other machines may reach it."""
        hosts = [sock.getsockname()[0] for sock in self._sockets]
        return any(not host.startswith("127.") and host != "::1" for host in hosts)

    async def start(self) -> None:
        """Serve."""
        node, config = self._node, self._node.config
        at = f"{node.address}#{node.public_key}"
        client = await self._stack.enter_async_context(
            connect(at, key=self._key, network=config.network, secret=config.secret)
        )
        service = Service(node, client, self._key, self._token)
        runner = web.AppRunner(
            application(service, Guard(self._token, self._hosts)),
            access_log=None,
            auto_decompress=False,
            handler_cancellation=True,
            keepalive_timeout=HTTP_IDLE_SECONDS,
            lingering_time=0.0,
            shutdown_timeout=HTTP_STOP_SECONDS,
        )
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        assert runner.server is not None
        for sock in self._sockets:
            await self._listen(runner.server, sock)

    async def close(self) -> None:
        """Take no more requests; those under way get a few seconds."""
        await self._stack.aclose()
        self.unbind()

    def unbind(self) -> None:
        """Give the address back."""
        for sock in self._sockets:
            sock.close()

    async def _listen(self, server: web.Server, sock: socket.socket) -> None:
        def protocol() -> asyncio.Protocol:
            return server() if len(server.connections) < HTTP_CONNECTIONS_MAX else _Full()

        listener = await asyncio.get_running_loop().create_server(protocol, sock=sock)
        self._stack.callback(listener.close)


class _Full(asyncio.Protocol):
    """For connections beyond the bound."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
                        b"Content-Length: 0\r\nConnection: close\r\n\r\n")  # fmt: skip
        transport.close()


def application(service: Service, guard: Guard) -> web.Application:
    """The application of aiohttp: guard, routes, headers."""
    app = web.Application(middlewares=[problems, guard.check])
    access = {}
    for routes in ROUTES:
        for operation in routes(service):
            methods = ("GET", "HEAD") if operation.method == "GET" else (operation.method,)
            for method in methods:
                route = app.router.add_route(method, operation.path, operation.handler)
                access[route] = operation.access
    guard.access = access

    async def dress(request: web.Request, response: web.StreamResponse) -> None:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers["Server"] = "dave"  # aiohttp has said more by now

    async def stop(app: web.Application) -> None:
        for end in service.on_stop:
            await end()

    app.on_response_prepare.append(dress)
    app.on_shutdown.append(stop)
    return app
