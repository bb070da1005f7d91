"""Bodies of requests: read in pieces while somebody waits for them, within bounds."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from dave.edge.http.problems import Problem
from dave.edge.limits import HTTP_PIECE_BYTES, HTTP_STALL_SECONDS


def check_form(request: web.Request) -> None:
    """Raise Problem for a body whose bytes are not what is meant by it."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem(415, "the body is stored as it is: send it without a Content-Encoding")
    if request.headers.get("Transfer-Encoding", "chunked").strip().lower() != "chunked":
        raise Problem(
            415, "the body is stored as it is: no Transfer-Encoding but chunked is undone"
        )
    if request.content_type.startswith("multipart/"):
        raise Problem(
            415,
            "a form is not a value: send the bytes alone (curl --data-binary @FILE, or -T FILE)",
        )
    if "Content-Range" in request.headers:
        raise Problem(400, "a part of a value cannot be put: send all of it, without Content-Range")


async def pieces(request: web.Request) -> AsyncIterator[bytes]:
    """The body. Raises Problem where it does not come, or is cut off."""
    _go_on(request)
    try:
        while True:
            async with asyncio.timeout(HTTP_STALL_SECONDS):
                piece = await request.content.read(HTTP_PIECE_BYTES)
            if not piece:
                return
            yield piece
    except TimeoutError:
        raise Problem(
            408,
            f"nothing of the body has come for {HTTP_STALL_SECONDS:g} s",
            {"Connection": "close"},
        ) from None
    except (web.PayloadAccessError, web.RequestPayloadError, HttpProcessingError) as error:
        raise Problem(400, f"the body cannot be read: {error}") from None


async def whole(request: web.Request, limit: int) -> bytes:
    """A body of at most `limit` bytes. Raises Problem."""
    parts, size = [], 0
    too_large = Problem(413, f"this takes at most {limit:,} bytes")
    if (request.content_length or 0) > limit:
        raise too_large
    async for piece in pieces(request):
        size += len(piece)
        if size > limit:
            raise too_large
        parts.append(piece)
    return b"".join(parts)


async def no_answer_yet(request: web.Request) -> None:
    """In place of aiohttp's answer to Expect, which comes before anybody has looked at the request:
    `pieces` says 100 Continue, once the body is wanted."""
    if request.headers.get("Expect", "100-continue").lower() != "100-continue":
        raise web.HTTPExpectationFailed(text="Expect takes 100-continue only")


def _go_on(request: web.Request) -> None:
    if "Expect" in request.headers and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
