"""What one put or fetch has learnt of its nodes: who is silent, late or sends damaged shares.

So that a node that is gone costs one wait, not one for each stripe.
"""

from dave.names import MS, SECOND, Instant
from dave.node.requests import Peer
from dave.share_limits import (
    FETCH_PATIENCE_FIRST_MS,
    FETCH_PATIENCE_MS_MAX,
    FETCH_PATIENCE_MS_MIN,
    FETCH_PATIENCE_TIMES,
    SILENT_SECONDS,
    SILENT_SECONDS_MAX,
)

GOOD, LATE, DEAD, BAD = range(4)
"""How a node has been; who is better is asked first, who is BAD never."""


class ShareNode:
    """One node."""

    __slots__ = ("dead_until", "is_bad", "is_heard", "late", "peer", "silences")

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.dead_until: Instant = 0
        self.silences = 0
        """How often in a row it could not be reached."""
        self.late = 0
        """Shares that it has owed for too long, since it sent one."""
        self.is_bad = False
        self.is_heard = False
        """Whether it has answered anything."""

    def standing(self, now: Instant) -> int:
        """GOOD, LATE, DEAD or BAD."""
        if self.is_bad:
            return BAD
        if now < self.dead_until:
            return DEAD
        return LATE if self.late else GOOD


class ShareNodes:
    """All nodes of one put or fetch, by their keys; as many as its lookups name."""

    def __init__(self) -> None:
        self._nodes: dict[object, ShareNode] = {}
        self._smoothed_ns = 0
        self.guesses_hold = True
        """Whether shares have been where the order of distances says."""
        self.bad: list[Peer] = []
        """Who sent what is not the share that was asked for."""

    def of(self, peer: Peer) -> ShareNode:
        """What is known of a node."""
        key = peer.public_key or peer.address
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = ShareNode(peer)
        return node

    @property
    def patience(self) -> int:
        """Nanoseconds after which a share is late: some times what one has taken lately."""
        if not self._smoothed_ns:
            return FETCH_PATIENCE_FIRST_MS * MS
        patience = FETCH_PATIENCE_TIMES * self._smoothed_ns
        return min(max(patience, FETCH_PATIENCE_MS_MIN * MS), FETCH_PATIENCE_MS_MAX * MS)

    def answered(self, node: ShareNode, took_ns: int) -> None:
        """It has sent a share, after so long."""
        self.heard(node)
        self._smoothed_ns += (took_ns - self._smoothed_ns) >> 3 if self._smoothed_ns else took_ns

    def heard(self, node: ShareNode) -> None:
        """It has answered, so it is there."""
        node.late = node.dead_until = node.silences = 0
        node.is_heard = True

    def silent(self, node: ShareNode, now: Instant) -> None:
        """It cannot be reached: for a while nobody waits for it, longer each time."""
        if node.dead_until <= now:  # those that waited at the same time are one silence
            seconds = min(SILENT_SECONDS << node.silences, SILENT_SECONDS_MAX)
            node.silences += 1
            node.dead_until = now + seconds * SECOND

    def corrupt(self, node: ShareNode) -> None:
        """It has sent a damaged share: it is asked no more."""
        if not node.is_bad:
            node.is_bad = True
            self.bad.append(node.peer)

    def count(self, standing: int, now: Instant) -> int:
        """How many nodes stand so."""
        return sum(node.standing(now) == standing for node in self._nodes.values())
