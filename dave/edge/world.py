"""What a node asks of the world, carried out: signatures to the verifier, records to the journal,
shares of files to their keeper. Results go back to its core, in the loop's thread."""

import asyncio
import gc
import logging
import time
from collections.abc import Iterator

from dave.edge.aio import Runner
from dave.edge.folder import DataFolder
from dave.edge.journal_file import JournalFile
from dave.edge.journal_writer import Sync
from dave.edge.limits import JOURNAL_COMPACT_FACTOR
from dave.edge.shares.keeper import ShareKeeper
from dave.edge.verify import Verdicts, Verifier
from dave.effects import Append, NodeEffect, Verify
from dave.limits import JOURNAL_COMPACT_BYTES_MIN, SHARDS
from dave.node.node import Node as Core
from dave.store.journal import Record, entry_record, floor_record
from dave.store.shares import ShareIndex
from dave.store.store import Store

log = logging.getLogger("dave.node")


class World:
    """Carries out a node's effects: signatures to the verifier, records to the journal."""

    def __init__(self, folder: DataFolder, store: Store, sync: Sync) -> None:
        self.folder = folder
        self.sync = sync
        self.shares: ShareKeeper | None = None
        """None: the node keeps no shares of files."""
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._compact_above = JOURNAL_COMPACT_BYTES_MIN
        now_ms = time.time_ns() // 1_000_000

        def load(records: list[Record]) -> int:
            return store.load_records(records, now_ms)

        self.journal = JournalFile(folder.journal, sync, load, self._committed, self._failed)
        store.end_load()
        # What was loaded stays: the garbage collector need not look at it again.
        gc.freeze()
        self.verifier = Verifier(
            self._verified, watch=self._watch, unwatch=self._loop.remove_reader
        )

    def start(self, core: Core, runner: Runner) -> None:
        """From now on results go to `core`."""
        self._core = core
        self._runner = runner
        if self.shares is not None:
            self.shares.start(core, runner)

    def keep_shares(self, index: ShareIndex, capacity: int | None) -> None:
        """Open what is kept of files, and fill the index; see ShareKeeper. Closes all if that
        raises."""
        now_ms = time.time_ns() // 1_000_000
        try:
            self.shares = ShareKeeper(self.folder, index, self.sync, capacity, now_ms)
        except BaseException:
            self.close()
            raise

    def carry_out(self, effect: NodeEffect) -> None:
        """Hand an effect over."""
        if isinstance(effect, Verify):
            self.verifier.submit(effect.ticket, effect.owner, effect.signed)
        elif isinstance(effect, Append):
            self.journal.append(effect.record, effect.ticket)
        else:
            assert self.shares is not None, "a node without room for shares asks for none"
            self.shares.carry_out(effect)

    def settle(self) -> None:
        """Verify what is waiting, here or in the workers."""
        self.verifier.poll()
        if self.verifier.wants_poll:
            self._loop.call_soon(self._again)

    def close(self) -> None:
        """Commit what is queued, end the workers, give the folder back."""
        self.verifier.close()
        self.journal.close()
        if self.shares is not None:
            self.shares.close()
        self.folder.close()

    @property
    def wants_compaction(self) -> bool:
        """Whether most of the journal is dead."""
        live = self._store.bytes_used
        threshold = max(self._compact_above, JOURNAL_COMPACT_FACTOR * live)
        return self.journal.bytes_on_disk > threshold and self.journal.failure is None

    def compact(self, loop: asyncio.AbstractEventLoop) -> None:
        """Compact the journal; in a thread, while `loop` gives it one shard at a time."""

        async def shard(n: int) -> list[bytes]:
            return [entry_record(*held) for held in self._store.entries_in_shard(n)]

        async def floors() -> list[bytes]:
            now_ms = time.time_ns() // 1_000_000
            return [floor_record(floor) for floor in self._store.floors.live(now_ms)]

        def slices() -> Iterator[list[bytes]]:
            for n in range(SHARDS):
                yield asyncio.run_coroutine_threadsafe(shard(n), loop).result()
            yield asyncio.run_coroutine_threadsafe(floors(), loop).result()

        self.journal.compact(slices())
        self._compact_above = JOURNAL_COMPACT_BYTES_MIN

    def put_off_compaction(self) -> None:
        """Try again once the journal has doubled."""
        self._compact_above = 2 * self.journal.bytes_on_disk

    def _again(self) -> None:
        self.settle()
        self._runner.flush()

    def _verified(self, verdicts: Verdicts) -> None:
        now = self._runner.now()
        for ticket, is_genuine in verdicts:
            self._core.verified(ticket, is_genuine, now)

    def _watch(self, fileno: int) -> None:
        self._loop.add_reader(fileno, self._worker_readable, fileno)

    def _worker_readable(self, fileno: int) -> None:
        self.verifier.on_readable(fileno)
        self._runner.flush()

    def _committed(self, tickets: list[int], ok: bool) -> None:
        if self.sync is Sync.NEVER:
            # Written by `carry_out`, in this very round of effects: the answer goes out with it.
            self._tell(tickets, ok)
        else:
            self._loop.call_soon_threadsafe(self._appended, tickets, ok)

    def _failed(self, error: Exception) -> None:
        log.critical(
            "the journal cannot be written (%s): this node serves reads only; "
            "make room on the disk, or mend it, and start the node again", error
        )  # fmt: skip

    def _appended(self, tickets: list[int], ok: bool) -> None:
        self._tell(tickets, ok)
        self._runner.flush()

    def _tell(self, tickets: list[int], ok: bool) -> None:
        now = self._runner.now()
        for ticket in tickets:
            self._core.appended(ticket, ok, now)
