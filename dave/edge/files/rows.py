"""Rows of a version that stands: so that what it has in common with the next one is not sent again,
and so that it can be released."""

import os
import tempfile
from collections.abc import AsyncIterator

from dave.edge.driver import Driver
from dave.edge.files.shares import Shares
from dave.edge.files.stripe_fetch import ShareSource, StripeFetch
from dave.edge.files.upload_journal import fingerprint_of
from dave.edge.limits import KNOWN_ROWS_MAX
from dave.files.stripes import unseal
from dave.files.tree import parts
from dave.wire.manifest import Root, Row


async def rows_of(root: Root, driver: Driver, shares: Shares) -> AsyncIterator[Row]:
    """The rows of all stripes of a file, its manifests' too. shares: as in edge/files/shares.py.

    Raises NotWhole and NetworkError where a manifest cannot be read, WireError for one that
    contradicts the root.
    """
    source = ShareSource(driver, shares)
    walk = parts(root, 0, root.level(0).blocks)
    part = next(walk, None)
    while part is not None:
        row = part.row
        yield row
        answer = None
        if part.level:
            wanted = range(part.first, part.last)
            found = await StripeFetch(source, row, wanted, "its manifest").run()
            answer = await driver.offload(unseal, row, found, part.first, part.last)
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
