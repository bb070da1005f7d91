"""One connection to the HTTP interface, as aiohttp keeps it, and how many there may be.

What is no HTTP is answered like every other problem, and not logged: aiohttp would write a
traceback for each, with what the stranger has sent.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.web_request import BaseRequest

from dave.edge.addresses import is_this_machine
from dave.edge.http.problems import problem
from dave.edge.limits import (
    HTTP_CONNECTIONS_MAX,
    HTTP_CONNECTIONS_OUTSIDE_MAX,
    HTTP_FIELDS_MAX,
    HTTP_HEAD_BYTES_MAX,
    HTTP_IDLE_SECONDS,
    HTTP_LINGER_SECONDS,
)

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
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)


class Connection(web.RequestHandler):
    """Reads requests, hands them on, and writes what comes back."""

    __slots__ = ("_head_bytes", "_server", "is_outside")

    def __init__(self, server: web.Server, **options: Any) -> None:
        super().__init__(server, **options)
        self._server = server
        self._head_bytes = 0
        """That came since a request was last begun."""
        self.is_outside = False
        """Whether another machine is at its other end."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has come, and may be one too many."""
        super().connection_made(transport)
        self.is_outside = not is_this_machine(transport.get_extra_info("peername")[0])
        known = self._server.connections
        outside = sum(isinstance(each, Connection) and each.is_outside for each in known)
        if len(known) > HTTP_CONNECTIONS_MAX or (
            self.is_outside and outside > HTTP_CONNECTIONS_OUTSIDE_MAX
        ):
            self._refuse(_FULL)

    def data_received(self, data: bytes) -> None:
        """What came is parsed. aiohttp bounds each line of a head, and this all of them."""
        super().data_received(data)
        if self._waiter is None or self._waiter.done():  # a request is under way
            self._head_bytes = 0
            return
        self._head_bytes += len(data)
        if self._head_bytes > HTTP_HEAD_BYTES_MAX:
            self._refuse(_TOO_LARGE)

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

    def _refuse(self, answer: bytes) -> None:
        if self.transport is not None:
            self.transport.write(answer)
        self.force_close()


def connections(server: web.Server) -> Callable[[], asyncio.Protocol]:
    """Makes a protocol for each connection that comes in."""
    options: dict[str, Any] = {
        "loop": asyncio.get_running_loop(),
        "access_log": None,
        "auto_decompress": False,
        "keepalive_timeout": HTTP_IDLE_SECONDS,
        "lingering_time": HTTP_LINGER_SECONDS,
        "max_headers": HTTP_FIELDS_MAX,
    }
    return lambda: Connection(server, **options)
