"""The HTTP reference, from the OpenAPI document that a node serves."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from dave.edge.http.openapi import document
from dave.edge.http.operations import Operation
from dave.edge.http.server import ROUTES
from dave.edge.http.service import Service
from docs._made.markdown import code, one_line, table


class _Nobody:
    """Stands for the node while the tables of operations are made, which ask it nothing."""

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self


def operations() -> list[Operation]:
    """What can be asked of a node."""
    service = Service(*cast("tuple[Any, Any, Any, Any]", (_Nobody(), _Nobody(), None, "")))
    return [operation for routes in ROUTES for operation in routes(service)]


def reference() -> str:
    """Every operation: who may ask, its parameters and its answers."""
    found = operations()
    access = {(each.method, each.path.split(":")[0]): each.access.value for each in found}
    parts = []
    for path, methods in document(found)["paths"].items():
        for method, operation in methods.items():
            if method != "head":
                who = access[method.upper(), path] if (method.upper(), path) in access else ""
                parts.append(_operation(f"{method.upper()} {path}", who, operation))
    return "\n\n".join(parts)


def _operation(name: str, who: str, operation: Mapping[str, Any]) -> str:
    parts = [f"## {name}", one_line(operation["summary"])]
    if "description" in operation:
        parts.append(operation["description"])
    if who:
        parts.append(f"Who may ask: {who}.")
    if operation.get("parameters"):
        parts.append(table(("parameter", "where", "meaning"), map(_parameter, operation["parameters"])))
    if "requestBody" in operation:
        types = ", ".join(map(code, operation["requestBody"].get("content", ())))
        parts.append(f"Body: {types}. {one_line(operation['requestBody'].get('description'))}")
    parts.append(table(("answer", "type", "meaning"), _answers(operation["responses"])))
    return "\n\n".join(parts)


def _parameter(parameter: Mapping[str, Any]) -> list[str]:
    return [code(parameter["name"]), parameter["in"], one_line(parameter.get("description"))]


def _answers(responses: Mapping[str, Any]) -> Iterable[list[str]]:
    for status, answer in responses.items():
        types = ", ".join(map(code, answer.get("content", ())))
        yield [status, types, one_line(answer["description"])]
