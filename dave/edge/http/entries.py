"""GET /v1/entries/OWNER/KEY: a value of any size, or the entry as it is signed.

Whoever wants no more than the value takes it by the node's word. application/x-dave-entry is the
whole entry with its signature, which the receiver can check for itself.

A name is a place where another version may stand at any time. So nothing may be taken from a cache
unasked (no-cache, RFC 9111 section 5.2.2.4); max-age, the time that the entry has left, says how
long it is worth keeping; ETag makes asking again cheap.
"""

import asyncio
import time
from email.utils import formatdate
from typing import Any

from aiohttp import web

from dave.edge.files.open import OpenFile
from dave.edge.http import queries
from dave.edge.http.conditions import condition, is_fresh, tag_of
from dave.edge.http.names import ENTRIES, KEY_PARAMETER, OWNER_PARAMETER, entry_of
from dave.edge.http.operations import Access, Doc, Operation, answer
from dave.edge.http.problems import Problem, log
from dave.edge.http.ranges import range_of
from dave.edge.http.service import Service, is_trusted
from dave.edge.limits import HTTP_STALL_SECONDS
from dave.errors import DaveError
from dave.names import hybrid_ms
from dave.node.results import Found, GetResult
from dave.uri import format_uri
from dave.wire.entry import Entry

ENTRY_TYPE = "application/x-dave-entry"
VALUE_TYPE = "application/octet-stream"
FOLDER_TYPE = "application/x-tar"

PATH = f"{ENTRIES}{{owner}}/{{key:(?s:.*)}}"

_QUERY = (queries.TIMEOUT, queries.QUORUM)


class Aborted(ConnectionError):
    """A response cannot be finished: its connection is closed, so that nobody takes it for all."""


class Reading:
    """The handler of GET and HEAD."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        owner, key = entry_of(request)
        query = queries.read(request, _QUERY)
        found = await self._service.client.read(
            owner, key, timeout=query["timeout"], quorum=query["quorum"]
        )
        entry = found.entry
        if found.found is not Found.FOUND or entry is None:
            was = "was deleted" if entry is not None else "is absent"
            raise Problem(404, f"{format_uri(owner, key)} {was}", deleted=entry is not None)
        wants_entry = wants(request, ENTRY_TYPE) > wants(request, VALUE_TYPE)
        digest = entry.digest(self._service.network)
        headers = _headers(entry, found, tag_of(digest, is_entry=wants_entry))
        if is_fresh(request, headers["ETag"]):
            return web.Response(status=304, headers=headers)
        if wants_entry:
            return web.Response(body=entry.data, content_type=ENTRY_TYPE, headers=headers)
        return await self._value(request, found, entry, headers)

    async def _value(
        self, request: web.Request, found: GetResult, entry: Entry, headers: dict[str, str]
    ) -> web.StreamResponse:
        if entry.is_private:
            if not is_trusted(request):
                raise Problem(
                    401, "this value is private: the node opens it for who shows the token",
                    {"WWW-Authenticate": 'Bearer realm="dave"'},
                )  # fmt: skip
            headers["Cache-Control"] += ", private"
        uri = format_uri(entry.owner, entry.key)
        file = await self._service.client.open_file(uri, found=found)
        assert file is not None
        kind = FOLDER_TYPE if file.is_folder else VALUE_TYPE
        if not wants(request, kind):
            raise Problem(406, f"this can be had as {kind} or {ENTRY_TYPE}")
        response = web.StreamResponse(headers=headers)
        response.content_type = kind
        span = range_of(request, file.size, headers["ETag"]) if request.method == "GET" else None
        if span is not None:
            file = await self._service.client.open_file(uri, found=found, range=span)
            assert file is not None
            response.set_status(206)
            response.headers["Content-Range"] = f"bytes {file.start}-{file.stop - 1}/{file.size}"
        response.content_length = file.stop - file.start
        if request.method == "HEAD":
            await response.prepare(request)
            return response
        if not file.is_blob:
            await _send(request, response, file)
            return response
        with self._service.stream(is_trusted=is_trusted(request)):
            await _send(request, response, file)
        return response


async def _send(request: web.Request, response: web.StreamResponse, file: OpenFile) -> None:
    """Send a content piece by piece, as fast as it is taken."""
    try:
        first = await anext(file.__aiter__(), None)  # what fails at once is told as such
        await response.prepare(request)
        try:
            piece = first
            while piece is not None:
                async with asyncio.timeout(HTTP_STALL_SECONDS):
                    await response.write(piece)
                piece = await anext(file, None)
        except TimeoutError:
            raise Aborted("the client takes nothing any more") from None
        except DaveError as error:
            log.warning("%s could not be sent whole: %s", request.rel_url.raw_path, error)
            raise Aborted(str(error)) from error
        await response.write_eof()
    finally:
        file.close()


def _headers(entry: Entry, found: GetResult, tag: str) -> dict[str, str]:
    """What is said of the version in either representation."""
    left = max(0, int(entry.expires_ms / 1000 - time.time()))
    return {
        "Accept-Ranges": "bytes",
        "Cache-Control": f"no-cache, max-age={left}",
        "Content-Disposition": "attachment",
        "Dave-Replicas": str(found.replicas),
        "Dave-Time": str(entry.time),
        "ETag": tag,
        "Last-Modified": formatdate(hybrid_ms(entry.time) // 1000, usegmt=True),
        "Vary": "Accept",
    }


def wants(request: web.Request, kind: str) -> float:
    """How much a media type is wanted (RFC 9110 section 12.5.1), 0 to 1. An entry is only given to
    who names it."""
    header = ", ".join(request.headers.getall("Accept", []))
    if not header.strip():
        return 0.0 if kind == ENTRY_TYPE else 1.0
    ranges = (kind,) if kind == ENTRY_TYPE else ("*/*", f"{kind.partition('/')[0]}/*", kind)
    best, exact = 0.0, -1
    for part in header.split(","):
        media, *parameters = (each.strip().lower() for each in part.split(";"))
        if media in ranges and ranges.index(media) > exact:
            exact = ranges.index(media)
            best = _quality(parameters)
    return best


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0


def _doc() -> Doc:
    def header(name: str, text: str) -> dict[str, Any]:
        schema = {"type": "string"}
        return {"name": name, "in": "header", "description": text, "schema": schema}

    tell = {
        name: {"description": text, "schema": {"type": "string"}}
        for name, text in (
            ("ETag", "The version's digest, in hex and quotes."),
            ("Last-Modified", "When its owner wrote it."),
            ("Cache-Control", "No use without asking again; max-age is the time left."),
            ("Dave-Time", "When its owner wrote it, as compare-and-set takes it."),
            ("Dave-Replicas", "How many nodes returned this version."),
        )
    }
    binary: dict[str, Any] = {"type": "string", "contentMediaType": VALUE_TYPE}
    value = answer("The value, or the entry.", VALUE_TYPE, binary)
    value["content"] |= {ENTRY_TYPE: {"schema": binary}, FOLDER_TYPE: {"schema": binary}}
    return Doc(
        "The value of an entry, of any size, or the entry as it is signed.",
        {
            200: value | {"headers": tell},
            206: answer("The range asked for.", VALUE_TYPE, binary) | {"headers": tell},
            304: answer("The version that If-None-Match names still stands.") | {"headers": tell},
        },
        (
            OWNER_PARAMETER, KEY_PARAMETER, *(query.parameter() for query in _QUERY),
            header("Range", "One range of bytes, such as bytes=0-999."),
            header("If-Range", "An ETag: the range only if that version stands."),
            condition("If-Match", "ETags: only if one of these versions stands."),
            condition("If-None-Match", "ETags: 304 if one of these versions stands."),
        ),
        problems={
            401: "The value is private, and the token was not shown.",
            404: "It is absent, was deleted, or cannot be: `deleted` says which.",
            406: "Accept names neither of the two forms.",
            412: "Another version stands than If-Match names.",
            416: "The range begins beyond the end.",
            502: "Who answered is on another network, or the owner stored what cannot be read.",
            503: "Parts of the file cannot be found, or too much is being sent.",
            504: "Too few nodes answered to say that it is absent.",
        },
    )  # fmt: skip


def routes(service: Service) -> list[Operation]:
    """The operations of this module."""
    return [Operation("GET", PATH, Reading(service).get, Access.OPEN, _doc())]
