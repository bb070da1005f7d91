"""The thread that writes the journal: all records that came while the last fsync ran share the
next one (group commit), so that durability costs one fsync a batch and not one an entry. Where
nobody waits for the disk (`--sync never`) there is no thread: handing a record over and back costs
ten times as much as writing it to the page cache, and the interpreter's lock besides.

The first write or fsync that fails is final. After a failed fsync the system may have dropped the
pages and call the file clean, so a retry that succeeds would prove nothing (Rebello et al., "Can
Applications Recover from fsync Failures?", USENIX ATC 2020). From then on every record is answered
with not committed; what is held in memory can still be read.
"""

import logging
import threading
import time
from collections.abc import Callable
from enum import Enum
from queue import Empty, SimpleQueue
from typing import NamedTuple

from dave.edge.disk import Disk
from dave.histogram import Histogram
from dave.limits import JOURNAL_SYNC_SECONDS
from dave.store.journal import seal_record

log = logging.getLogger("dave.journal")

OnCommitted = Callable[[list[int], bool], None]
OnFailure = Callable[[Exception], None]


class Sync(Enum):
    """When records are made durable: the values of `--sync`."""

    ALWAYS = "always"
    """Before they are reported as committed."""
    SECOND = "second"
    """Within a second; reported once written, so that only a loss of power can lose them."""
    NEVER = "never"
    """When the system sees fit; written in the thread that appends."""


class Segment(NamedTuple):
    """A file that takes records."""

    handle: int
    file_key: bytes


NO_SEGMENT = Segment(-1, b"")
"""Where none can be made."""


class _Rotation(NamedTuple):
    segment: Segment
    done: threading.Event


class JournalWriter:
    """Appends records to a segment in a thread of its own, or for `Sync.NEVER` at once.

    `on_committed(tickets, ok)` and, once, `on_failure(error)` are called in that thread, or from
    `append`; tickets in the order of appending.
    """

    def __init__(
        self,
        disk: Disk,
        segment: Segment,
        sync: Sync,
        on_committed: OnCommitted,
        on_failure: OnFailure,
        failure: Exception | None = None,
    ) -> None:
        """failure: of a disk that takes nothing from the beginning; then there is no segment."""
        self.failure = failure
        """What failed first; sticky."""
        self.bytes_written = 0
        self.sync_time = Histogram()
        """What each sync took, in nanoseconds; written by the thread that writes."""
        self._disk = disk
        self._segment = segment
        self._sync = sync
        self._on_committed = on_committed
        self._on_failure = on_failure
        self._queue: SimpleQueue[tuple[bytes, int] | _Rotation | None] = SimpleQueue()
        self._sync_at: float | None = None
        self._inline = threading.Lock()
        """Held while a record is written, or the segment changed, without the thread."""
        self._is_closed = False
        self._thread: threading.Thread | None = None
        if sync is not Sync.NEVER and failure is None:
            self._thread = threading.Thread(target=self._run, name="dave journal", daemon=True)
            self._thread.start()

    def append(self, record: bytes, ticket: int) -> None:
        """Queue an open record, or write it; returns at once. From any thread."""
        if self._thread is not None:
            self._queue.put((record, ticket))
            return
        with self._inline:
            if self._is_closed:
                return
            ok = self._guard(self._write, [(record, ticket)])
        self._report(self._on_committed, [ticket], ok)

    def rotate(self, segment: Segment) -> bool:
        """Write all records appended from now on to another segment; returns once the old one is
        synced and closed. False if the writer has failed, or has ended."""
        if self._thread is None:
            with self._inline:
                if self._is_closed:
                    return False
                self._disk_close()
                self._segment = segment
            return self.failure is None
        rotation = _Rotation(segment, threading.Event())
        self._queue.put(rotation)
        while not rotation.done.wait(0.1):
            if not self._thread.is_alive():
                return False
        return self.failure is None

    def close(self) -> None:
        """Commit what is queued, sync, and end the thread. May be called again."""
        if self._thread is None:
            with self._inline:
                if not self._is_closed:
                    self._disk_close()
                self._is_closed = True
        elif self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _run(self) -> None:
        running = True
        while running:
            batch: list[tuple[bytes, int]] = []
            for item in self._next_items():
                if isinstance(item, tuple) and not isinstance(item, _Rotation):
                    batch.append(item)
                    continue
                self._commit(batch)
                batch = []
                self._guard(self._settle)
                if item is None:
                    running = False
                    break
                self._disk_close()
                self._segment = item.segment
                item.done.set()
            self._commit(batch)
        self._disk_close()

    def _next_items(self) -> list[tuple[bytes, int] | _Rotation | None]:
        """Waits for something to do, and takes all there is; empty when a sync was due."""
        timeout = None if self._sync_at is None else max(0.0, self._sync_at - time.monotonic())
        try:
            items = [self._queue.get(timeout=timeout)]
        except Empty:
            self._guard(self._settle)
            return []
        try:
            while True:
                items.append(self._queue.get_nowait())
        except Empty:
            return items

    def _commit(self, batch: list[tuple[bytes, int]]) -> None:
        if not batch:
            return
        ok = self._guard(self._write, batch)
        if ok and self._sync_at is not None and time.monotonic() >= self._sync_at:
            # Under steady traffic the queue is never empty long enough to time out.
            ok = self._guard(self._settle)
        self._report(self._on_committed, [ticket for _, ticket in batch], ok)

    def _write(self, batch: list[tuple[bytes, int]]) -> None:
        key = self._segment.file_key
        data = b"".join([seal_record(key, record) for record, _ in batch])
        self._disk.write(self._segment.handle, data)
        self.bytes_written += len(data)
        if self._sync is Sync.ALWAYS:
            self._sync_now()
        elif self._sync is Sync.SECOND and self._sync_at is None:
            self._sync_at = time.monotonic() + JOURNAL_SYNC_SECONDS

    def _settle(self) -> None:
        """Sync what `--sync second` has put off."""
        if self._sync_at is not None:
            self._sync_at = None
            self._sync_now()

    def _sync_now(self) -> None:
        began = time.monotonic_ns()
        self._disk.sync(self._segment.handle)
        self.sync_time.note(time.monotonic_ns() - began)

    def _guard(self, action: Callable[..., None], *arguments: object) -> bool:
        """Do it unless something failed before; whether it was done."""
        if self.failure is not None:
            return False
        try:
            action(*arguments)
        except Exception as error:
            self.failure = error
            self._sync_at = None
            self._report(self._on_failure, error)
            return False
        return True

    def _report(self, callback: Callable[..., None], *arguments: object) -> None:
        try:
            callback(*arguments)
        except Exception:
            # A listener that has gone must not end the thread that others wait for.
            log.exception("a listener of the journal failed")

    def _disk_close(self) -> None:
        if self._segment.handle < 0:
            return
        try:
            self._disk.close(self._segment.handle)
        except OSError as error:
            log.warning("closing a journal segment: %s", error)
