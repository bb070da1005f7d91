"""The byte tables of PROTOCOL.md, written from the declarations in layout.py.

PROTOCOL.md holds prose, and between two marks a table per layout:

    <!-- table: entry -->   ...   <!-- end -->

`updated` replaces what stands between the marks. A test, and `make check`, demand that it changes
nothing; `make protocol` writes the change.
"""

import re
from collections.abc import Iterable, Iterator
from enum import IntEnum

from dave.errors import UsageError
from dave.wire.describe import KINDS
from dave.wire.layout import ADDRESS, CONTACT, Field, Layout
from dave.wire.layout_audit import LEAF_ASKED
from dave.wire.layout_directory import DEVICE, STATEMENT
from dave.wire.layout_files import ROW
from dave.wire.layout_messages import VERSION
from dave.wire.layout_shares import HELD_STRIPE, OFFER, VERDICT
from dave.wire.layout_sync import NAME, RUN, SYNC_ENTRY
from dave.wire.share_status import SHARE_STATUS_MAX, ShareStatus
from dave.wire.status import ProofState, PutStatus

_BLOCK = re.compile(r"<!-- table: ([^>]+?) -->\n.*?<!-- end -->", re.DOTALL)


def updated(text: str) -> str:
    """`text` with every marked table written anew.

    Raises UsageError, naming them, for marks that name no table and for tables without a mark.
    """
    tables = all_tables()
    marked = [match[1] for match in _BLOCK.finditer(text)]
    wrong = sorted({*marked} ^ {*tables})
    if wrong or len(marked) != len(tables):
        raise UsageError(f"marks and tables do not agree; look at: {', '.join(wrong or marked)}")
    return _BLOCK.sub(
        lambda match: f"<!-- table: {match[1]} -->\n{tables[match[1]]}<!-- end -->", text
    )


def all_tables() -> dict[str, str]:
    """Every table by the name of its mark, as Markdown."""
    layouts = (
        ADDRESS, CONTACT, VERSION, STATEMENT, DEVICE, RUN, NAME, SYNC_ENTRY, ROW, VERDICT,
        OFFER, HELD_STRIPE, LEAF_ASKED, *KINDS.values(),
    )  # fmt: skip
    tables = {layout.name: "".join(f"{line}\n" for line in _lines(layout)) for layout in layouts}
    tables["status"] = "".join(f"{line}\n" for line in _enum_lines("status", PutStatus))
    said = [status for status in ShareStatus if status <= SHARE_STATUS_MAX]
    tables["share status"] = "".join(f"{line}\n" for line in _enum_lines("verdict", said))
    tables["proof state"] = "".join(f"{line}\n" for line in _enum_lines("state", ProofState))
    return tables


def _lines(layout: Layout) -> Iterator[str]:
    yield layout.about
    yield ""
    yield "| offset | bytes | field | meaning |"
    yield "|---|---|---|---|"
    offset: int | None = 0
    for field in layout.fields:
        size = _fixed_size(field)
        shown = size if size is not None else field.size
        at = "…" if offset is None else offset
        yield f"| {at} | {shown} | {_name(field)} | {field.meaning} |"
        offset = None if offset is None or size is None else offset + size


def _enum_lines(what: str, members: Iterable[IntEnum]) -> Iterator[str]:
    yield f"| {what} | name |"
    yield "|---|---|"
    for member in members:
        yield f"| {int(member)} | {member.name} |"


def _fixed_size(field: Field) -> int | None:
    return None if field.size else int(field.con.sizeof())


def _name(field: Field) -> str:
    return f"{field.name} ({field.nested.name})" if field.nested else field.name
