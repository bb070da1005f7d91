"""Shows the search for a stamp, and how far a file is, once it takes over a second, on a terminal
only."""

import sys
import time
from typing import Any

from dave_cli.lifetime import words


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


class ByteProgress:
    """Called with how far a file is: `done` and `size` in bytes (size None: not known yet), seconds
    since its beginning, and in `begun` what was done before that."""

    def __init__(self, verb: str, is_silent: bool) -> None:
        self._verb = verb
        self._is_silent = is_silent
        self._told = 0.0
        self._shown = False

    def __call__(self, now: Any) -> None:
        at = time.monotonic()
        if self._is_silent or not sys.stderr.isatty() or now.seconds < 1 or at - self._told < 0.2:
            return
        self._told, self._shown = at, True
        print(f"\r{self.line(now)} \033[K", end="", file=sys.stderr, flush=True)

    def line(self, now: Any) -> str:
        """What is shown."""
        rate = (now.done - getattr(now, "begun", 0)) / now.seconds
        line = f"{self._verb} {now.done / 1e6:,.1f} MB"
        if now.size:
            line += f" of {now.size / 1e6:,.1f} ({100 * now.done // now.size} %)"
        line += f", {rate / 1e6:,.1f} MB/s"
        if now.size and rate > 0:
            line += f", {words((now.size - now.done) / rate)} left"
        return line

    def close(self) -> None:
        """Wipe the line."""
        if self._shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
            self._shown = False
