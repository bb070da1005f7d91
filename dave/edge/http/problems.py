"""Errors as HTTP tells them: application/problem+json (RFC 9457), whoever found them.

`title` is the name of the error, `detail` says what to do; an error of the tree in dave/errors.py
keeps its name and its words.
"""

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from dave import errors
from dave.edge.http.operations import Handler

log = logging.getLogger("dave.http")

TYPE = "application/problem+json"

STATUS = {
    errors.KeyFileError: 500,
    errors.WrongKey: 403,
    errors.UsageError: 400,
    errors.StoreError: 500,
    errors.OtherNetwork: 502,
    errors.Unreachable: 504,
    errors.NetworkError: 503,
    errors.NotWhole: 503,
    errors.NotStored: 503,
    errors.NotListed: 503,
    errors.WireError: 502,
    errors.Conflict: 412,
    errors.DaveError: 500,
}
"""The first that fits tells."""


class Problem(Exception):
    """An answer that says what was wrong. `more` are members of its own."""

    def __init__(
        self, status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers or {}
        self.more = more


def problem(
    status: int, detail: str, title: str = "", headers: Mapping[str, str] | None = None, **more: Any
) -> web.Response:
    """The response that tells of a problem."""
    phrase = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title or phrase, "status": status, "detail": detail}
    return web.Response(
        status=status, text=json.dumps(body | more), content_type=TYPE, headers=headers
    )


def status_of(error: errors.DaveError) -> int:
    """How HTTP calls an error of Dave's."""
    return next(status for kind, status in STATUS.items() if isinstance(error, kind))


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns what handlers raise into responses."""
    try:
        return await handler(request)
    except Problem as error:
        return problem(error.status, str(error), headers=error.headers, **error.more)
    except errors.DaveError as error:
        return problem(status_of(error), str(error), title=type(error).__name__)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return problem(error.status, _words(error, request), headers=headers)
    except ConnectionError:
        raise
    except Exception:
        log.exception("%s %s failed", request.method, request.rel_url.path)
        return problem(500, "this is a bug in Dave; its log says more")


def _words(error: web.HTTPException, request: web.Request) -> str:
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return f"{request.method} is not one of the methods here: {allowed}"
    if isinstance(error, web.HTTPNotFound):
        return "there is nothing at this path; /v1/openapi.json tells what there is"
    return error.text or error.reason
