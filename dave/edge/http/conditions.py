"""Conditional requests (RFC 9110 section 13): what If-Match and If-None-Match ask of the version
that stands, whose entity tag is its digest.

Dates are not looked at: a version may be replaced within the second that Last-Modified tells, and
a digest is always exact.
"""

import re
from typing import Any

from aiohttp import web

from dave.edge.http.problems import Problem
from dave.names import HybridTime
from dave.node.results import Found, GetResult

_ONE = r'(W/)?"[!#-~]*"'
_LIST = rf"^(\*|{_ONE}( *, *{_ONE})*)$"
_tag = re.compile(r'(?P<weak>W/)?"(?P<opaque>[^"]*)"').finditer
_is_list = re.compile(_LIST).match

ENTRY_SUFFIX = ".entry"
"""Two representations of one version have two tags: the value, and the entry as it is signed."""


def tag_of(digest: bytes, *, is_entry: bool = False) -> str:
    """The entity tag of a version."""
    return f'"{digest.hex()}{ENTRY_SUFFIX if is_entry else ""}"'


def matches(header: str, tag: str, *, weakly: bool) -> bool:
    """Whether a list of entity tags, or "*", names `tag`. weakly: as If-None-Match compares."""
    return header == "*" or any(
        f'"{each["opaque"]}"' == tag and (weakly or each["weak"] is None) for each in _tag(header)
    )


def condition(name: str, text: str) -> dict[str, Any]:
    """The parameter object of a header that holds such a list."""
    schema = {"type": "string", "pattern": _LIST, "examples": ["*"]}
    return {"name": name, "in": "header", "description": text, "schema": schema}


def is_fresh(request: web.Request, tag: str) -> bool:
    """Whether whoever reads has the version already (304). Raises Problem where If-Match names
    another version."""
    wanted, known = _header(request, "If-Match"), _header(request, "If-None-Match")
    if wanted is not None and not matches(wanted, tag, weakly=False):
        raise Problem(412, "another version stands than the one that If-Match names")
    return known is not None and matches(known, tag, weakly=True)


def guard_time(request: web.Request, standing: GetResult, digest: bytes) -> HybridTime | None:
    """What compare-and-set is to expect of a write: the time of the version that stands, 0 for
    none, or None where the request says nothing of it. digest: of the version that stands, if one
    does. Raises Problem where it is not what the request expects."""
    wanted, unwanted = _header(request, "If-Match"), _header(request, "If-None-Match")
    if wanted is None and unwanted is None:
        return None
    entry = standing.entry if standing.found is Found.FOUND else None
    if entry is None:
        if wanted is not None:
            raise Problem(412, "no version stands, so the one expected is gone")
        return 0
    tags = [tag_of(digest), tag_of(digest, is_entry=True)]
    if wanted is not None and not any(matches(wanted, tag, weakly=False) for tag in tags):
        raise Problem(412, "another version stands: read it and put again", digest=digest.hex())
    if unwanted is not None and any(matches(unwanted, tag, weakly=True) for tag in tags):
        raise Problem(412, "a version stands already", digest=digest.hex())
    return entry.time


def _header(request: web.Request, name: str) -> str | None:
    """A header of which the lists of several lines are one. Raises Problem for what is no list: no
    version is meant by it, so the condition does not hold."""
    lines = request.headers.getall(name, [])
    if not lines:
        return None
    text = ", ".join(lines)
    if not _is_list(text):
        raise Problem(412, f'{name} takes "DIGEST", several of them, or *')
    return text
