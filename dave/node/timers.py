"""What the core waits for: an alarm per purpose, in one heap.

Alarms are not cancelled: whoever set one looks, when it rings, whether there is still anything to
do. Ties are broken by a number, so that a run is a function of its seed.
"""

from enum import IntEnum, auto
from heapq import heappop, heappush
from typing import Any

from dave.names import Instant


class Timer(IntEnum):
    """The purposes."""

    REQUEST = 0
    """A request was not answered yet: send it again, or give up."""
    LOOKUP = auto()
    """A lookup stops waiting for peers that are slow."""
    DEADLINE = auto()
    """An operation of the application has used its time."""
    HALF_TIME = auto()
    """A put has used half of its time."""
    RETRY_PUT = auto()
    """A peer that said BUSY is asked once more."""
    GIVE_UP = auto()
    """A put stops waiting for a peer that was slow before."""
    JOIN = auto()
    """Look for nodes: through the edges first, then near our own id."""
    PROBE = auto()
    """Ask a contact whether it is there."""
    REACH = auto()
    """By now somebody should have dialled us."""
    DIAL = auto()
    """A newcomer that one contact could not reach is to be dialled by another."""
    EXPIRE = auto()
    """Remove what has expired from one shard."""
    AUDIT = auto()
    """An eviction that a proof told of should have been announced by now."""
    ANNOUNCE = auto()
    """Versions wait to be announced to a peer."""
    LEARN = auto()
    """Learn by name the next of the entries that the journal brought back."""
    REPAIR = auto()
    """Look whether nodes have come or gone, or go on with a sweep through the store."""
    SYNC = auto()
    """A gap in what we have of a peer may be pulled; or a pull has made no progress."""
    BULK = auto()
    """Look after a connection of the bulk channel."""
    WATCH = auto()
    """A watcher renews a lease, polls, or sees its version expire."""
    NOTIFY = auto()
    """Watchers are to be told of a version, or told again."""
    LEASE = auto()
    """Remove the watches whose lease has lapsed."""
    SHARES = auto()
    """Look after shares that are offered, fetched or taken in."""


class Timers:
    """Alarms in order of time."""

    __slots__ = ("_heap", "_number")

    def __init__(self) -> None:
        self._heap: list[tuple[Instant, int, Timer, Any]] = []
        self._number = 0

    def set(self, when: Instant, purpose: Timer, subject: Any = None) -> None:
        """Ring at `when`."""
        self._number += 1
        heappush(self._heap, (when, self._number, purpose, subject))

    def next(self) -> Instant | None:
        """When the first alarm rings, or None."""
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: Instant) -> tuple[Timer, Any] | None:
        """The first alarm that is due, or None."""
        if self._heap and self._heap[0][0] <= now:
            _, _, purpose, subject = heappop(self._heap)
            return purpose, subject
        return None

    def __len__(self) -> int:
        return len(self._heap)
