"""Lengths of time in words: 45s, 12m, 23h, 30d."""

import time

_UNITS = (("d", 86_400), ("h", 3600), ("m", 60))


def time_left(until: float, now: float | None = None) -> str:
    """From `now` (by default this moment) until then, both Unix seconds, in one unit."""
    return words(max(0.0, until - (time.time() if now is None else now)))


def words(seconds: float) -> str:
    """That many seconds in one unit, of which there are at least two."""
    for unit, size in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"
