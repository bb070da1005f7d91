"""What becomes of a datagram between two hosts: it is late, lost, doubled, overtaken, or cut off.

Links are directed and named by host (the address without its port), so that a restarted process
keeps its place in the network. Every draw comes from one seeded source.
"""

from collections.abc import Iterable
from random import Random
from typing import NamedTuple, Protocol

from dave.names import MS, Instant

DUPLICATE_SPREAD_MS = 20.0
"""The second copy of a doubled datagram comes up to this much later."""
REORDER_SPREAD_MS = 100.0
"""A datagram that is overtaken comes up to this much later."""
REPLAY_SPREAD_MS = 5_000.0
"""A datagram that is replayed comes once more up to this much later."""


class Link(NamedTuple):
    """One direction between two hosts. Shares are from 0 to 1."""

    delay_ms: float = 5.0
    jitter_ms: float = 1.0
    """Each datagram takes up to this much longer."""
    loss: float = 0.0
    duplication: float = 0.0
    reordering: float = 0.0
    """Share of datagrams held back long enough to be overtaken by many."""
    replay: float = 0.0
    """Share of datagrams that somebody sends again, within the next seconds."""


class Latency(Protocol):
    """How far hosts are from each other (latency.py has one)."""

    def one_way_ms(self, source: str, to: str) -> float: ...


class Links:
    """All links; `default` where none is set. With `latency` the default link's delay comes from
    there, and is added to its own."""

    def __init__(
        self, rng: Random, default: Link | None = None, latency: Latency | None = None
    ) -> None:
        self._rng = rng
        self.default = default or Link()
        self.latency = latency
        self._links: dict[tuple[str, str], Link] = {}
        self._side: dict[str, int] = {}
        self.sent = 0
        self.lost = 0
        self.cut = 0
        """Datagrams that a partition kept apart."""

    def set_link(self, source: str, to: str, link: Link) -> None:
        """From now on datagrams from host `source` to host `to` take this link."""
        self._links[source, to] = link

    def partition(self, *groups: Iterable[str]) -> None:
        """Cut the hosts of each group off from all others; hosts in no group stay together."""
        self._side = {host: side for side, group in enumerate(groups, 1) for host in group}

    def heal(self) -> None:
        """End the partition."""
        self._side = {}

    def is_cut(self, source: str, to: str) -> bool:
        """Whether a partition keeps two hosts apart."""
        return self._side.get(source, 0) != self._side.get(to, 0)

    def one_way(self, source: str, to: str) -> Instant:
        """The delay of a link in nanoseconds, without jitter: that of a connection."""
        link = self._links.get((source, to), self.default)
        extra = 0.0
        if link is self.default and self.latency is not None:
            extra = self.latency.one_way_ms(source, to)
        return int((link.delay_ms + extra) * MS)

    def delays(self, source: str, to: str) -> list[Instant]:
        """After how many nanoseconds each copy of one datagram arrives; empty if it is lost."""
        self.sent += 1
        sides = self._side
        if sides and sides.get(source, 0) != sides.get(to, 0):
            self.cut += 1
            return []
        link = self._links.get((source, to)) if self._links else None
        extra = 0.0
        if link is None:
            link = self.default
            if self.latency is not None:
                extra = self.latency.one_way_ms(source, to)
        delay_ms, jitter_ms, loss, duplication, reordering, replay = link
        draw = self._rng.random
        if loss and draw() < loss:
            self.lost += 1
            return []
        delay = delay_ms + extra + jitter_ms * draw()
        if reordering and draw() < reordering:
            delay += REORDER_SPREAD_MS * draw()
        delays = [int(delay * MS)]
        if duplication and draw() < duplication:
            delays.append(int((delay + DUPLICATE_SPREAD_MS * draw()) * MS))
        if replay and draw() < replay:
            delays.append(int((delay + REPLAY_SPREAD_MS * draw()) * MS))
        return delays
