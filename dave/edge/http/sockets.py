"""What the WebSockets of a node have in common: bounds, the handshake, and how they end."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import WSCloseCode, web

from dave.edge.http.operations import answer
from dave.edge.http.problems import Problem
from dave.edge.limits import SOCKET_MESSAGE_BYTES_MAX, SOCKET_PING_SECONDS, SOCKETS_MAX

PROTOCOL = "dave"
"""The subprotocol that is chosen. A browser has to offer one beside dave.token.TOKEN, which is
never repeated to it."""

Story = Callable[[Callable[[str], Awaitable[None]]], Awaitable[None]]
"""Called with what sends a text; the socket is closed when it returns."""

ANSWERS = {101: answer("A WebSocket (RFC 6455) of JSON objects, one a message.")}
PROBLEMS = {426: "This needs a WebSocket.", 503: "There are too many already."}


class Sockets:
    """All WebSockets of one kind of one server."""

    def __init__(self) -> None:
        self._open: dict[web.WebSocketResponse, None] = {}

    def check(self, request: web.Request) -> None:
        """Raises Problem for what is no WebSocket, and for one too many."""
        if request.headers.get("Upgrade", "").lower() != "websocket":
            raise Problem(
                426,
                "this is a WebSocket: connect with a client that speaks RFC 6455",
                {"Upgrade": "websocket", "Connection": "Upgrade"},
            )
        if len(self._open) >= SOCKETS_MAX:
            raise Problem(503, f"{SOCKETS_MAX} are open already: try later", {"Retry-After": "10"})

    async def serve(self, request: web.Request, story: Story) -> web.WebSocketResponse:
        """Accept a WebSocket that was checked, and tell it a story until either ends."""
        socket = web.WebSocketResponse(
            heartbeat=SOCKET_PING_SECONDS,
            max_msg_size=SOCKET_MESSAGE_BYTES_MAX,
            protocols=(PROTOCOL,),
        )
        self._open[socket] = None
        try:
            await socket.prepare(request)
            telling = asyncio.ensure_future(self._tell(socket, story))
            try:
                async for _ in socket:  # whatever it says, it is answered nothing
                    pass
            finally:
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)
        finally:
            del self._open[socket]
        return socket

    async def close(self) -> None:
        """The node stops."""
        for socket in list(self._open):
            await socket.close(code=WSCloseCode.GOING_AWAY, message=b"the node stops")

    async def _tell(self, socket: web.WebSocketResponse, story: Story) -> None:
        with suppress(ConnectionError):
            await story(socket.send_str)
            await socket.close()
