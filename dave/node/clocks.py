"""How far this node has what others have: {node: (journal id, sequence)}, a vector clock (DESIGN
section 8, "Clock"; Parker et al. 1983).

All that a node should hold of another one's journal, up to its clock for it, it has seen and
committed, or had no use for. A journal that is new takes the place of the old one.
"""

from collections.abc import Iterable
from typing import NamedTuple

from dave.node.limits import CLOCKS_MAX


class Clock(NamedTuple):
    """How far we are in one journal."""

    journal_id: bytes
    """16 bytes."""
    sequence: int
    """0: nothing is known of it yet."""


class Clocks:
    """At most CLOCKS_MAX; of more, the one that stood still for longest is forgotten, and found out
    anew."""

    __slots__ = ("_by_key",)

    def __init__(self) -> None:
        self._by_key: dict[bytes, Clock] = {}
        """By public key; last, the clock that moved last."""

    def get(self, public_key: bytes) -> Clock | None:
        """The clock for a node."""
        return self._by_key.get(public_key)

    def set(self, public_key: bytes, journal_id: bytes, sequence: int) -> None:
        """We are so far. Within one journal a clock never goes back."""
        clock = self._by_key.pop(public_key, None)
        if clock is not None and clock.journal_id == journal_id:
            sequence = max(sequence, clock.sequence)
        self._by_key[public_key] = Clock(journal_id, sequence)
        if len(self._by_key) > CLOCKS_MAX:
            del self._by_key[next(iter(self._by_key))]

    def all(self) -> list[tuple[bytes, bytes, int]]:
        """(public key, journal id, sequence) of all, to be kept beyond this process."""
        return [(key, *clock) for key, clock in self._by_key.items()]

    def restore(self, clocks: Iterable[tuple[bytes, bytes, int]]) -> None:
        """Take in what an earlier process kept."""
        for public_key, journal_id, sequence in clocks:
            self.set(public_key, journal_id, sequence)

    def __len__(self) -> int:
        return len(self._by_key)
