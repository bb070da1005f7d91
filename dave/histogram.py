"""How values are spread: a counter for each range, fixed in size, and their sum.

The ranges are those that Prometheus takes: each bucket has an upper bound that belongs to it, and
the last has none. What is counted is nanoseconds, as everywhere in the core.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from dave.names import MS, SECOND

US = 1_000

LATENCY_BOUNDS = (
    100 * US, 250 * US, 500 * US, 1 * MS, 2_500 * US, 5 * MS, 10 * MS, 25 * MS, 50 * MS, 100 * MS,
    250 * MS, 500 * MS, 1 * SECOND, 2_500 * MS, 5 * SECOND, 10 * SECOND,
)  # fmt: skip
"""From what a warm cache takes to what no one waits for; nanoseconds."""


class Histogram:
    """Counts per range. Not for several threads that write; one that reads may see the last value
    in the counts and not yet in the sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[int] = LATENCY_BOUNDS) -> None:
        assert all(a < b for a, b in pairwise(bounds)), "bounds rise"
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        """Per range, not added up; the last is of what lies above all bounds."""
        self.total = 0
        """Sum of all values."""

    def note(self, value: int) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def __len__(self) -> int:
        """Values counted."""
        return sum(self.counts)
