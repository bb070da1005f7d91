"""One connection to the HTTP interface, as aiohttp keeps it, and how many there may be.

What is no HTTP is answered like every other problem, and not logged: aiohttp would write a
traceback for each, with what the stranger has sent.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.web_request import BaseRequest

from dave.edge.http.problems import problem
from dave.edge.limits import HTTP_CONNECTIONS_MAX, HTTP_IDLE_SECONDS, HTTP_LINGER_SECONDS

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of every response that does not say otherwise: what somebody stored is never run as a page of
this server's."""
SERVER = "dave"
"""What the Server header says; no versions."""

_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)


class Connection(web.RequestHandler):
    """Reads requests, hands them on, and writes what comes back."""

    __slots__ = ()

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is answered to what is no request."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun: nobody is to take the rest for its end")
        what = (message or "no request").splitlines()[0].rstrip(":")
        response = problem(status, f"this is no HTTP: {what}", headers=HEADERS | {"Server": SERVER})
        response.force_close()
        return response


class _Full(asyncio.Protocol):
    """For connections beyond the bound."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(_FULL)
        transport.close()


def connections(server: web.Server) -> Callable[[], asyncio.Protocol]:
    """Makes a protocol for each connection that comes in."""
    loop = asyncio.get_running_loop()
    options: dict[str, Any] = {
        "access_log": None,
        "auto_decompress": False,
        "keepalive_timeout": HTTP_IDLE_SECONDS,
        "lingering_time": HTTP_LINGER_SECONDS,
    }

    def protocol() -> asyncio.Protocol:
        if len(server.connections) >= HTTP_CONNECTIONS_MAX:
            return _Full()
        return Connection(server, loop=loop, **options)

    return protocol
