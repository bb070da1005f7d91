"""Which of the nodes that we know should hold an entry, seen by a node that may be one of them.

`Core.region` is the view of somebody outside. A replica counts itself: of the R nearest it is one,
so that the others are R - 1.
"""

from bisect import bisect_left

from dave.limits import REGION_NODES_MAX
from dave.names import SECOND, Instant, Place
from dave.node.core import Core
from dave.peers.contact import Contact
from dave.peers.region import region_size

LOOK_FIRST = 2
"""So many times R contacts are looked at first: more are needed only where a place is crowded."""

MAY_BELONG = 3
"""Of so many times R nodes 60 % may be gone, and R are left."""


class Regions:
    """Asked for every entry stored and at every entry of a sweep: so the density of the network,
    which moves slowly, is estimated once a second."""

    __slots__ = ("_core", "_expected", "_expected_until", "_replicas")

    def __init__(self, core: Core) -> None:
        self._core = core
        self._replicas = core.tuning.replicas
        self._expected: int | None = None
        self._expected_until: Instant = 0

    def expected_distance(self, now: Instant) -> int | None:
        """Where the R-th nearest node to any place is expected; None where that is not known."""
        if now >= self._expected_until:
            self._expected = self._core.expected_distance()
            self._expected_until = now + SECOND
        return self._expected

    def of(self, place: Place, now: Instant) -> tuple[list[Contact], bool]:
        """The other nodes of the region of a place, nearest first, and whether we are in it."""
        near, distances = self._near(place, now)
        assert self._core.identity.id is not None
        own = self._core.identity.id ^ place
        position = bisect_left(distances, own)
        distances.insert(position, own)
        size = region_size(distances, self.expected_distance(now), self._replicas)
        is_in = position < size
        return near[: size - is_in], is_in

    def includes(self, place: Place, node_id: Place, now: Instant) -> bool:
        """Whether another node is in the region of a place."""
        return any(contact.id == node_id for contact in self.of(place, now)[0])

    def may_belong(self, place: Place) -> bool:
        """Whether we could be in the region of a place, though some of the nodes that we take for
        nearer be dead: then others may know so already."""
        count = MAY_BELONG * self._replicas
        near = self._core.table.nearest(place, count)
        assert self._core.identity.id is not None
        return len(near) < count or self._core.identity.id ^ place < near[-1].id ^ place

    def without_us(self, place: Place, now: Instant) -> list[Contact]:
        """The region as it is once we are gone, nearest first."""
        near, distances = self._near(place, now)
        return near[: region_size(distances, self.expected_distance(now), self._replicas)]

    def _near(self, place: Place, now: Instant) -> tuple[list[Contact], list[int]]:
        nearest, expected = self._core.table.nearest, self.expected_distance(now)
        near = nearest(place, LOOK_FIRST * self._replicas)
        is_crowded = len(near) == LOOK_FIRST * self._replicas and near[-1].id ^ place <= (
            expected or 0
        )
        if is_crowded:
            near = nearest(place, REGION_NODES_MAX)
        return near, [contact.id ^ place for contact in near]
