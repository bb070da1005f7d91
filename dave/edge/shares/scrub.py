"""Reads a node's shares over again, slowly and without end: disks forget, and say nothing.

A share that has not its address any more is let go of and removed, and who mends stripes is told
(`ShareIndex.on_lost`).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator

from dave.edge.limits import SCRUB_BYTES_PER_SECOND, SCRUB_ROUND_SECONDS_MIN
from dave.edge.shares.writer import ShareWriter
from dave.store.shares import Gone, ShareIndex
from dave.store.stripe_table import SLICES

log = logging.getLogger("dave.shares")


class Scrub:
    """`drop` carries out what goes; `suspects` are shares to be looked at first."""

    def __init__(
        self,
        index: ShareIndex,
        writer: ShareWriter,
        drop: Callable[[Gone], None],
        suspects: Iterable[bytes],
    ) -> None:
        self.looked = 0
        """Shares read over again."""
        self.damaged = 0
        """Shares that turned out to be damaged."""
        self._index = index
        self._writer = writer
        self._drop = drop
        self._suspects = dict.fromkeys(suspects)
        self._wakes = asyncio.Event()

    def suspect(self, address: bytes) -> None:
        """A share could not be read: look at it soon."""
        self._suspects[address] = None
        self._wakes.set()

    async def run(
        self,
        bytes_per_second: float = SCRUB_BYTES_PER_SECOND,
        round_seconds: float = SCRUB_ROUND_SECONDS_MIN,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Go round for ever, at that rate, and begin a round so often at most."""
        loop = asyncio.get_running_loop()
        while True:
            next_round = loop.time() + round_seconds
            for address in self._all():
                size = await self.look(address)
                await sleep(size / bytes_per_second)
            while not self._suspects and loop.time() < next_round:
                self._wakes.clear()
                await _wait(self._wakes, next_round - loop.time())

    async def look(self, address: bytes) -> int:
        """Read one share, and let go of it if it is damaged; the bytes read."""
        self._suspects.pop(address, None)
        size = self._index.holds(address)
        if size is None:
            return 0
        is_whole = await asyncio.wrap_future(self._writer.check(address, size))
        self.looked += 1
        if not is_whole and self._index.holds(address) is not None:
            self.damaged += 1
            log.warning("the share %s is damaged: it is removed, to be mended", address.hex())
            self._drop(self._index.lost(address))
        return size

    def _all(self) -> Iterator[bytes]:
        """Every share, those suspected first whenever there are any."""
        for n in range(SLICES):
            for stripe_id in self._index.stripes_in(n):
                yield from list(self._suspects)
                held = self._index.stripe(stripe_id)
                if held is not None:
                    record, mask = held
                    yield from [record.address(i) for i in range(record.n) if mask >> i & 1]
        yield from list(self._suspects)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), max(0.0, seconds))
    except TimeoutError:
        return
