"""Names in paths: /v1/entries/OWNER/KEY, as in dave://OWNER/KEY.

The key is the rest of the path after its percent-encoding is undone, any bytes: a/b and a%2Fb are
one key. Nothing in it means a folder, and no step of it is ever taken for one.
"""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from dave.edge.http.problems import Problem
from dave.errors import UsageError
from dave.names import Owner
from dave.uri import OWNER_CHARS, SCHEME, format_uri, parse_name, parse_owner

ENTRIES = "/v1/entries/"

OWNER_PARAMETER: Mapping[str, Any] = {
    "name": "owner",
    "in": "path",
    "required": True,
    "description": "The owner's name, as in dave://OWNER/KEY.",
    "schema": {
        "type": "string",
        "pattern": f"^[a-zA-Z2-7]{{{OWNER_CHARS - 1}}}[aAqQ]$",
    },
}
KEY_PARAMETER: Mapping[str, Any] = {
    "name": "key",
    "in": "path",
    "required": True,
    "description": "1 to 255 bytes, percent-encoded; a slash may stand for itself.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


def entry_of(request: web.Request) -> tuple[Owner, bytes]:
    """Whose entry, and which key, a path names. Raises Problem for what can name none: 404, as for
    every path where there cannot be anything."""
    try:
        owner, key = parse_name(SCHEME + request.rel_url.raw_path.removeprefix(ENTRIES))
    except UsageError as error:
        raise Problem(404, str(error)) from None
    assert owner is not None
    return owner, key


def owner_of(request: web.Request) -> Owner:
    """Whose directory a path names. Raises Problem."""
    try:
        return parse_owner(request.match_info["owner"])
    except UsageError as error:
        raise Problem(404, str(error)) from None


def path_of(owner: Owner, key: bytes) -> str:
    """The path of an entry."""
    return ENTRIES + format_uri(owner, key).removeprefix(SCHEME)
