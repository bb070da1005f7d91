"""GET /v1/watch: a WebSocket that tells each version of an entry, as `dave watch --json` does."""

import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from dave.edge.fields import change_fields
from dave.edge.http.operations import Access, Doc, Operation
from dave.edge.http.problems import Problem
from dave.edge.http.queries import Query, read
from dave.edge.http.service import Service
from dave.edge.http.sockets import ANSWERS, PROBLEMS, Sockets
from dave.edge.whose import whose_key
from dave.errors import DaveError

DESCRIPTION = """\
One JSON object a message: first what stands now, if anything does, then each new version, and its \
end. With `uri`, `value` in base64 (null for what is gone, or is a file or private), `gone` \
(`deleted`, `expired` or null), `time` (what If-Match and `--cas` know), `digest`, `expires` and \
`skipped`, the versions between two that were not told. `error` instead of all these: the network \
could not be asked, and the socket closes."""

QUERY = Query(
    "name", str, None, {"type": "string", "minLength": 1, "examples": ["greeting"]},
    "dave://OWNER/KEY, or a KEY of the owner whose key the node was given.",
)  # fmt: skip


def routes(service: Service) -> list[Operation]:
    """The operations of this module."""
    sockets = Sockets()
    service.on_stop.append(sockets.close)

    async def watch(request: web.Request) -> web.WebSocketResponse:
        sockets.check(request)
        name = read(request, (QUERY,))["name"]
        if not name:
            raise Problem(400, "say what to watch: ?name=dave://OWNER/KEY, percent-encoded")
        owner, key = whose_key(name, None, service.key)

        async def story(send: Callable[[str], Awaitable[None]]) -> None:
            with service.client.watch(key, owner=owner) as changes:
                try:
                    async for change in changes:
                        await send(json.dumps(change_fields(change)))
                except DaveError as error:
                    await send(json.dumps({"error": str(error)}))

        return await sockets.serve(request, story)

    return [
        Operation("GET", "/v1/watch", watch, Access.INSIDE, Doc(
            "The versions of an entry, as they come.",
            ANSWERS,
            [{**QUERY.parameter(), "required": True}],
            description=DESCRIPTION,
            problems=PROBLEMS | {400: "No entry is named."},
        ), answers_head=False),
    ]  # fmt: skip
