"""Rows of a version that stands: so that what it has in common with the next one is not sent again,
and so that it can be released."""

import os
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

from dave.edge.limits import KNOWN_ROWS_MAX
from dave.edge.upload_journal import fingerprint_of
from dave.files.blocks import Buffer
from dave.files.tree import Part, parts
from dave.wire.manifest import Root, Row

FetchPart = Callable[[Part], Coroutine[Any, Any, Sequence[Buffer]]]
"""Fetches and decrypts the blocks of a part of a manifest."""


async def rows_of(root: Root, fetch: FetchPart) -> AsyncIterator[Row]:
    """The rows of all stripes of a file, its manifests' too. Raises WireError for a manifest that
    contradicts the root, and what `fetch` raises."""
    walk = parts(root, 0, root.level(0).blocks)
    part = next(walk, None)
    while part is not None:
        yield part.row
        answer = await fetch(part) if part.level else None
        try:
            part = walk.send(answer)
        except StopIteration:
            return


class KnownRows:
    """Rows by the fingerprint of their stripe, in a file without a name."""

    def __init__(self) -> None:
        self._places: dict[bytes, tuple[int, int]] = {}
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        self._end = 0

    def add(self, row: Row) -> None:
        """Beyond KNOWN_ROWS_MAX a row is forgotten: its stripe is stored again."""
        if len(self._places) < KNOWN_ROWS_MAX:
            data = row.encode()
            self._file.write(data)
            self._places[fingerprint_of(b"".join(row.keys))] = (self._end, len(data))
            self._end += len(data)

    def row(self, fingerprint: bytes) -> Row | None:
        """The row of the stripe with that fingerprint, if it is known. For any thread."""
        place = self._places.get(fingerprint)
        if place is None:
            return None
        return Row.read(os.pread(self._file.fileno(), place[1], place[0]))

    def __len__(self) -> int:
        return len(self._places)

    def close(self) -> None:
        """Give its room back."""
        self._file.close()
