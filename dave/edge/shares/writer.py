"""The threads that put a node's shares on the disk.

A few threads write files, each syncing its own: so several fsyncs share a commit of the file
system's. What belongs to one address is always done by the same of them, so that a share which goes
and comes again is there in the end. Then one thread more commits records, all that are ready in one
transaction, and reports.

Under `--sync second` both are made durable within a second of the report, under `never` when the
system sees fit.

Other than with the journal, a write that fails is not the end. Each share is a file of its own,
reported as not kept and removed; so the next one may succeed, such as when there is room again.
"""

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread

from dave.edge.journal_writer import Sync
from dave.edge.limits import SHARE_BATCH_MAX, SHARE_GATHER_SECONDS, SHARE_WRITERS
from dave.edge.shares.database import Change, ShareDatabase
from dave.edge.shares.files import ShareFiles, says_nothing_of_the_share
from dave.effects import DropShares, WriteShare
from dave.limits import JOURNAL_SYNC_SECONDS

log = logging.getLogger("dave.shares")

OnDone = Callable[[list[tuple[int, bool]]], None]
"""Called in a thread of the writer's with tickets, and whether each is committed."""


class ShareWriter:
    """Queues are not bounded: what may be on its way is the core's decision."""

    def __init__(
        self, files: ShareFiles, database: ShareDatabase, sync: Sync, on_done: OnDone
    ) -> None:
        self.failure: str | None = None
        """Why the last write failed; None after one that did not."""
        self.bytes_written = 0
        self._files = files
        self._database = database
        self._sync = sync
        self._on_done = on_done
        self._threads = [
            ThreadPoolExecutor(1, thread_name_prefix="dave shares") for _ in range(SHARE_WRITERS)
        ]
        self._queue: SimpleQueue[Change | None] = SimpleQueue()
        self._committer: Thread | None = None
        self._unsynced: list[bytes] = []
        self._sync_at: float | None = None
        self._syncer = ThreadPoolExecutor(1, thread_name_prefix="dave syncs")
        self._syncing: Future[None] | None = None
        self._gather_until = 0.0

    def write(self, effect: WriteShare) -> None:
        """Write a share, then its record."""
        self._start()
        self._thread_of(effect.address).submit(self._write, effect)

    def commit(self, change: Change) -> None:
        """Commit what concerns records only, after whatever was given before. Of DropShares the
        files are not removed: see `remove`."""
        self._start()
        self._queue.put(change)

    def remove(self, addresses: Iterable[bytes]) -> None:
        """Remove shares."""
        for address in addresses:
            self._thread_of(address).submit(self._remove, address)

    def check(self, address: bytes, size: int) -> "Future[bool]":
        """Whether a share can be read and has its address, after all that was asked before; yes
        where the system lacks what it takes to look."""
        return self._thread_of(address).submit(self._check, address, size)

    def close(self) -> None:
        """Do all that is queued, and end the threads. May be called again."""
        for thread in self._threads:
            thread.shutdown()
        if self._committer is not None:
            self._queue.put(None)
            self._committer.join()
            self._committer = None

    def _start(self) -> None:
        if self._committer is None:
            self._committer = Thread(target=self._run, name="dave records", daemon=True)
            self._committer.start()

    def _thread_of(self, address: bytes) -> ThreadPoolExecutor:
        return self._threads[address[-1] % len(self._threads)]

    # --- In the threads that write -----------------------------------------------------------

    def _write(self, effect: WriteShare) -> None:
        try:
            self._files.write(
                effect.address, effect.pieces, effect.record, effect.mask,
                durable=self._sync is Sync.ALWAYS,
            )  # fmt: skip
        except Exception as error:
            self._failed("a share", error)
            self._report([(effect.ticket, False)])
            return
        self._queue.put(effect._replace(pieces=()))

    def _remove(self, address: bytes) -> None:
        try:
            self._files.remove(address)
        except OSError as error:
            log.warning("a share that is needed no more cannot be removed: %s", error)

    def _check(self, address: bytes, size: int) -> bool:
        try:
            return self._files.is_whole(address, size)
        except OSError as error:
            log.warning("a share cannot be read: %s", error)
            return says_nothing_of_the_share(error)

    # --- In the thread that commits ----------------------------------------------------------

    def _run(self) -> None:
        running = True
        while running:
            changes = self._next()
            if changes and changes[-1] is None:
                running = False
            self._commit([change for change in changes if change is not None])
            if self._sync_at is not None and time.monotonic() >= self._sync_at:
                self._settle()
        if self._unsynced:
            self._syncer.submit(self._sync_all, self._unsynced)
        self._syncer.shutdown()

    def _next(self) -> list[Change | None]:
        """Waits for something to do and takes what there is, up to the end or so many; empty when a
        sync is due."""
        wait = None if self._sync_at is None else max(0.0, self._sync_at - time.monotonic())
        changes: list[Change | None] = []
        with suppress(Empty):
            changes.append(self._queue.get(timeout=wait))
            while len(changes) < SHARE_BATCH_MAX and changes[-1] is not None:
                # Whoever comes alone does not wait.
                wait = self._gather_until - time.monotonic()
                more = self._queue.get(timeout=wait) if wait > 0 else self._queue.get_nowait()
                changes.append(more)
        return changes

    def _commit(self, changes: list[Change]) -> None:
        if not changes:
            return
        try:
            self._database.commit(changes)
        except Exception as error:
            self._failed("a record", error)
            ok = False
        else:
            ok = True
            if any(isinstance(each, WriteShare) for each in changes):
                self.failure = None
        self._gather_until = time.monotonic() + SHARE_GATHER_SECONDS
        tickets = [each.ticket for each in changes if not isinstance(each, DropShares)]
        written = [each.address for each in changes if isinstance(each, WriteShare)]
        if self._sync is Sync.SECOND:
            self._unsynced += written
            if self._sync_at is None:
                self._sync_at = time.monotonic() + JOURNAL_SYNC_SECONDS
        self._report([(ticket, ok) for ticket in tickets])

    def _settle(self) -> None:
        """Have synced what `--sync second` has put off, once the last time is done."""
        if self._syncing is not None and not self._syncing.done():
            self._sync_at = time.monotonic() + SHARE_GATHER_SECONDS
            return
        addresses, self._unsynced, self._sync_at = self._unsynced, [], None
        self._syncing = self._syncer.submit(self._sync_all, addresses)

    def _sync_all(self, addresses: list[bytes]) -> None:
        """In a thread of its own, so that others need not wait."""
        try:
            self._files.sync(addresses)
            self._database.sync()
        except OSError as error:
            self._failed("what was acknowledged within a second", error)

    def _failed(self, what: str, error: Exception) -> None:
        if self.failure != str(error):
            log.warning("%s cannot be written: %s", what, error)
        self.failure = str(error)

    def _report(self, tickets: list[tuple[int, bool]]) -> None:
        try:
            self._on_done(tickets)
        except Exception:
            # A listener that has gone must not end the thread that others wait for.
            log.exception("a listener of the shares' writer failed")
