"""What can be asked over HTTP, as tables: each module beside this one has a function
`routes(service)` that returns its operations. The router, the guard and the OpenAPI document are
made of them, so that none can fall behind the others.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Access(Enum):
    """Who may ask."""

    OPEN = "everybody"
    INSIDE = "processes on this machine; from elsewhere with the token"
    TOKEN = "who shows the token"


class Doc(NamedTuple):
    """What the OpenAPI document says of an operation, in its own terms (OpenAPI 3.1.1 section
    4.8.10)."""

    summary: str
    answers: Mapping[int, Mapping[str, Any]]
    """Response objects by status."""
    parameters: Sequence[Mapping[str, Any]] = ()
    """Parameter objects."""
    body: Mapping[str, Any] | None = None
    """A request body object."""
    description: str = ""
    problems: Mapping[int, str] = MappingProxyType({})
    """When it is answered by a problem of that status (problems.py). What the guard answers is
    added to each."""


class Operation(NamedTuple):
    """A method of a path."""

    method: str
    """GET answers HEAD too, unless it says otherwise."""
    path: str
    """As aiohttp's router takes it: /v1/entries/{owner}."""
    handler: Handler
    access: Access
    doc: Doc | None = None
    """None: a page for people, which the OpenAPI document does not name."""
    answers_head: bool = True


def answer(
    text: str, content_type: str | None = None, schema: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A response object; without a type, of a response without a body."""
    if content_type is None:
        return {"description": text}
    media = {} if schema is None else {"schema": schema}
    return {"description": text, "content": {content_type: media}}
