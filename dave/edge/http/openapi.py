"""GET /v1/openapi.json: all operations as an OpenAPI 3.1 document, made of the tables that made the
routes (operations.py), when the server starts."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiohttp import web

from dave import __version__
from dave.edge.http.operations import Access, Doc, Operation, answer
from dave.edge.http.problems import TYPE

PATH = "/v1/openapi.json"

_GUARD = {
    400: "The request is not as it should be.",
    403: "A page of another site asks, or the node has not the key that this needs.",
    421: "The Host header names another host.",
}
"""What every operation may be answered (guard.py, queries.py)."""

_PROBLEM = {
    "type": "object",
    "description": "RFC 9457.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string", "description": "The name of the error."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, and what to do."},
    },
}

_TOKEN = {
    "type": "http",
    "scheme": "bearer",
    "description": "What stands in http.token in the node's data folder.",
}


def operation(others: Sequence[Operation]) -> Operation:
    """The operation that gives the document of the others, and of itself."""
    text = answer("This document.", "application/json", {"type": "object"})

    async def tell(request: web.Request) -> web.Response:
        return web.json_response(made)

    mine = Operation("GET", PATH, tell, Access.OPEN, Doc("This document.", {200: text}))
    made = document([*others, mine])
    return mine


def document(operations: Iterable[Operation]) -> dict[str, Any]:
    """The OpenAPI document of these operations."""
    paths: dict[str, dict[str, Any]] = {}
    for each in operations:
        if each.doc is None:
            continue
        path = re.sub(r"\{(\w+):[^}]*\}", r"{\1}", each.path)
        at = paths.setdefault(path, {})
        at[each.method.lower()] = _operation(each, each.doc)
        if each.method == "GET" and each.answers_head:
            at["head"] = _head(at["get"])
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Dave",
            "summary": "A peer-to-peer key-value store over UDP: the HTTP interface of a node.",
            "version": __version__,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {"Problem": _PROBLEM},
            "securitySchemes": {"token": _TOKEN},
        },
    }


def _operation(of: Operation, doc: Doc) -> dict[str, Any]:
    security: list[Mapping[str, Any]] = [{"token": []}]
    if of.access is not Access.TOKEN:
        security.insert(0, {})
    texts = _GUARD | {401: f"Who may ask: {of.access.value}."} | dict(doc.problems)
    problems = {"schema": {"$ref": "#/components/schemas/Problem"}}
    made: dict[str, Any] = {
        "operationId": _name(of),
        "summary": doc.summary,
        "security": security,
        "responses": {str(status): dict(found) for status, found in doc.answers.items()}
        | {
            str(status): {"description": text, "content": {TYPE: problems}}
            for status, text in sorted(texts.items())
        },
    }
    if doc.description:
        made["description"] = doc.description
    if doc.parameters:
        made["parameters"] = list(doc.parameters)
    if doc.body is not None:
        made["requestBody"] = dict(doc.body)
    return made


def _head(get: Mapping[str, Any]) -> dict[str, Any]:
    """HEAD answers as GET does, without a body."""
    responses = {
        status: {name: value for name, value in found.items() if name != "content"}
        for status, found in get["responses"].items()
    }
    return {
        **get,
        "operationId": get["operationId"] + "_head",
        "summary": f"As GET, without the body: {get['summary']}",
        "responses": responses,
    }


def _name(of: Operation) -> str:
    words = re.findall(r"\w+", re.sub(r":[^}]*", "", of.path).removeprefix("/v1"))
    return "_".join([of.method.lower(), *words])
