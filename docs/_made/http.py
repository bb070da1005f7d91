"""The HTTP reference, from the OpenAPI document that a node serves."""

import asyncio
import json
import tempfile
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from urllib.request import urlopen

import dave
from docs._made.markdown import code, one_line, table


@cache
def document() -> Mapping[str, Any]:
    """What a node says at /v1/openapi.json. It runs for that moment, alone."""

    async def ask() -> Any:
        with tempfile.TemporaryDirectory() as folder:
            config = dave.Config(
                listen="127.0.0.1:0", data=folder, secret=bytes(32), blob_capacity=0,
                capacity=1 << 20, http="127.0.0.1:0",
            )  # fmt: skip
            async with dave.Node(config) as node:
                assert node.http is not None
                return await asyncio.to_thread(_read, node.http.address)

    found: Mapping[str, Any] = asyncio.run(ask())
    return found


def _read(address: str) -> Any:
    with urlopen(f"http://{address}/v1/openapi.json", timeout=30) as answer:
        return json.load(answer)


def operations() -> list[tuple[str, str, Mapping[str, Any]]]:
    """Method, path and operation object of all; HEAD is as GET."""
    return [
        (method.upper(), path, operation)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
        if method != "head"
    ]


def reference() -> str:
    """Every operation: its parameters, body and answers."""
    return "\n\n".join(_operation(*each) for each in operations())


def _operation(method: str, path: str, of: Mapping[str, Any]) -> str:
    parts = [f"## {method} {path}", of["summary"], one_line(of.get("description"))]
    if of.get("parameters"):
        parts.append(table(("parameter", "in", "meaning"), map(_parameter, of["parameters"])))
    if body := of.get("requestBody"):
        types = ", ".join(map(code, body["content"]))
        parts.append(f"Body: {types}. {one_line(body.get('description'))}")
    parts.append(table(("answer", "type", "meaning"), _answers(of["responses"])))
    return "\n\n".join(part for part in parts if part)


def _parameter(of: Mapping[str, Any]) -> list[str]:
    return [code(of["name"]), of["in"], one_line(of.get("description"))]


def _answers(responses: Mapping[str, Any]) -> Iterable[list[str]]:
    for status, answer in responses.items():
        types = ", ".join(map(code, answer.get("content", ())))
        yield [status, types, one_line(answer["description"])]
