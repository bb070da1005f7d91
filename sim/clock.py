"""Virtual time: what is to happen, in order, and a clock that jumps from one thing to the next.

Actions due at the same instant run in the order in which they were scheduled, so that a run is a
function of its seed.
"""

from collections.abc import Callable
from heapq import heappop, heappush

from dave.names import SECOND, Instant, UnixMs

START: Instant = 1_000 * SECOND
"""Where a run begins: not 0, which tests would take for 'never'."""

WALL_START_MS: UnixMs = 1_800_000_000_000
"""Unix milliseconds at START: some day in 2027."""

SAME_INSTANT_MAX = 200_000
"""Actions at one instant after which a run is taken for a loop that makes no progress."""

Action = Callable[[], None]


class Clock:
    """A heap of (when, number, action)."""

    __slots__ = ("_at_this_instant", "_heap", "_number", "now")

    def __init__(self) -> None:
        self.now: Instant = START
        self._heap: list[tuple[Instant, int, Action]] = []
        self._number = 0
        self._at_this_instant = 0

    @property
    def unix_ms(self) -> UnixMs:
        """The true wall clock; a host's own may be off."""
        return WALL_START_MS + (self.now - START) // 1_000_000

    def schedule(self, when: Instant, action: Action) -> None:
        """Do `action` at `when`, or now if that has passed."""
        self._number += 1
        heappush(self._heap, (max(when, self.now), self._number, action))

    def step(self, until: Instant) -> bool:
        """Do the next thing due not later than `until`; False, with the clock at `until`, if there
        is none."""
        if not self._heap or self._heap[0][0] > until:
            self.now = max(self.now, until)
            return False
        when, _, action = heappop(self._heap)
        self._at_this_instant = self._at_this_instant + 1 if when == self.now else 0
        assert self._at_this_instant < SAME_INSTANT_MAX, f"time stands still at {when} ns"
        self.now = when
        action()
        return True

    def __len__(self) -> int:
        return len(self._heap)
