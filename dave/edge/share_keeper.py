"""A node's shares in the world: carries out what the core asks about them, finds again at the start
what is kept, and reads it over again to find damage.

The index (store/shares.py) says what is held; the tree (share_files.py) has the bytes, the database
(share_database.py) the records. At the start the three are brought together: what the database
names and the tree lacks is not held; what the tree has and the database does not name is held by
the record it came with, such as after the database was lost, or else removed.
"""

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from dave.edge.folder import DataFolder
from dave.edge.journal_writer import Sync
from dave.edge.limits import (
    SCRUB_BYTES_PER_SECOND,
    SCRUB_ROUND_SECONDS_MIN,
    SHARE_CAPACITY_BYTES_DEFAULT,
)
from dave.edge.share_database import ShareDatabase
from dave.edge.share_files import ShareFiles
from dave.edge.share_reader import ShareReader
from dave.edge.share_writer import ShareWriter
from dave.effects import (
    DropShares,
    ReadShare,
    Rebuild,
    SaveRecord,
    SaveRelease,
    ShareEffect,
    WriteShare,
)
from dave.names import Instant, UnixMs
from dave.store.shares import ShareIndex
from dave.wire.stripe import StripeRecord

log = logging.getLogger("dave.shares")


class Core(Protocol):
    """Who asked, and is answered."""

    def share_written(self, ticket: int, ok: bool, now: Instant) -> None: ...
    def share_read(self, ticket: int, data: bytes | None, now: Instant) -> None: ...
    def rebuilt(self, ticket: int, shares: list[bytes], now: Instant) -> None: ...


class Runner(Protocol):
    """The driver of the core (aio.py)."""

    def now(self) -> Instant: ...
    def flush(self) -> None: ...


class ShareKeeper:
    """Opens tree and database, and fills the index. Inside of a running loop."""

    def __init__(self, folder: DataFolder, index: ShareIndex, sync: Sync, now_ms: UnixMs) -> None:
        self.index = index
        self.missing = 0
        """Shares found missing when the node started."""
        self.scrubbed = 0
        """Shares read over again."""
        self.damaged = 0
        """Shares that were damaged."""
        self.is_on = index.capacity_bytes > 0
        self._core: Core
        self._runner: Runner
        self._loop = asyncio.get_running_loop()
        self._pending: dict[object, int] = {}
        """Addresses and keys of records that are being written."""
        self._tickets: dict[int, tuple[object, ...]] = {}
        """What each write is about."""
        self._suspects: deque[bytes] = deque()
        """Shares to be read over again first."""
        if not self.is_on:
            return
        self.files = ShareFiles(folder.shares)
        self.database = ShareDatabase(folder.share_database, is_eager=sync is Sync.ALWAYS)
        for note in self.database.notes:
            log.warning("%s", note)
        self._load(now_ms)
        call = self._loop.call_soon_threadsafe
        self.writer = ShareWriter(
            self.files, self.database, sync, lambda done: call(self._written, done)
        )
        self._reader = ShareReader(self.files, self._came, call)

    def start(self, core: Core, runner: Runner) -> None:
        """From now on results go to `core`."""
        self._core = core
        self._runner = runner

    def close(self) -> None:
        """Write what is queued, and give the files back. May be called again."""
        if self.is_on:
            self._reader.close()
            self.writer.close()
            self.database.close()

    # --- What the core asks ------------------------------------------------------------------

    def carry_out(self, effect: ShareEffect) -> None:
        """Hand an effect over."""
        if isinstance(effect, ReadShare):
            size = self.index.holds(effect.address)
            if size is None:
                self._core.share_read(effect.ticket, None, self._runner.now())
                return
            count = max(0, min(effect.size, size - effect.offset))
            self._reader.read(effect.ticket, effect.address, effect.offset, count)
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
            self._drop(effect)
        else:
            self._loop.run_in_executor(None, self._rebuild, effect)

    def _begin(self, ticket: int, *names: object) -> None:
        self._tickets[ticket] = names
        for name in names:
            self._pending[name] = self._pending.get(name, 0) + 1

    def _drop(self, effect: DropShares) -> None:
        """What is being written anew, or is held anew, stays; `_end` looks again."""
        stays = self._pending
        records = [key for key in effect.records if key not in stays]
        records = [key for key in records if not self.index.has_record(key)]
        addresses = [address for address in effect.addresses if address not in stays]
        addresses = [address for address in addresses if self.index.holds(address) is None]
        if records:
            self.writer.commit(DropShares((), records))
        for address in addresses:
            self._reader.forget(address)
        self.writer.remove(addresses)

    def _written(self, done: list[tuple[int, bool]]) -> None:
        now = self._runner.now()
        names: list[object] = []
        for ticket, ok in done:
            names += self._tickets.pop(ticket)
            self._core.share_written(ticket, ok, now)
        for name in names:
            self._pending[name] -= 1
            if not self._pending[name]:
                del self._pending[name]
        # What was refused in the end, or could not be written.
        addresses = [name for name in names if isinstance(name, bytes)]
        records = [name for name in names if isinstance(name, tuple)]
        self._drop(DropShares(addresses, records))
        self._runner.flush()

    def _came(self, ticket: int, data: bytes | None) -> None:
        self._core.share_read(ticket, data, self._runner.now())
        self._runner.flush()

    def _rebuild(self, effect: Rebuild) -> None:
        """In a thread."""
        from dave.files.code import parity, recover

        given = dict(zip(effect.numbers, effect.shares, strict=True))
        data = recover(effect.k, effect.n, given)
        every = [*data, *parity(data, effect.n - effect.k)]
        made = [bytes(every[number]) for number in effect.wanted]
        self._loop.call_soon_threadsafe(self._rebuilt, effect.ticket, made)

    def _rebuilt(self, ticket: int, shares: list[bytes]) -> None:
        self._core.rebuilt(ticket, shares, self._runner.now())
        self._runner.flush()

    # --- At the start ------------------------------------------------------------------------

    def _load(self, now_ms: UnixMs) -> None:
        index, database, files = self.index, self.database, self.files
        found = dict(files.found())
        for owner, reference in database.releases():
            index.load_release(owner, reference)
        fresh: list[SaveRecord | DropShares] = []
        for record, mask, is_saved in database.records():
            held = [i for i in range(record.n) if mask >> i & 1]
            there = [i for i in held if found.get(record.address(i), 0) > record.size(i)]
            is_live = record.expires_ms > now_ms
            self.missing += len(held) - len(there) if is_live else 0
            mask = sum(1 << i for i in there)
            if index.load(record, mask, now_ms):
                if not is_saved:
                    fresh.append(SaveRecord(0, record.data, mask))
            elif is_saved:
                fresh.append(DropShares((), [_key(record.data)]))
        for address, file_bytes in found.items():
            if index.holds(address) is not None:
                continue
            origin = files.origin(address, file_bytes)
            if origin is not None and index.load(*origin, now_ms):
                fresh.append(SaveRecord(0, origin[0].data, origin[1]))
                self._suspects.append(address)
            else:
                files.remove(address)
        if fresh:
            try:
                database.commit(fresh)
            except (sqlite3.Error, OSError) as error:
                log.warning("the records of shares cannot be written: %s", error)
        if self.missing:
            log.warning("%d shares are missing in %s", self.missing, files.root)

    # --- Scrub -------------------------------------------------------------------------------

    async def scrub(
        self, bytes_per_second: float = SCRUB_BYTES_PER_SECOND,
        round_seconds: float = SCRUB_ROUND_SECONDS_MIN,
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:  # fmt: skip
        """Read all shares over again, slowly and without end; one that is damaged is not held any
        more, and who mends stripes is told (`ShareIndex.on_lost`)."""
        while self.is_on:
            began = self._loop.time()
            for n in range(256):
                for stripe_id in self.index.stripes_in(n):
                    await self._scrub_stripe(stripe_id, bytes_per_second, sleep)
                await sleep(0)
            await self._scrub_suspects(bytes_per_second, sleep)
            await sleep(max(1.0, began + round_seconds - self._loop.time()))

    async def _scrub_stripe(
        self, stripe_id: bytes, bytes_per_second: float, sleep: Callable[[float], Any]
    ) -> None:
        await self._scrub_suspects(bytes_per_second, sleep)
        held = self.index.stripe(stripe_id)
        if held is not None:
            record, mask = held
            for i in range(record.n):
                if mask >> i & 1:
                    await self._scrub_share(record.address(i), bytes_per_second, sleep)

    async def _scrub_suspects(self, bytes_per_second: float, sleep: Callable[[float], Any]) -> None:
        while self._suspects:
            await self._scrub_share(self._suspects.popleft(), bytes_per_second, sleep)

    async def _scrub_share(
        self, address: bytes, bytes_per_second: float, sleep: Callable[[float], Any]
    ) -> None:
        size = self.index.holds(address)
        if size is None:
            return
        is_whole = await asyncio.wrap_future(self.writer.check(address, size))
        self.scrubbed += 1
        if not is_whole and self.index.holds(address) is not None:
            self.damaged += 1
            log.warning("the share %s is damaged; it is removed and will be mended", address.hex())
            self._drop(DropShares(*self.index.lost(address)))
            self._runner.flush()
        await sleep(size / bytes_per_second)

    # --- Status ------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """For `dave status`."""
        return {
            "shares": len(self.index),
            "share_bytes": self.index.bytes_used,
            "share_capacity": self.index.capacity_bytes,
            "shares_scrubbed": self.scrubbed,
            "shares_damaged": self.damaged,
            "shares_missing": self.missing,
            "share_failure": self.writer.failure if self.is_on else None,
            "share_notes": list(self.database.notes) if self.is_on else [],
        }


def share_capacity(folder: DataFolder, asked: int | None) -> int:
    """Bytes for shares: what was asked for, else 10 GiB or half of what is free beside shares."""
    if asked is not None:
        return asked
    files = ShareFiles(folder.shares)
    free, _ = files.disk.room(folder.path)
    held = sum(size for _, size in files.found()) if folder.shares.exists() else 0
    return min(SHARE_CAPACITY_BYTES_DEFAULT, (free + held) // 2)


def _key(record: bytes) -> tuple[bytes, bytes, bytes]:
    found = StripeRecord(record)
    return found.stripe_id, found.owner, found.reference
