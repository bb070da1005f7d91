"""Which entries were stored under which sequence, in order: what a sync walks through.

Two lists side by side, 16 bytes an entry; numbers and ids are those that the shards hold. What was
replaced or has gone stays listed until half of the lists is stale: who walks asks the shard whether
the entry is still held under that sequence.
"""

from bisect import bisect_right
from collections.abc import Callable

from dave.names import EntryId

STALE_MIN = 1024
"""Fewer stale lines than this are never swept."""

IsHeld = Callable[[EntryId, int], bool]
"""Whether the entry of that id is held under that sequence."""


class SequenceLog:
    """Appended to at each insertion."""

    __slots__ = ("_ids", "_is_sorted", "_sequences")

    def __init__(self) -> None:
        self._sequences: list[int] = []
        self._ids: list[EntryId] = []
        self._is_sorted = True

    def add(self, sequence: int, entry_id: EntryId) -> None:
        """An entry was stored. Out of order only while a journal is loaded."""
        sequences = self._sequences
        if sequences and sequence < sequences[-1]:
            self._is_sorted = False
        sequences.append(sequence)
        self._ids.append(entry_id)

    def after(self, sequence: int, count: int) -> list[tuple[int, EntryId]]:
        """The next `count` lines after a sequence, in order; stale ones among them."""
        if not self._is_sorted:
            self._sort()
        start = bisect_right(self._sequences, sequence)
        end = start + count
        return list(zip(self._sequences[start:end], self._ids[start:end], strict=True))

    def sweep(self, held: int, is_held: IsHeld) -> None:
        """Drop stale lines, if with `held` entries in the store they are more than half."""
        if len(self._ids) <= 2 * held + STALE_MIN:
            return
        lines = zip(self._sequences, self._ids, strict=True)
        live = [line for line in lines if is_held(line[1], line[0])]
        self._sequences = [sequence for sequence, _ in live]
        self._ids = [entry_id for _, entry_id in live]

    def settle(self) -> None:
        """The journal is loaded: put what it brought in order."""
        if not self._is_sorted:
            self._sort()

    def __len__(self) -> int:
        return len(self._ids)

    def _sort(self) -> None:
        sequences, ids = self._sequences, self._ids
        order = sorted(range(len(ids)), key=sequences.__getitem__)
        self._sequences = [sequences[i] for i in order]
        self._ids = [ids[i] for i in order]
        self._is_sorted = True
