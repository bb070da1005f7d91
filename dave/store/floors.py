"""What expired versions leave behind, so that an older and longer-lived version of the same entry
does not come back to light once the newer one is gone (DESIGN section 4, "Delete").

A floor is (entry id, time): nothing of that id at or below that time is admitted. It is kept only
while it could still bar something live: a version older than the floor is gone, whatever its TTL,
once the longest TTL has passed since the floor's time. The table is bounded, the oldest floor goes
first.
"""

from collections.abc import Iterator
from typing import NamedTuple

from dave.limits import FLOORS_MAX, TTL_SECONDS_MAX
from dave.names import EntryId, HybridTime, UnixMs, hybrid_ms


class Floor(NamedTuple):
    """One floor, as the journal keeps it."""

    entry_id: EntryId
    time: HybridTime
    expires_ms: UnixMs
    """From here on nothing live can be older than `time`."""


class Floors:
    """At most `floors_max` floors."""

    __slots__ = ("_floors_max", "_times")

    def __init__(self, floors_max: int = FLOORS_MAX) -> None:
        self._floors_max = floors_max
        self._times: dict[EntryId, HybridTime] = {}

    def note(self, entry_id: EntryId, time: HybridTime, now_ms: UnixMs) -> None:
        """Bar versions at or below `time`, if any such could still be live at `now_ms`."""
        if now_ms >= floor_expires_ms(time):
            return
        times = self._times
        # Taken out first: a renewed floor goes to the young end of the table.
        before = times.pop(entry_id, 0)
        times[entry_id] = max(before, time)
        if len(times) > self._floors_max:
            del times[next(iter(times))]

    def bars(self, entry_id: EntryId, time: HybridTime) -> bool:
        """Whether a version of that time is at or below its floor."""
        return time <= self._times.get(entry_id, -1)

    def live(self, now_ms: UnixMs) -> Iterator[Floor]:
        """The floors worth keeping in a new journal, oldest first; a snapshot."""
        for entry_id, time in list(self._times.items()):
            expires_ms = floor_expires_ms(time)
            if now_ms < expires_ms:
                yield Floor(entry_id, time, expires_ms)

    def __len__(self) -> int:
        return len(self._times)


def floor_expires_ms(time: HybridTime) -> UnixMs:
    """When a floor at `time` can no longer bar anything live."""
    return hybrid_ms(time) + TTL_SECONDS_MAX * 1000
