"""GET /v1/events: a WebSocket that tells what the node sees as it happens."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from dave.edge.closest import closest
from dave.edge.http.event_json import KINDS
from dave.edge.http.feed import Feed
from dave.edge.http.operations import Access, Doc, Operation
from dave.edge.http.queries import Query, read
from dave.edge.http.service import Service
from dave.edge.http.sockets import ANSWERS, PROBLEMS, Sockets
from dave.errors import UsageError

DESCRIPTION = """\
One JSON object a message. All have `kind`, `event` and `time` (Unix seconds, to a tenth).

- `entries`: `stored` (with `way`: client, node, sync, here), `evicted`, `expired`; with `uri`, \
`owner`, `key` (for people; `uri` has every byte of it), `bytes` of the value as it is stored, \
`expires`, `deleted`.
- `peers`: `joined`, `left`; with `peer` (its id) and `address`.
- `challenges`: `sent`, and how it ended: `kept`, `broken`, `offline`, `unsettled`; `met` are \
those that this node answered. With `peer`, `address`, `about` (entries or shares), `asked` and \
`proved`.
- `missed`: `count` events were not told, as there were too many for one listener.

In a browser, which sends no headers with a WebSocket, offer the subprotocols `dave` and, where \
the token is needed, `dave.token.TOKEN`."""


def _kinds(text: str) -> tuple[str, ...]:
    """The kinds that a query names."""
    asked = tuple(text.split(","))
    for kind in asked:
        if kind not in KINDS:
            close = closest(kind, KINDS)
            hint = f": did you mean {close}?" if close else ""
            raise UsageError(f"no kind is called {kind!r}; there are {', '.join(KINDS)}{hint}")
    return asked


_ANY = "|".join(KINDS)
QUERY = Query(
    "kinds", _kinds, None,
    {"type": "string", "pattern": f"^({_ANY})(,({_ANY}))*$", "examples": ["peers,challenges"]},
    "Which kinds, separated by commas; all without it.",
)  # fmt: skip


def routes(service: Service) -> list[Operation]:
    """The operations of this module."""
    feed = Feed(service.node.core)
    sockets = Sockets()
    service.on_stop.append(sockets.close)

    async def events(request: web.Request) -> web.WebSocketResponse:
        sockets.check(request)
        kinds = read(request, (QUERY,))["kinds"] or KINDS

        async def story(send: Callable[[str], Awaitable[None]]) -> None:
            listener = feed.join(kinds)
            try:
                await listener.run(send)
            finally:
                feed.leave(listener)

        return await sockets.serve(request, story)

    return [
        Operation("GET", "/v1/events", events, Access.INSIDE, Doc(
            "Entries, peers and storage challenges, as they come.",
            ANSWERS,
            [QUERY.parameter()],
            description=DESCRIPTION,
            problems=PROBLEMS | {400: "There is no such kind."},
        ), answers_head=False),
    ]  # fmt: skip
