"""GET /v1/entries/OWNER: the names that an owner has, from the owner's directory."""

import asyncio
import time

from aiohttp import web

from dave.edge.fields import name_fields
from dave.edge.http import queries
from dave.edge.http.names import ENTRIES, OWNER_PARAMETER, owner_of
from dave.edge.http.operations import Access, Doc, Operation, answer
from dave.edge.http.service import Service, is_trusted
from dave.edge.limits import HTTP_LISTINGS_MAX
from dave.errors import Incomplete

_QUERY = (queries.PREFIX, queries.LIMIT, queries.TIMEOUT)

NAME = {
    "type": "object",
    "required": ["uri", "owner", "key", "size", "time", "written", "expires", "seconds_left"],
    "properties": {
        "uri": {"type": "string"},
        "owner": {"type": "string"},
        "key": {"type": "string", "description": "For people; `uri` has every byte of it."},
        "size": {"type": "integer", "description": "Bytes of the value."},
        "time": {"type": "integer", "description": "What compare-and-set takes."},
        "written": {"type": "number", "description": "Unix seconds."},
        "expires": {"type": "number", "description": "Unix seconds."},
        "seconds_left": {"type": "number"},
    },
}
"""What is said of a name (dave/edge/fields.py)."""

_NAMES = {
    "type": "object",
    "required": ["names", "complete"],
    "properties": {
        "names": {"type": "array", "items": NAME},
        "complete": {"type": "boolean", "description": "Whether these are all that there are."},
    },
}


def routes(service: Service) -> list[Operation]:
    """The operations of this module."""
    strangers = asyncio.Semaphore(HTTP_LISTINGS_MAX)

    async def names(request: web.Request) -> web.Response:
        owner = owner_of(request)
        query = queries.read(request, _QUERY)
        is_owner = is_trusted(request)
        with service.stream(is_trusted=is_owner):  # it may have thousands of pages
            if not is_owner:
                await strangers.acquire()
            try:
                found = await service.client.ls(
                    owner, query["prefix"] or b"", timeout=query["timeout"]
                )
                is_all = True
            except Incomplete as error:
                found, is_all = error.part, False
            finally:
                if not is_owner:
                    strangers.release()
        now, limit = time.time(), query["limit"]
        told = [name_fields(name, now) for name in found[:limit]]
        return web.json_response({"names": told, "complete": is_all and len(found) <= limit})

    return [
        Operation("GET", f"{ENTRIES}{{owner}}", names, Access.OPEN, Doc(
            "The names that an owner lists, in the order of their bytes.",
            {200: answer("What `dave ls --json` prints, as one object.", "application/json",
                         _NAMES)},
            (OWNER_PARAMETER, *(query.parameter() for query in _QUERY)),
            problems={
                404: "There cannot be an owner of that name.",
                502: "Who answered is on another network, or the directory is none.",
                503: "Too much is under way.",
                504: "Nobody answered in time.",
            },
        )),
    ]  # fmt: skip
