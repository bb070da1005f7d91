"""Shows the search for a stamp once it takes over a second, on a terminal only."""

import sys
import time


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
