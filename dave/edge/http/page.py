"""The dashboard: one page at /, and what it is made of under /static/, read once when the node
starts to serve. The page shows nothing that the API does not tell, and asks nobody else.
"""

from hashlib import blake2b
from importlib.resources import files
from typing import NamedTuple

from aiohttp import web

from dave.edge.http.operations import Access, Handler, Operation
from dave.edge.http.service import Service

FOLDER = "static"
INDEX = "index.html"

TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
"""What the folder may hold."""

POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Content-Security-Policy: what stands under a name is never run, even if the page had a fault."""


class Asset(NamedTuple):
    """A file of the page."""

    body: bytes
    content_type: str
    etag: str


def assets() -> dict[str, Asset]:
    """All files of the page by name."""
    found = {}
    for file in (files("dave.edge.http") / FOLDER).iterdir():
        ending = file.name[file.name.rfind(".") :]
        if ending in TYPES:
            body = file.read_bytes()
            etag = blake2b(body, digest_size=12).hexdigest()
            found[file.name] = Asset(body, TYPES[ending], etag)
    return found


def routes(service: Service) -> list[Operation]:
    """The operations of this module."""
    found = assets()

    def serves(asset: Asset) -> Handler:
        async def serve(request: web.Request) -> web.Response:
            headers = {"Cache-Control": "no-cache", "Content-Security-Policy": POLICY}
            known = request.if_none_match or ()
            if any(tag.value in (asset.etag, "*") for tag in known):
                response = web.Response(status=304, headers=headers)
            else:
                response = web.Response(
                    body=asset.body,
                    content_type=asset.content_type,
                    charset="utf-8",
                    headers=headers,
                )
            response.etag = asset.etag
            return response

        return serve

    page = Operation("GET", "/", serves(found[INDEX]), Access.OPEN)
    return [page] + [
        Operation("GET", f"/static/{name}", serves(asset), Access.OPEN)
        for name, asset in sorted(found.items())
    ]
