"""GET /v1/status and /v1/peers: what `dave status --json` and `dave peers --json` print."""

from aiohttp import web

from dave.edge.http.operations import Access, Doc, Operation, answer
from dave.edge.http.service import Service
from dave.edge.status import peers_of, status_of

JSON = "application/json"


def routes(service: Service) -> list[Operation]:
    """The operations of this module."""

    async def status(request: web.Request) -> web.Response:
        return web.json_response(status_of(service.node))

    async def peers(request: web.Request) -> web.Response:
        return web.json_response(peers_of(service.node))

    return [
        Operation("GET", "/v1/status", status, Access.INSIDE, Doc(
            "How the node is doing; units in the names.",
            {200: answer("The figures of `dave status --json`.", JSON, {"type": "object"})},
        )),
        Operation("GET", "/v1/peers", peers, Access.INSIDE, Doc(
            "Whom the node knows, in order of id.",
            {200: answer("The contacts of `dave peers --json`.", JSON, {"type": "object"})},
        )),
    ]  # fmt: skip
