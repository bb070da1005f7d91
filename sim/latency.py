"""How long a datagram is on its way between two hosts of the Internet.

The distribution is that of the King data set: round trips between 1,740 name servers, measured by
the method of Gummadi, Saroiu and Gribble (King, IMW 2002), published with Vivaldi (Dabek et al.,
SIGCOMM 2004); their median is near 160 ms, their mean near 180 ms. A matrix would end at 1,740
hosts. So each host draws coordinates as Vivaldi fits them to those data: a point in a plane, and a
height, the way from the host to the plane, which counts at both ends. Then a pair is stable, and
two pairs with a host in common are alike. The spread of points and heights was chosen to meet
median and mean; the heights' long tail is what lifts the mean above the median.
"""

from math import exp, hypot
from random import Random

KING_MEDIAN_MS = 160.0
KING_MEAN_MS = 180.0
"""Round trips."""

PLANE_MS = 72.0
"""Standard deviation of each of the two coordinates, normally distributed."""
HEIGHT_MEDIAN_MS = 9.0
HEIGHT_SIGMA = 1.45
"""Heights are log-normal; sigma is that of their logarithm."""


class KingLatency:
    """One way between any two hosts, in milliseconds; a function of `rng` and the hosts' names."""

    def __init__(self, rng: Random) -> None:
        self._seed = rng.getrandbits(64)
        self._coordinates: dict[str, tuple[float, float, float]] = {}

    def one_way_ms(self, source: str, to: str) -> float:
        """Half of the round trip; the same in both directions."""
        known = self._coordinates
        x, y, height = known.get(source) or self._draw(source)
        x2, y2, height2 = known.get(to) or self._draw(to)
        return (hypot(x - x2, y - y2) + height + height2) / 2

    def _draw(self, host: str) -> tuple[float, float, float]:
        # By name, so that it does not matter about whom was asked first.
        rng = Random(f"{self._seed} {host}")
        x, y = rng.gauss(0, PLANE_MS), rng.gauss(0, PLANE_MS)
        height = HEIGHT_MEDIAN_MS * exp(rng.gauss(0, HEIGHT_SIGMA))
        self._coordinates[host] = x, y, height
        return x, y, height
