"""Shows what takes over a second, on a terminal only: the search for a stamp, a file on its way."""

import sys
import time
from typing import Any

WORK_WORTH_SAYING = 50_000_000
"""Hashes: a second with a slow core."""


class WorkProgress:
    """Called with hashes done, hashes per second and the seconds expected from here."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._shown = False

    def __call__(self, done: int, rate: float, left: float) -> None:
        if not sys.stderr.isatty() or time.monotonic() - self._started < 1:
            return
        self._shown = True
        print(
            f"\rworking on the stamp: {done / 1e6:.1f} million hashes, {rate / 1e6:.1f} million/s, "
            f"about {left:.0f} s more on average \033[K",
            end="",
            file=sys.stderr,
            flush=True,
        )

    def close(self) -> None:
        """Wipe the line."""
        if self._shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
            self._shown = False


class FileLine:
    """How far the put or get of a file is: called with a FileProgress."""

    def __init__(self, *, is_silent: bool = False) -> None:
        self._is_silent = is_silent or not sys.stderr.isatty()
        self._says_work = not is_silent
        self._is_shown = False
        self.done = 0
        """Bytes that are stored."""

    def __call__(self, progress: Any) -> None:
        if self._says_work and progress.work >= WORK_WORTH_SAYING:
            self._says_work = False
            print(
                f"about {progress.work / 1e6:,.0f} million hashes of work for the stamps, some "
                f"{_work_seconds(progress.work):,.0f} s of one core (Ctrl-C ends it)",
                file=sys.stderr,
            )
        self.done = progress.done
        if self._is_silent or progress.seconds < 1:
            return
        rate = progress.done / progress.seconds
        of = left = ""
        if progress.size is not None:
            of = f" of {bytes_text(progress.size)}"
            if rate:
                left = f", {(progress.size - progress.done) / rate:,.0f} s left"
        self._is_shown = True
        print(
            f"\r{bytes_text(progress.done)}{of} stored, {bytes_text(rate)}/s{left} \033[K",
            end="", file=sys.stderr, flush=True,
        )  # fmt: skip

    def close(self) -> None:
        """Wipe the line."""
        if self._is_shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
            self._is_shown = False


def bytes_text(count: float) -> str:
    """A number of bytes, for a person: 999 bytes, 1.5 kB, 20.0 MB."""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count:.0f} bytes"


def _work_seconds(hashes: int) -> float:
    """About how long they take one core, in seconds."""
    from dave.edge.search import has_kernel

    return hashes / (100e6 if has_kernel() else 2e6)
