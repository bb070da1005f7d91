"""Reads the content of a file in order, from its root: several stripes are fetched ahead, decoded
and decrypted beside the loop, and handed over in turn.

The root bounds all of it (wire/manifest.py): nothing that a manifest says makes this take more
memory than FETCH_AHEAD_BYTES and one stripe of each level of the manifest.
"""

from collections import deque
from collections.abc import Generator
from typing import Any

from dave.edge.driver import Driver
from dave.edge.files.shares import Shares
from dave.edge.files.stripe_fetch import ShareSource, StripeFetch
from dave.files.blocks import Buffer
from dave.files.stripes import unseal
from dave.files.tree import Answer, Part, parts
from dave.names import SECOND, Instant
from dave.node.requests import Peer
from dave.share_limits import (
    BLOCK_BYTES,
    FETCH_AHEAD_BYTES,
    FETCH_AHEAD_BYTES_FIRST,
    FETCH_AHEAD_SECONDS,
)
from dave.wire.manifest import Root


class FileReader:
    """The bytes `start` to `stop` (exclusive) of a file. shares: as in edge/files/shares.py."""

    def __init__(self, driver: Driver, shares: Shares, root: Root, start: int, stop: int) -> None:
        assert 0 <= start <= stop <= root.size
        self.start = start
        self.stop = stop
        self._driver = driver
        self._root = root
        self._source = ShareSource(driver, shares)
        self._at = start
        self._parts: Generator[Part, Answer, None] | None = parts(
            root, start // BLOCK_BYTES, -(-stop // BLOCK_BYTES) if stop > start else 0
        )
        self._answer: Answer = None
        self._ahead: deque[tuple[Any, int]] = deque()
        """Tasks that fetch stripes, in order, and how many blocks each will bring."""
        self._blocks_ahead = 0
        self._began: Instant | None = None

    @property
    def corrupting(self) -> list[Peer]:
        """The nodes that sent damaged shares, which were fetched elsewhere."""
        return self._source.nodes.bad

    async def next(self) -> list[Buffer]:
        """The next bytes in pieces, a stripe's at most; none at the end. After an error there is no
        more. Raises NotWhole if parts cannot be found, NetworkError, and WireError for a file that
        its owner made wrongly."""
        try:
            await self._look_ahead()
            if not self._ahead:
                return []
            task, blocks = self._ahead[0]
            pieces = await self._driver.join(task)
            self._ahead.popleft()
            self._blocks_ahead -= blocks
            return [self._trimmed(piece) for piece in pieces]
        except BaseException:
            self.close()
            raise

    def _trimmed(self, block: Buffer) -> Buffer:
        """What of the block at which it is belongs to what is read."""
        begin = self._at % BLOCK_BYTES
        piece = memoryview(block)[begin : begin + self.stop - self._at]
        self._at += len(piece)
        return piece

    def close(self) -> None:
        """Stop what is under way."""
        for task, _ in self._ahead:
            task.cancel()
        self._ahead.clear()
        self._source.locator.close()
        self._parts = None

    async def _look_ahead(self) -> None:
        """Have as much under way as may be."""
        whole = self._root.k * BLOCK_BYTES
        room = self._room()
        while self._parts is not None and (
            not self._ahead or self._blocks_ahead * BLOCK_BYTES + whole <= room
        ):
            try:
                part = self._parts.send(self._answer)
            except StopIteration:
                self._parts = None
                return
            self._answer = None
            if part.level:
                self._answer = await self._fetch(part)
                continue
            blocks = part.last - part.first
            self._ahead.append((self._driver.spawn(self._fetch(part)), blocks))
            self._blocks_ahead += blocks

    def _room(self) -> int:
        """Bytes that may be under way."""
        now = self._driver.now()
        if self._began is None or self._at == self.start:
            self._began = now if self._began is None else self._began
            return FETCH_AHEAD_BYTES_FIRST
        rate = (self._at - self.start) / max(1, now - self._began)  # bytes a nanosecond
        return min(FETCH_AHEAD_BYTES, int(rate * FETCH_AHEAD_SECONDS * SECOND))

    async def _fetch(self, part: Part) -> list[Buffer]:
        """The blocks of a part, decrypted."""
        of = f"part {part.number + 1} of {self._root.level(part.level).stripes}"
        if part.level:
            of = f"the manifest (level {part.level}), {of}"
        fetch = StripeFetch(self._source, part.row, range(part.first, part.last), of)
        shares = await fetch.run()
        return await self._driver.offload(unseal, part.row, shares, part.first, part.last)
