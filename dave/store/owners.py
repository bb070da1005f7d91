"""Who holds how much of the node: the owners whose share decides evictions, in a bounded table.

Space-Saving (Metwally, Agrawal, El Abbadi, "Efficient computation of frequent and top-k elements
in data streams", 2005) with deletions as in SpaceSaving+- (Zhao et al., VLDB 2022): an owner who
finds the table full takes over the smallest counter, and bytes taken back from someone unlisted
are taken off what such take-overs added. Counters and `rest` always add up to the bytes held, so
the smallest of 64 counters is at most 1/64 of them: 1.6 %, far below the 5 % that matters. Up to 64
owners the table is exact.

While the journal is replayed the table is unbounded, so exact and fast; `settle` cuts it down.
"""

from collections.abc import Iterable
from heapq import nlargest
from sys import maxsize

from dave.limits import OWNERS_TRACKED
from dave.names import Owner
from dave.store.rank import UNRANKED
from dave.store.shard import Held, Shard, owner_of, size_of


class Owners:
    """Bytes by owner; `over` holds the owners above `limit_bytes`, in the order they got there."""

    __slots__ = ("_bytes", "_errors", "_rest", "_tracked_max", "limit_bytes", "over")

    def __init__(self, limit_bytes: int) -> None:
        self.over: dict[Owner, None] = {}
        self.limit_bytes = limit_bytes
        self._tracked_max = maxsize
        self._bytes: dict[Owner, int] = {}
        # What a counter inherited when its owner took it over; only owners with such a debt.
        self._errors: dict[Owner, int] = {}
        self._rest = 0

    def settle(self, tracked_max: int = OWNERS_TRACKED) -> None:
        """End the unbounded phase: keep the largest owners, count the others together."""
        self._tracked_max = tracked_max
        if len(self._bytes) <= tracked_max:
            return
        kept = nlargest(tracked_max, self._bytes.items(), key=lambda item: (item[1], item[0]))
        self._rest += sum(self._bytes.values()) - sum(n for _, n in kept)
        self._bytes = dict(kept)
        self.over = {owner: None for owner in self.over if owner in self._bytes}

    def add(self, owner: Owner, n: int) -> None:
        """`owner` stored n more bytes."""
        have = self._bytes.get(owner)
        if have is None:
            have = 0 if len(self._bytes) < self._tracked_max else self._take_over(owner)
        self._bytes[owner] = have + n
        if have + n > self.limit_bytes:
            self.over[owner] = None

    def remove(self, owner: Owner, n: int) -> None:
        """n bytes of `owner` are gone."""
        have = self._bytes.get(owner)
        if have is None:
            self._take_off_rest(n)
        elif have > n:
            self._bytes[owner] = have - n
            if have - n <= self.limit_bytes:
                self.over.pop(owner, None)
        else:
            del self._bytes[owner]
            self._errors.pop(owner, None)
            self.over.pop(owner, None)
            self._take_off_rest(n - have)

    def bytes_of(self, owner: Owner) -> int:
        """Bytes counted for an owner; 0 for one not among the largest."""
        return self._bytes.get(owner, 0)

    def largest(self, n: int) -> Iterable[tuple[Owner, int]]:
        """The n largest owners with their bytes, largest first."""
        return nlargest(n, self._bytes.items(), key=lambda item: (item[1], item[0]))

    @property
    def total(self) -> int:
        """Bytes of all owners together."""
        return sum(self._bytes.values()) + self._rest

    @property
    def is_single(self) -> bool:
        """Whether all that is held belongs to one owner, or nothing is held."""
        return len(self._bytes) <= 1 and not self._rest

    def __len__(self) -> int:
        return len(self._bytes)

    def _take_over(self, owner: Owner) -> int:
        """Free the smallest counter for `owner`; returns what it inherits."""
        least = min(self._bytes, key=self._bytes.__getitem__)
        least_bytes = self._bytes.pop(least)
        self._errors.pop(least, None)
        self.over.pop(least, None)
        # What `owner` may hold unlisted is part of the rest, and not above the smallest counter.
        inherited = min(least_bytes, self._rest)
        self._rest += least_bytes - inherited
        if inherited:
            self._errors[owner] = inherited
        return inherited

    def _take_off_rest(self, n: int) -> None:
        """Bytes of an unlisted owner are gone: from the rest first, then from the largest debt."""
        part = min(n, self._rest)
        self._rest -= part
        n -= part
        while n:
            assert self._errors, "more bytes were removed than were added"
            owner = max(self._errors, key=self._errors.__getitem__)
            part = min(n, self._errors[owner], self._bytes[owner])
            n -= part
            self._errors[owner] -= part
            if not self._errors[owner] or part == self._bytes[owner]:
                del self._errors[owner]
            self.remove(owner, part)


def line_up_over_share(
    owners: Owners, shard: Shard, data: bytes, old: Held | None, need: int, victims: list[Held]
) -> tuple[int, float, bool]:
    """Choose victims among entries of owners above their share, lowest rank first.

    The newcomer `data` stands in line with them while its owner is above its share. Returns the
    bytes still needed, the highest rank it must exceed for its place in the line (or UNRANKED), and
    whether it is the last in line with bytes still needed: then no rank would do.
    """
    newcomer = owner_of(data)
    spare = {owner: owners.bytes_of(owner) - owners.limit_bytes for owner in owners.over}
    outrank = UNRANKED
    for held in shard.lowest_of(list(owners.over)):
        if need <= 0:
            break
        owner = owner_of(held[3])
        if held is old or spare[owner] <= 0:
            continue
        if spare.get(newcomer, 0) > 0:
            outrank = held[0]
        victims.append(held)
        spare[owner] -= size_of(held[3])
        need -= size_of(held[3])
    return need, outrank, need > 0 and spare.get(newcomer, 0) > 0
