"""PUT and DELETE /v1/entries/OWNER/KEY.

A body of type application/x-dave-entry is an entry that its owner has signed and stamped: it is
checked and handed on, whoever that is. Anything else is a value of any size, signed with the key
that the node was given (--http-key), and so only for that owner. It is streamed: what does not fit
an entry becomes a file while it comes. An upload that is cut off leaves nothing behind.
"""

import asyncio
import json
from contextlib import suppress
from typing import Any

from aiohttp import web

from dave.edge.fields import receipt_fields
from dave.edge.http import bodies, queries
from dave.edge.http.conditions import condition, guard_time, tag_of
from dave.edge.http.entries import ENTRY_TYPE, PATH, VALUE_TYPE
from dave.edge.http.names import KEY_PARAMETER, OWNER_PARAMETER, entry_of, path_of
from dave.edge.http.operations import Access, Doc, Operation, answer
from dave.edge.http.problems import Problem
from dave.edge.http.service import Service
from dave.edge.limits import HTTP_SETTLE_SECONDS
from dave.edge.receipt import Receipt
from dave.errors import Conflict, DaveError, EntryError, NotStored, WireError
from dave.limits import ENTRY_BYTES_MAX, TTL_SECONDS_MAX
from dave.names import HybridTime, Owner
from dave.node.results import Found, GetResult
from dave.uri import owner_name
from dave.wire.entry import Entry, check_put

_FULL = frozenset(("low_rank", "over_share", "too_large", "read_only"))
"""Refusals that say that there is no room."""

_VALUE_QUERY = (queries.TTL, queries.LISTED, queries.CODE, queries.TIMEOUT)
_ENTRY_QUERY = (queries.TIMEOUT,)
_DELETE_QUERY = (queries.LISTED, queries.TIMEOUT)


class Writing:
    """The handlers of PUT and DELETE."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def put(self, request: web.Request) -> web.Response:
        """Answer a PUT."""
        owner, key = entry_of(request)
        bodies.check_form(request)
        if request.content_type == ENTRY_TYPE:
            query = queries.read(request, _ENTRY_QUERY)
            entry = await _entry(request, owner, key)
            standing, cas = await self._expected(request, owner, key, query["timeout"])
            put = self._service.client.put_entry(entry, cas=cas, timeout=query["timeout"])
            return _told(await _judged(put), standing)
        query = queries.read(request, _VALUE_QUERY)
        self._check_owner(owner)
        _check_key(key)
        standing, cas = await self._expected(request, owner, key, query["timeout"])
        with self._service.stream(is_trusted=True):
            return _told(await _judged(self._value(request, key, cas, query)), standing)

    async def delete(self, request: web.Request) -> web.Response:
        """Answer a DELETE."""
        owner, key = entry_of(request)
        query = queries.read(request, _DELETE_QUERY)
        self._check_owner(owner)
        _check_key(key)
        standing, cas = await self._expected(request, owner, key, query["timeout"])
        if standing.found is not Found.FOUND:
            raise Problem(404, "it is absent, or was deleted before")
        delete = self._service.client.delete(key, cas=cas, uploads=self._service.uploads, **query)
        return _told(await _judged(delete), standing, tagged=False)

    def _check_owner(self, owner: Owner) -> None:
        """Whether the node can sign for that owner."""
        key = self._service.key
        if key is None:
            raise Problem(
                403,
                "this node signs nothing: start it with --http-key FILE, or put a complete entry "
                f"({ENTRY_TYPE})",
            )
        if key.owner != owner:
            raise Problem(
                403, f"this node signs for {owner_name(key.owner)} only; of other owners it takes "
                f"complete entries ({ENTRY_TYPE})",
            )  # fmt: skip

    async def _expected(
        self, request: web.Request, owner: Owner, key: bytes, seconds: float
    ) -> tuple[GetResult, HybridTime | None]:
        """The version that stands, and what compare-and-set is to expect."""
        standing = await self._service.client.read(owner, key, timeout=seconds, quorum=2)
        entry = standing.entry
        digest = b"" if entry is None else entry.digest(self._service.network)
        return standing, guard_time(request, standing, digest)

    async def _value(
        self, request: web.Request, key: bytes, cas: HybridTime | None, query: dict[str, Any]
    ) -> Receipt:
        """Put the body."""
        client, uploads = self._service.client, self._service.uploads
        try:
            return await client.put_file(
                key, bodies.pieces(request), cas=cas, uploads=uploads, **query
            )
        except (DaveError, Problem, OSError, asyncio.CancelledError):
            self._service.spawn(self._drop(key, query["timeout"]))
            raise

    async def _drop(self, key: bytes, seconds: float) -> None:
        with suppress(DaveError, OSError):
            await self._service.client.drop_upload(
                key, uploads=self._service.uploads, timeout=seconds
            )


async def _entry(request: web.Request, owner: Owner, key: bytes) -> Entry:
    """The entry in the body, which must be the one that the path names."""
    try:
        entry = Entry(await bodies.whole(request, ENTRY_BYTES_MAX))
    except WireError as error:
        raise Problem(400, f"this is no entry: {error}") from None
    if (entry.owner, entry.key) != (owner, key):
        raise Problem(400, "the entry is of another owner or key than the path names")
    return entry


def _check_key(key: bytes) -> None:
    try:
        check_put(key, b"", TTL_SECONDS_MAX)
    except EntryError as error:
        raise Problem(403, str(error)) from None


async def _judged(put: Any) -> Receipt:
    """The receipt, once all nodes have answered or a moment has passed."""
    try:
        receipt: Receipt = await put
    except NotStored as error:
        if error.receipt is None:
            raise
        reasons = {refusal.reason for refusal in error.receipt.refused}
        status = 507 if reasons & _FULL else 503
        raise Problem(status, str(error), receipt=receipt_fields(error.receipt)) from error
    except Conflict as error:
        raise Problem(412, str(error), **_winner(error.winner)) from error
    with suppress(TimeoutError):
        async with asyncio.timeout(HTTP_SETTLE_SECONDS):
            await receipt.settled()
    return receipt


def _winner(winner: Entry | None) -> dict[str, Any]:
    return {} if winner is None else {"time": winner.time}


def _told(receipt: Receipt, before: GetResult, *, tagged: bool = True) -> web.Response:
    headers = {"Location": path_of(receipt.owner, receipt.key)}
    if tagged:
        headers["ETag"] = tag_of(receipt.digest)
    return web.Response(
        status=200 if before.found is Found.FOUND else 201,
        text=json.dumps(receipt_fields(receipt)),
        content_type="application/json",
        headers=headers,
    )


_CONDITIONS = (
    condition("If-Match", "ETags: only if one of these versions stands (compare-and-set)."),
    condition("If-None-Match", "*: only if none stands."),
)
_RECEIPT = {
    "type": "object",
    "required": ["uri", "owner", "key", "digest", "time", "stored", "asked", "replicas", "refused",
                 "expires", "work_hashes", "seconds"],
    "properties": {
        "uri": {"type": "string"},
        "owner": {"type": "string"},
        "key": {"type": "string"},
        "digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "time": {"type": "integer", "description": "What compare-and-set takes."},
        "stored": {"type": "integer", "description": "Nodes that have committed it."},
        "asked": {"type": "integer", "description": "Nodes that were asked."},
        "replicas": {"type": "array", "items": {"type": "string"}},
        "refused": {"type": "array", "items": {"type": "object"}},
        "expires": {"type": "number", "description": "Unix seconds."},
        "work_hashes": {"type": "integer"},
        "seconds": {"type": "number"},
    },
}  # fmt: skip
_WRITE_PROBLEMS = {
    404: "There cannot be an entry of that name.",
    412: "Another version stands than the request expects.",
    502: "Who answered is on another network.",
    503: "Too few nodes stored it; `receipt` says who refused and why. Or too much is under way.",
    504: "Nobody answered in time.",
    507: "Nodes have no room for it; `receipt` says which.",
}


def routes(service: Service) -> list[Operation]:
    """The operations of this module."""
    writing = Writing(service)
    binary = {"schema": {"type": "string", "contentMediaType": VALUE_TYPE}}
    receipt = answer("Stored; what `dave put --json` prints.", "application/json", _RECEIPT)
    return [
        Operation("PUT", PATH, writing.put, Access.TOKEN, Doc(
            "Put a value, or a complete entry of any owner.",
            {200: receipt, 201: receipt},
            (OWNER_PARAMETER, KEY_PARAMETER, *(q.parameter() for q in _VALUE_QUERY), *_CONDITIONS),
            body={
                "description": "The value, signed by the node with its --http-key; its type is not "
                f"kept. As {ENTRY_TYPE}, a complete signed and stamped entry.",
                "content": {VALUE_TYPE: binary, ENTRY_TYPE: binary},
                "required": True,
            },
            problems=_WRITE_PROBLEMS | {
                408: "The body does not come.",
                413: "An entry larger than entries are.",
                415: "A form, or a body with a Content-Encoding.",
            },
        )),
        Operation("DELETE", PATH, writing.delete, Access.TOKEN, Doc(
            "Retract an entry of the owner whose key the node has.",
            {200: answer("Deleted; what `dave rm --json` prints.", "application/json", _RECEIPT)},
            (OWNER_PARAMETER, KEY_PARAMETER, *(q.parameter() for q in _DELETE_QUERY),
             *_CONDITIONS[:1]),
            problems=_WRITE_PROBLEMS | {404: "It is absent, was deleted before, or cannot be."},
        )),
    ]  # fmt: skip
