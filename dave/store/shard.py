"""One of a store's 256 shards: a dictionary with exact byte accounting and, once it was full, the
rank order of what it holds.

An entry is held as a plain tuple (rank, sequence, id, encoding): the collector of garbage stops
tracking exact tuples of atoms, and the sorted list shares them with the dictionary. The order is
built when the shard is full for the first time, so that replaying a journal and a half-empty store
pay nothing for it.
"""

from collections.abc import Callable, Collection, Iterator
from enum import IntEnum, auto
from heapq import merge
from struct import Struct
from sys import maxsize

from sortedcontainers import SortedList

from dave.limits import OWNERS_TRACKED, STORE_OVERHEAD_BYTES
from dave.names import EntryId, HybridTime, Owner, UnixMs
from dave.store.rank import UNRANKED
from dave.wire.entry import SIGNED_OFFSET, TOMBSTONE

Held = tuple[float, int, EntryId, bytes]
"""(rank or UNRANKED, sequence, id, encoded entry). No two have the same sequence, so comparing two
never goes past it."""

NEVER: UnixMs = maxsize

_flags_time_ttl = Struct("<BQI").unpack_from


class Gone(IntEnum):
    """Why the store holds a version no more."""

    REPLACED = 0
    """By a newer version, or by the same one with a better stamp."""
    EVICTED = auto()
    """It had to make room."""
    EXPIRED = auto()


OnGone = Callable[[EntryId, bytes, Gone], None]
"""Called with the id, the encoded entry and the reason."""


class Shard:
    """Entries by id. Checks nothing: what is admitted or evicted is the store's decision."""

    __slots__ = ("_heavy", "_order", "bytes_used", "entries", "soonest_ms")

    def __init__(self) -> None:
        self.entries: dict[EntryId, Held] = {}
        self.bytes_used = 0
        """Sum of `size_of` over all entries."""
        self.soonest_ms: UnixMs = NEVER
        """No entry expires before this."""
        self._order: SortedList[Held] | None = None
        self._heavy: dict[Owner, SortedList[Held]] = {}

    @property
    def is_ranked(self) -> bool:
        """Whether the rank order exists; then every entry added must carry its rank."""
        return self._order is not None

    def add(self, held: Held, expires_ms: UnixMs) -> None:
        """Take in an entry whose id is not held."""
        entry_id, data = held[2], held[3]
        assert entry_id not in self.entries
        self.entries[entry_id] = held
        self.bytes_used += len(data) + STORE_OVERHEAD_BYTES
        if expires_ms < self.soonest_ms:
            self.soonest_ms = expires_ms
        if self._order is not None:
            assert held[0] != UNRANKED
            self._order.add(held)
            if self._heavy and (listed := self._heavy.get(owner_of(data))) is not None:
                listed.add(held)

    def remove(self, entry_id: EntryId) -> Held:
        """Let go of an entry that is held."""
        held = self.entries.pop(entry_id)
        self.bytes_used -= len(held[3]) + STORE_OVERHEAD_BYTES
        if self._order is not None:
            self._order.remove(held)
            if self._heavy and (listed := self._heavy.get(owner_of(held[3]))) is not None:
                listed.remove(held)
        return held

    def expire(self, now_ms: UnixMs) -> list[Held]:
        """Remove all whose time is over, and return them. O(n), but only when one may be."""
        if now_ms < self.soonest_ms:
            return []
        soonest = NEVER
        gone = []
        for held in self.entries.values():
            expires = expires_ms_of(held[3])
            if expires <= now_ms:
                gone.append(held)
            elif expires < soonest:
                soonest = expires
        for held in gone:
            self.remove(held[2])
        self.soonest_ms = soonest
        return gone

    def build_order(self, rank_of: Callable[[EntryId, bytes], float]) -> None:
        """Build the rank order unless it exists; `rank_of` ranks what was loaded unranked."""
        if self._order is not None:
            return
        entries = self.entries
        for entry_id, held in entries.items():
            if held[0] == UNRANKED:
                entries[entry_id] = (rank_of(entry_id, held[3]), *held[1:])
        self._order = SortedList(entries.values())

    def lowest_rank(self) -> float | None:
        """The rank that a newcomer must exceed, once there is no room. None: nothing is held, or
        something was loaded that had not to be ranked yet. O(n), unless the order is built."""
        if self._order is not None:
            return self._order[0][0] if self._order else None
        lowest = min([held[0] for held in self.entries.values()], default=UNRANKED)
        return None if lowest == UNRANKED else lowest

    def figures(self) -> tuple[int, int, float | None]:
        """Entries, bytes used and lowest rank."""
        return len(self.entries), self.bytes_used, self.lowest_rank()

    def lowest(self) -> Iterator[Held]:
        """All entries from the lowest rank upward. The order must be built."""
        assert self._order is not None
        return iter(self._order)

    def lowest_of(self, owners: Collection[Owner]) -> Iterator[Held]:
        """The entries of `owners` from the lowest rank upward. The order must be built.

        Each owner's own list is built at the first call that names it and kept up from then on, so
        that a flood of high-ranking entries does not make every eviction a walk past all others.
        """
        assert self._order is not None
        heavy = self._heavy
        missing = [owner for owner in owners if owner not in heavy]
        if missing:
            if len(heavy) + len(missing) > OWNERS_TRACKED:
                heavy.clear()
                missing = list(owners)
            found: dict[Owner, list[Held]] = {owner: [] for owner in missing}
            for held in self._order:
                if (mine := found.get(owner_of(held[3]))) is not None:
                    mine.append(held)
            heavy.update((owner, SortedList(mine)) for owner, mine in found.items())
        return merge(*[heavy[owner] for owner in owners])


def size_of(data: bytes) -> int:
    """What an encoded entry counts against capacity, in bytes."""
    return len(data) + STORE_OVERHEAD_BYTES


def owner_of(data: bytes) -> Owner:
    """The owner of an encoded entry."""
    return data[87:119]


def version_of(data: bytes) -> tuple[HybridTime, int]:
    """Time of an encoded entry, and 1 for a tombstone: its place in the order of versions, but for
    the digest that settles a tie."""
    flags, time, _ = _flags_time_ttl(data, SIGNED_OFFSET)
    return time, flags & TOMBSTONE


def expires_ms_of(data: bytes) -> UnixMs:
    """When an encoded entry is gone, in Unix milliseconds."""
    _, time, ttl = _flags_time_ttl(data, SIGNED_OFFSET)
    return int((time >> 16) + ttl * 1000)
