"""Which nodes should hold an entry: the region of its key.

All nodes nearer to it than the R-th nearest is expected to be, and at least the R nearest. Who
places many nodes beside a key makes its region larger: they add replicas, and displace none of the
nodes that lie within that distance.
"""

from bisect import bisect_right
from collections.abc import Sequence

from dave.limits import REGION_NODES_MAX, REPLICAS


def region_size(distances: Sequence[int], expected: int | None, replicas: int = REPLICAS) -> int:
    """How many of the nodes at these distances (ascending) are the region.

    `expected`: where the R-th nearest is expected (peers/density.py); None where that is not known.
    `replicas` is R. At least R of them, or all where there are fewer; at most REGION_NODES_MAX.
    """
    nearer = 0 if expected is None else bisect_right(distances, expected)
    return min(max(nearer, replicas), REGION_NODES_MAX, len(distances))


def is_sparse(distances: Sequence[int], expected: int | None, replicas: int = REPLICAS) -> bool:
    """Whether the R-th nearest found is over twice as far as expected, or nearer than half of it:
    somebody hides nodes, or crowds the key. Where fewer than R were found there is none to judge.
    """
    if expected is None or len(distances) < replicas:
        return False
    found = distances[replicas - 1]
    return found > 2 * expected or 2 * found < expected
