"""Query parameters, as tables: what is read and what the OpenAPI document says of it are one.

A parameter that an operation does not know is an error, since it was meant to do something.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from aiohttp import web

from dave.edge.closest import closest
from dave.edge.http.problems import Problem
from dave.edge.limits import (
    HTTP_NAMES_DEFAULT,
    HTTP_NAMES_MAX,
    HTTP_TIMEOUT_SECONDS_MAX,
    TIMEOUT_SECONDS_DEFAULT,
)
from dave.errors import UsageError
from dave.files.code import parse_code
from dave.limits import KEY_BYTES_MAX, REPLICAS, TTL_SECONDS_DEFAULT, TTL_SECONDS_MAX
from dave.share_limits import CODE_SHARES_MAX


class Query(NamedTuple):
    """One parameter. `parse` raises ValueError for a text that it does not mean."""

    name: str
    parse: Callable[[str], Any]
    default: Any
    schema: Mapping[str, Any]
    text: str

    def parameter(self) -> dict[str, Any]:
        """Its parameter object."""
        shown = {} if self.default is None else {"default": self.default}
        return {
            "name": self.name,
            "in": "query",
            "description": self.text,
            "schema": {**self.schema, **shown},
        }


def whole(low: int, high: int) -> Callable[[str], int]:
    """Parses a whole number in that range."""

    def parse(text: str) -> int:
        if not text.isascii() or not text.isdecimal() or len(text) > 20:
            raise ValueError
        if not low <= int(text) <= high:
            raise ValueError
        return int(text)

    return parse


def _seconds(text: str) -> float:
    value = float(text)
    if not 1 <= value <= HTTP_TIMEOUT_SECONDS_MAX:
        raise ValueError
    return value


def _truth(text: str) -> bool:
    return {"true": True, "false": False}[text]


def _code(text: str) -> str:
    parse_code(text)
    return text


def _bytes(text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    if len(data) > KEY_BYTES_MAX:
        raise ValueError
    return data


_CODES = "|".join(
    f"{k}/(?:{'|'.join(str(n) for n in range(k, CODE_SHARES_MAX + 1))})"
    for k in range(1, CODE_SHARES_MAX + 1)
)
"""All of them, so that the document allows what `parse_code` does and nothing else."""


def whole_number(name: str, least: int, most: int, default: int, says: str) -> Query:
    """A parameter that is a whole number; the document allows what is read."""
    schema = {"type": "integer", "minimum": least, "maximum": most}
    return Query(name, whole(least, most), default, schema, says)


TIMEOUT = Query(
    "timeout", _seconds, TIMEOUT_SECONDS_DEFAULT,
    {"type": "number", "minimum": 1, "maximum": HTTP_TIMEOUT_SECONDS_MAX},
    "Seconds that the network may take; of a file, for each step.",
)  # fmt: skip
QUORUM = whole_number(
    "quorum", 1, REPLICAS, 2,
    "How many nodes must return the same version (all, where fewer are known).",
)  # fmt: skip
TTL = whole_number(
    "ttl", 1, TTL_SECONDS_MAX, TTL_SECONDS_DEFAULT,
    "Lifetime in seconds.",
)  # fmt: skip
LISTED = Query(
    "listed", _truth, True, {"type": "boolean"}, "Whether the owner's directory names it."
)
CODE = Query(
    "code", _code, None, {"type": "string", "pattern": f"^(?:{_CODES})$", "examples": ["4/6"]},
    "K/N, for what does not fit an entry: in N shares at N nodes, any K of which suffice.",
)  # fmt: skip
PREFIX = Query(
    "prefix", _bytes, None, {"type": "string", "maxLength": KEY_BYTES_MAX},
    "Only names that begin with it.",
)  # fmt: skip
LIMIT = whole_number(
    "limit", 1, HTTP_NAMES_MAX, HTTP_NAMES_DEFAULT,
    "How many names to tell at most.",
)  # fmt: skip


def read(request: web.Request, known: Sequence[Query]) -> dict[str, Any]:
    """All of `known`, by name. Raises Problem."""
    given = request.rel_url.query
    names = [query.name for query in known]
    for name in given:
        if name not in names:
            close = closest(name, names)
            hint = f"did you mean {close}?" if close else f"there are {', '.join(names)}"
            raise Problem(400, f"there is no query parameter {name!r} here: {hint}")
    found = {}
    for query in known:
        texts = given.getall(query.name, [])
        if len(texts) > 1:
            raise Problem(400, f"the query parameter {query.name} is given {len(texts)} times")
        found[query.name] = query.default if not texts else _parsed(query, texts[0])
    return found


def _parsed(query: Query, text: str) -> Any:
    try:
        return query.parse(text)
    except UsageError as error:
        raise Problem(400, f"{query.name}: {error}") from None
    except (ValueError, KeyError):
        schema, an = query.schema, "an" if query.schema["type"][0] in "aeio" else "a"
        range_ = [f"{schema[each]:,}" for each in ("minimum", "maximum") if each in schema]
        of = f" ({' to '.join(range_)})" if len(range_) == 2 else ""
        raise Problem(400, f"{query.name} is {an} {schema['type']}{of}, not {text!r}") from None
