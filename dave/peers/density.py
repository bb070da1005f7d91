"""How many nodes there are, told from how near the nearest ones are.

On a ring of 2^64 places with n nodes, the j-th nearest node to any place is expected at distance
j * 2^64 / n. So each lookup is an observation of the density, and so are a node's own neighbours.
The median of many cannot be moved by whoever crowds or clears a few places. Of an even number it
is the larger one: to hand an entry to a few nodes too many is safe, to a crowd alone it is not.
"""

from collections import deque

from dave.limits import DENSITY_OBSERVATIONS

RING = 1 << 64


class Density:
    """The last DENSITY_OBSERVATIONS observations."""

    __slots__ = ("_spacings",)

    def __init__(self) -> None:
        self._spacings: deque[float] = deque(maxlen=DENSITY_OBSERVATIONS)

    def observe(self, distance: int, rank: int) -> None:
        """The `rank`-th nearest node (1 is the nearest) to some place was found at `distance`.
        Best told of the R-th: the first few scatter. Rank 0, nobody found, tells nothing."""
        if rank > 0:
            self._spacings.append(distance / rank)

    def expected_distance(self, rank: int, *, own: float | None = None) -> int | None:
        """At which distance from any place its `rank`-th nearest node is expected; None without
        an observation. `own`: the spacing among the asker's own neighbours, one more voice."""
        spacings = [*self._spacings] if own is None else [*self._spacings, own]
        if not spacings:
            return None
        spacing = sorted(spacings)[len(spacings) // 2]  # `statistics` takes 3 ms to import
        return min(int(spacing * rank), RING - 1)

    def __len__(self) -> int:
        return len(self._spacings)
