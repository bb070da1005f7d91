"""Finds the nonce of a stamp: by the C kernel where it was built, in pure Python where not; on all
cores where that pays. Reports progress, can be cancelled, and leaves no helper behind.
"""

import os
import time
from collections.abc import Callable
from contextlib import closing

from dave.crypto.hashes import STAMP_PREFIX_BYTES
from dave.edge import search_helpers as helpers
from dave.edge.limits import (
    SEARCH_INLINE_HASHES_KERNEL,
    SEARCH_INLINE_HASHES_PURE,
    SEARCH_REPORT_SECONDS,
)
from dave.errors import UsageError, WorkCancelled
from dave.limits import WORK_NONCE_BYTES

Cancelled = Callable[[], bool]
"""Asked before the first slice and about every 50 ms; True stops the search."""

Progress = Callable[[int, float, float], None]
"""Told hashes done, hashes per second, and the seconds a search takes from here on average. The
last does not shrink with time spent: each try is as likely as the one before it. Called after the
first slice and then 5 times a second."""


def has_kernel() -> bool:
    """Whether the C kernel was built for this Python and can be loaded."""
    return helpers.load_kernel() is not None


def find_stamp(
    prefix56: bytes,
    work: int,
    *,
    cancelled: Cancelled | None = None,
    progress: Progress | None = None,
    kernel: bool | None = None,
    processes: int | None = None,
) -> tuple[bytes, int]:
    """Search a nonce (8 bytes) whose stamp BLAKE3(prefix56, nonce) is good for `work` hashes.

    Returns the nonce and how many hashes were tried. `kernel` forces the C kernel (True) or pure
    Python (False); `processes` is how many threads or processes share a large search, by default
    one a core. Both callbacks run in the calling thread. Blocks: not for an event loop's thread.

    Raises WorkCancelled when `cancelled` answers True, and UsageError where kernel=True but there
    is none. When it raises, KeyboardInterrupt too, its helpers have ended.
    """
    assert len(prefix56) == STAMP_PREFIX_BYTES
    if cancelled and cancelled():
        raise WorkCancelled("the search was cancelled before it started")
    slices = _slices(prefix56, work, _by_kernel(kernel), processes or _cores())
    started = time.monotonic()
    report_at = started
    tried = 0
    with closing(slices):
        for result in slices:
            now = time.monotonic()
            if result is not None:
                nonce, hashes = result
                tried += hashes
            if progress and tried and now >= report_at:
                rate = tried / max(now - started, 1e-6)
                progress(tried, rate, work / rate)
                report_at = now + SEARCH_REPORT_SECONDS
            if result is not None and nonce is not None:
                return nonce.to_bytes(WORK_NONCE_BYTES, "little"), tried
            if cancelled and cancelled():
                raise WorkCancelled(f"the search was cancelled after {tried:,} hashes")
    raise AssertionError("slices never end")


def _by_kernel(kernel: bool | None) -> bool:
    if kernel and not has_kernel():
        raise UsageError(
            "the C kernel was not built; install a C compiler and Dave again, or leave it out"
        )
    return has_kernel() if kernel is None else kernel


def _stays_inline(work: int, by_kernel: bool) -> bool:
    return work <= (SEARCH_INLINE_HASHES_KERNEL if by_kernel else SEARCH_INLINE_HASHES_PURE)


def _slices(prefix56: bytes, work: int, by_kernel: bool, workers: int) -> helpers.Slices:
    # A random start gives two searches for one prefix different stamps. 62 bits leave more nonces
    # above it than anyone will ever try.
    start = int.from_bytes(os.urandom(8), "little") >> 2
    if workers == 1 or _stays_inline(work, by_kernel):
        return helpers.inline(by_kernel, prefix56, work, start)
    if by_kernel:
        return helpers.by_threads(prefix56, work, start, workers)
    return helpers.by_processes(prefix56, work, start, workers)


def _cores() -> int:
    """Cores that this process may use, which can be fewer than there are."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1
