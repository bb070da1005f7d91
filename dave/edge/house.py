"""What a node does each second beside its core: tends the signature workers, compacts the journal
when it pays, tells its log what has changed, and notes how late all that comes."""

import asyncio
import logging
from collections.abc import Callable

from dave.edge.logs import fields
from dave.edge.report import Report
from dave.edge.world import World
from dave.histogram import Histogram
from dave.names import SECOND

log = logging.getLogger("dave.node")

HOUSEKEEPING_SECONDS = 1.0


class House:
    """Of one node; `flush` carries out what its core wants done."""

    def __init__(self, world: World, flush: Callable[[], None], report: Report) -> None:
        self.lag: Histogram = Histogram()
        """How late the loop came to it; nanoseconds."""
        self._world = world
        self._flush = flush
        self._report = report

    async def run(self) -> None:
        """For ever."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + HOUSEKEEPING_SECONDS
            await asyncio.sleep(HOUSEKEEPING_SECONDS)
            self.lag.note(max(0, round((loop.time() - due) * SECOND)))
            self._world.settle()
            self._flush()
            self._report.look()
            if self._world.wants_compaction:
                await self._compact(loop)

    async def _compact(self, loop: asyncio.AbstractEventLoop) -> None:
        journal, began = self._world.journal, loop.time()
        before = journal.bytes_on_disk
        try:
            await asyncio.to_thread(self._world.compact, loop)
        except Exception:
            # The journal is whole, only larger than it need be.
            log.exception("the journal could not be compacted")
            self._world.put_off_compaction()
            return
        after, seconds = journal.bytes_on_disk, loop.time() - began
        log.info("the journal was compacted from %s to %s bytes in %.1f s", f"{before:,}",
                 f"{after:,}", seconds,
                 extra=fields(before=before, after=after, seconds=round(seconds, 3)))  # fmt: skip
