"""GET /v1/names: the names of the owner whose key the node was given, and what the node renews."""

import asyncio
import time
from typing import Any

from aiohttp import web

from dave.edge.fields import key_text, name_fields
from dave.edge.http.directory import NAME
from dave.edge.http.operations import Access, Doc, Operation, answer
from dave.edge.http.service import Service
from dave.edge.limits import NAMES_KEPT_SECONDS, NAMES_KEPT_SECONDS_EACH, NAMES_TOLD_MAX
from dave.edge.receipt import Name
from dave.errors import DaveError, Incomplete
from dave.uri import owner_name, parse_name

SCHEMA = {
    "type": "object",
    "required": ["owner", "count", "names", "problem", "renewed"],
    "properties": {
        "owner": {
            "type": ["string", "null"],
            "description": "null: the node was given no key (--http-key).",
        },
        "count": {"type": "integer", "description": "How many names there are."},
        "names": {
            "type": "array",
            "items": NAME,
            "description": "What the owner's directory says, as `dave ls`: what expires first, "
            f"at most {NAMES_TOLD_MAX}.",
        },
        "problem": {
            "type": ["string", "null"],
            "description": "Why that is not all, or could not be read.",
        },
        "renewed": {
            "type": "array",
            "items": {"type": "object"},
            "description": "What the node renews, as `dave keep ls --json` and with `key` or "
            "`key_base64`, of whatever owner.",
        },
    },
}


class Names:
    """What the directory says. Reading it costs the network a get for each twenty names, so that it
    is read again the later the more there are."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._names: list[Name] = []
        self._problem: str | None = None
        self._good_until = float("-inf")
        self._in_hand = asyncio.Lock()

    async def get(self) -> dict[str, Any]:
        """Names and renewals."""
        key = self._service.key
        async with self._in_hand:
            if key is not None and time.monotonic() >= self._good_until:
                await self._read(key.owner)
                wait = max(NAMES_KEPT_SECONDS, NAMES_KEPT_SECONDS_EACH * len(self._names))
                self._good_until = time.monotonic() + wait
        kept, now = await self._service.node.renewals.told({}), time.time()
        return {
            "owner": None if key is None else owner_name(key.owner),
            "count": len(self._names),
            "names": [name_fields(name, now) for name in self._names[:NAMES_TOLD_MAX]],
            "problem": self._problem,
            "renewed": [
                each | {"key": key_text(parse_name(each["uri"])[1])} for each in kept["kept"]
            ],
        }

    async def _read(self, owner: bytes) -> None:
        try:
            names, self._problem = await self._service.client.ls(owner), None
        except Incomplete as error:
            names, self._problem = error.part, str(error)
        except DaveError as error:
            self._problem = str(error)
            return
        self._names = sorted(names, key=lambda name: (name.expires, name.key))


def routes(service: Service) -> list[Operation]:
    """The operations of this module."""
    own = Names(service)

    async def names(request: web.Request) -> web.Response:
        return web.json_response(await own.get())

    return [
        Operation("GET", "/v1/names", names, Access.INSIDE, Doc(
            "The names of the node's own owner, and what the node renews.",
            {200: answer("Names and renewals.", "application/json", SCHEMA)},
            description=f"Some {NAMES_KEPT_SECONDS} seconds old, more where there are many names.",
        )),
    ]  # fmt: skip
