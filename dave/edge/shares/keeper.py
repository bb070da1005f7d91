"""A node's shares in the world: carries out what the core asks about them.

The index (store/shares.py) says what is held; the tree (files.py) has the bytes, the database
(database.py) the records; loading.py brings the three together at the start.
"""

import asyncio
import logging
from typing import Any, Protocol

from dave.edge.folder import DataFolder
from dave.edge.journal_writer import Sync
from dave.edge.limits import SHARE_CAPACITY_BYTES_DEFAULT
from dave.edge.shares.database import ShareDatabase
from dave.edge.shares.files import ShareFiles
from dave.edge.shares.loading import load_shares
from dave.edge.shares.reader import ShareReader
from dave.edge.shares.scrub import Scrub
from dave.edge.shares.writer import ShareWriter
from dave.effects import (
    DropShares,
    ReadShare,
    Rebuild,
    SaveRecord,
    SaveRelease,
    ShareEffect,
    WriteShare,
)
from dave.errors import StoreError, UsageError
from dave.names import Instant, UnixMs
from dave.store.shares import Gone, ShareIndex
from dave.wire.stripe import StripeRecord

log = logging.getLogger("dave.shares")


class Core(Protocol):
    """Who asks, and is answered."""

    def share_answered(self, ticket: int, result: Any, now: Instant) -> None: ...


class Runner(Protocol):
    """The driver of the core (aio.py)."""

    def now(self) -> Instant: ...
    def flush(self) -> None: ...


class ShareKeeper:
    """Opens tree and database, fills the index and gives it its capacity. Inside of a running loop.

    Raises StoreError where the tree cannot be read, UsageError for a negative capacity.
    """

    def __init__(
        self,
        folder: DataFolder,
        index: ShareIndex,
        sync: Sync,
        capacity: int | None,
        now_ms: UnixMs,
    ) -> None:
        """`capacity` in bytes; None: 10 GiB, but at most half of what is free beside the shares."""
        if capacity is not None and capacity < 0:
            raise UsageError("--blob-capacity is a number of bytes, or 0 for no shares")
        self.index = index
        self.files = ShareFiles(folder.shares)
        self._core: Core
        self._runner: Runner
        self._loop = asyncio.get_running_loop()
        self._pending: dict[object, int] = {}
        """Addresses and keys of records that are being written."""
        self._tickets: dict[int, tuple[object, ...]] = {}
        """What each write is about."""
        try:
            found = dict(self.files.found())
            index.capacity_bytes = self._capacity(folder, found) if capacity is None else capacity
            self.database = ShareDatabase(folder.share_database, is_eager=sync is Sync.ALWAYS)
            for note in self.database.notes:
                log.warning("%s", note)
            self.loaded = load_shares(index, self.database, self.files, found, now_ms)
        except OSError as error:
            raise StoreError(
                f"cannot read the shares in {folder.shares}: {error.strerror}; mend that, or run "
                "without room for them by --blob-capacity 0"
            ) from error
        if self.loaded.missing:
            log.warning("%d shares are missing in %s", self.loaded.missing, folder.shares)
        self.writer = ShareWriter(self.files, self.database, sync, self._on_done)
        self._reader = ShareReader(self.files, self._came, self._loop.call_soon_threadsafe)
        self.scrub = Scrub(index, self.writer, self._forget, self.loaded.adopted)

    def _capacity(self, folder: DataFolder, found: dict[bytes, int]) -> int:
        free, _ = self.files.disk.room(folder.path)
        return min(SHARE_CAPACITY_BYTES_DEFAULT, (free + sum(found.values())) // 2)

    def start(self, core: Core, runner: Runner) -> None:
        """From now on results go to `core`."""
        self._core = core
        self._runner = runner

    def close(self) -> None:
        """Write what is queued, and give the files back. May be called again."""
        self._reader.close()
        self.writer.close()
        self.database.close()

    def carry_out(self, effect: ShareEffect) -> None:
        """Hand an effect over."""
        if isinstance(effect, ReadShare):
            self._read(effect)
        elif isinstance(effect, WriteShare):
            self._begin(effect.ticket, effect.address, _key(effect.record))
            self._reader.forget(effect.address)
            self.writer.write(effect)
        elif isinstance(effect, SaveRecord):
            self._begin(effect.ticket, _key(effect.record))
            self.writer.commit(effect)
        elif isinstance(effect, SaveRelease):
            self._begin(effect.ticket)
            self.writer.commit(effect)
        elif isinstance(effect, DropShares):
            # Records that could not be read may still name them: the next start will tell.
            if not self.database.is_unread:
                self._drop(effect)
        else:
            self._loop.run_in_executor(None, self._rebuild, effect)

    def status(self) -> dict[str, Any]:
        """For `dave status`."""
        return {
            "shares": len(self.index),
            "bytes_used": self.index.bytes_used,
            "bytes_capacity": self.index.capacity_bytes,
            "scrubbed": self.scrub.looked,
            "damaged": self.scrub.damaged,
            "missing": self.loaded.missing,
            "failure": self.writer.failure,
            "notes": list(self.database.notes),
        }

    # --- Reading -----------------------------------------------------------------------------

    def _read(self, effect: ReadShare) -> None:
        size = self.index.holds(effect.address)
        if size is None:
            self._core.share_answered(effect.ticket, None, self._runner.now())
        else:
            # Behind a share in its file stands what is no part of it.
            count = max(0, min(effect.size, size - effect.offset))
            self._reader.read(effect.ticket, effect.address, effect.offset, count)

    def _came(self, ticket: int, address: bytes, data: bytes | None) -> None:
        if data is None and self.index.holds(address) is not None:
            self.scrub.suspect(address)
        self._core.share_answered(ticket, data, self._runner.now())
        self._runner.flush()

    # --- Writing -----------------------------------------------------------------------------

    def _begin(self, ticket: int, *names: object) -> None:
        self._tickets[ticket] = names
        for name in names:
            self._pending[name] = self._pending.get(name, 0) + 1

    def _on_done(self, done: list[tuple[int, bool]]) -> None:
        """In a thread of the writer's."""
        self._loop.call_soon_threadsafe(self._written, done)

    def _written(self, done: list[tuple[int, bool]]) -> None:
        now = self._runner.now()
        names: list[object] = []
        for ticket, ok in done:
            names += self._tickets.pop(ticket)
            self._core.share_answered(ticket, ok, now)
        for name in names:
            self._pending[name] -= 1
            if not self._pending[name]:
                del self._pending[name]
        # What the index has refused in the end, or what could not be written.
        addresses = [name for name in names if isinstance(name, bytes)]
        self._drop(DropShares(addresses, [name for name in names if isinstance(name, tuple)]))
        self._runner.flush()

    def _drop(self, effect: DropShares) -> None:
        """Remove what is neither held nor being written; `_written` looks at the latter again."""
        index, pending = self.index, self._pending
        keys = [k for k in effect.records if k not in pending and not index.has_record(k)]
        addresses = [a for a in effect.addresses if a not in pending and index.holds(a) is None]
        if keys:
            self.writer.commit(DropShares((), keys))
        for address in addresses:
            self._reader.forget(address)
        self.writer.remove(addresses)

    def _forget(self, gone: Gone) -> None:
        self._drop(DropShares(*gone))
        self._runner.flush()

    # --- Rebuilding --------------------------------------------------------------------------

    def _rebuild(self, effect: Rebuild) -> None:
        """In a thread."""
        from dave.files.stripes import rebuilt

        made: list[bytes] | None = None
        try:
            made = rebuilt(effect)
        except Exception as error:  # whoever asked waits, and mends nothing else meanwhile
            log.warning("shares cannot be computed: %r", error)
        self._loop.call_soon_threadsafe(self._rebuilt, effect.ticket, made)

    def _rebuilt(self, ticket: int, shares: list[bytes] | None) -> None:
        self._core.share_answered(ticket, shares, self._runner.now())
        self._runner.flush()


def _key(record: bytes) -> tuple[bytes, bytes, bytes]:
    found = StripeRecord(record)
    return found.stripe_id, found.owner, found.reference
