"""Range requests (RFC 9110 section 14): one range of bytes. Several are answered with all of it, as
the section allows: they cost a server much, and a client can ask for one after the other.
"""

import re

from aiohttp import web

from dave.edge.files.byte_range import ByteRange
from dave.edge.http.problems import Problem

_RANGE = re.compile(r"bytes\s*=\s*(\d{0,19})\s*-\s*(\d{0,19})", re.ASCII | re.IGNORECASE)


def range_of(request: web.Request, size: int, tag: str) -> ByteRange | None:
    """The range of a content of `size` bytes that is asked for; None for all of it. Raises Problem
    (416) for one beyond its end."""
    found = _RANGE.fullmatch(request.headers.get("Range", "").strip())
    if found is None or request.headers.get("If-Range", tag) != tag:
        return None
    first, last = (int(text) if text else None for text in found.groups())
    if first is None and last is None:
        return None
    if first is not None and last is not None and last < first:
        return None
    if (first is not None and first >= size) or (first is None and not last):
        raise Problem(
            416, f"there are {size:,} bytes, numbered from 0", {"Content-Range": f"bytes */{size}"}
        )
    return ByteRange(first, last) if size else None
