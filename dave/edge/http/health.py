"""GET /healthz: the node puts and gets an entry, as a client of it would. GET /readyz: whether work
may be sent to it.

A check is worth its while for some seconds: whoever asks in between is told the last one's result,
and who asks during one waits for it. The entry is of a key made at the start, is in no directory,
and lives a minute.
"""

import asyncio
import time
from contextlib import AsyncExitStack
from typing import Any

from aiohttp import web

from dave.edge.client import Client
from dave.edge.http.operations import Access, Doc, Operation, answer
from dave.edge.http.problems import Problem
from dave.edge.http.service import Service
from dave.edge.keyfile import Key
from dave.edge.limits import HTTP_HEALTH_SECONDS, HTTP_HEALTH_TIMEOUT_SECONDS
from dave.errors import DaveError

JSON = "application/json"
TTL_SECONDS = 60
NAME = "health"


class Health:
    """The check, at most one at a time."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._key = Key.generate()
        self._stack = AsyncExitStack()
        self._client: Client | None = None
        self._checking: asyncio.Task[None] | None = None
        self._result: dict[str, Any] = {}
        self._checked_at = 0.0
        self._failure = ""
        self._count = 0
        service.on_stop.append(self._stack.aclose)

    async def result(self) -> dict[str, Any]:
        """What the last check found, or a new one. Raises Problem if it failed."""
        if self._checking is None and (
            not self._count or time.monotonic() - self._checked_at > HTTP_HEALTH_SECONDS
        ):
            self._checking = self._service.spawn(self._check())
            self._checking.add_done_callback(self._checked)
        if self._checking is not None:
            # Whoever hangs up does not end it: the next one would begin anew.
            await asyncio.shield(self._checking)
        age = round(time.monotonic() - self._checked_at, 3)
        if self._failure:
            raise Problem(503, self._failure, checked_seconds_ago=age, **self._result)
        return {"healthy": True, **self._result, "checked_seconds_ago": age}

    def _checked(self, _task: asyncio.Task[None]) -> None:
        self._checking = None

    async def _check(self) -> None:
        self._count += 1
        self._result, self._failure = {}, ""
        doing = "put"
        try:
            if self._client is None:
                self._client = await self._stack.enter_async_context(
                    self._service.connect(self._key)
                )
            value = f"{self._count}".encode()
            receipt = await self._client.put(
                NAME, value, ttl=TTL_SECONDS, timeout=HTTP_HEALTH_TIMEOUT_SECONDS, listed=False
            )
            self._result |= {
                "put_seconds": round(receipt.seconds, 6),
                "stored": receipt.stored,
                "asked": receipt.asked,
            }
            doing = "get"
            found = await self._client.get(NAME, timeout=HTTP_HEALTH_TIMEOUT_SECONDS)
            if found is None or found.value != value:
                self._failure = "get: what was put a moment ago is not there"
            else:
                self._result["get_seconds"] = round(found.seconds, 6)
        except (DaveError, OSError) as error:
            self._failure = f"{doing}: {error}"
        self._checked_at = time.monotonic()


def reasons(service: Service) -> list[str]:
    """Why no work should be sent to the node; none if it is ready."""
    node, found = service.node, []
    failure = node.world.journal.failure
    if failure is not None:
        found.append(f"read_only: the journal cannot be written ({failure})")
    if node.config.edges and not len(node.core.table):
        found.append("alone: no node has answered yet, and it is to join others (--edge)")
    return found


def routes(service: Service) -> list[Operation]:
    """The operations of this module."""
    health = Health(service)

    async def healthz(request: web.Request) -> web.Response:
        return web.json_response(await health.result())

    async def readyz(request: web.Request) -> web.Response:
        found = reasons(service)
        if found:
            raise Problem(503, "; ".join(found), reasons=found)
        return web.json_response({"ready": True, "reasons": []})

    return [
        Operation("GET", "/healthz", healthz, Access.OPEN, Doc(
            f"Whether a put and a get work; checked at most every {HTTP_HEALTH_SECONDS:g} s.",
            {200: answer("They do.", JSON, {
                "type": "object",
                "required": ["healthy", "put_seconds", "get_seconds", "stored", "asked",
                             "checked_seconds_ago"],
                "properties": {
                    "healthy": {"const": True},
                    "put_seconds": {"type": "number"},
                    "get_seconds": {"type": "number"},
                    "stored": {"type": "integer", "description": "Nodes that stored it."},
                    "asked": {"type": "integer", "description": "Nodes that were asked."},
                    "checked_seconds_ago": {"type": "number"},
                },
            })},
            problems={503: "They do not; `detail` says which and why."},
        )),
        Operation("GET", "/readyz", readyz, Access.OPEN, Doc(
            "Whether work may be sent to the node: its journal is read and can be written, and it "
            "has joined the others if it is to.",
            {200: answer("It may.", JSON, {
                "type": "object",
                "required": ["ready", "reasons"],
                "properties": {"ready": {"const": True}, "reasons": {"type": "array"}},
            })},
            problems={503: "It may not; `reasons` says why."},
        )),
    ]  # fmt: skip
