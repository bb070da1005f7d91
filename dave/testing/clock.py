"""Virtual time: what is to happen, in order, and a clock that jumps from one thing to the next.

Actions due at the same instant run in the order in which they were scheduled, so that a run is a
function of its seed.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

from dave.names import SECOND, Instant, UnixMs

START: Instant = 1_000 * SECOND
"""Where a run begins: not 0, which tests would take for 'never'."""

WALL_START_MS: UnixMs = 1_800_000_000_000
"""Unix milliseconds at START: some day in 2027."""

SAME_INSTANT_MAX = 200_000
"""Actions at one instant after which a run is taken for a loop that makes no progress."""

Action = Callable[..., None]
Watcher = Callable[[Instant], None]


class Clock:
    """A heap of (when, number, action, its arguments)."""

    __slots__ = ("_at_this_instant", "_every", "_heap", "_number", "_watch_at", "_watcher", "now")

    def __init__(self) -> None:
        self.now: Instant = START
        self._heap: list[tuple[Instant, int, Action, tuple[Any, ...]]] = []
        self._number = 0
        self._at_this_instant = 0
        self._watcher: Watcher | None = None
        self._every = 0
        self._watch_at: Instant = 1 << 63

    @property
    def unix_ms(self) -> UnixMs:
        """The true wall clock; a host's own may be off."""
        return WALL_START_MS + (self.now - START) // 1_000_000

    def watch(self, watcher: Watcher, every: Instant = SECOND) -> None:
        """Call `watcher` with the time, at most once in `every` nanoseconds of virtual time. It may
        look on, and takes no part: a run is the same without it."""
        self._watcher = watcher
        self._every = every
        self._watch_at = self.now

    def schedule(self, when: Instant, action: Action, *arguments: Any) -> None:
        """Do `action` with `arguments` at `when`, or now if that has passed."""
        self._number += 1
        now = self.now
        heappush(self._heap, (when if when > now else now, self._number, action, arguments))

    def step(self, until: Instant) -> bool:
        """Do the next thing due not later than `until`; False, with the clock at `until`, if there
        is none."""
        heap = self._heap
        if not heap or heap[0][0] > until:
            if until > self.now:
                self.now = until
            return False
        when, _, action, arguments = heappop(heap)
        if when == self.now:
            self._at_this_instant += 1
            assert self._at_this_instant < SAME_INSTANT_MAX, f"time stands still at {when} ns"
        else:
            self._at_this_instant = 0
            self.now = when
        if when >= self._watch_at and self._watcher is not None:
            self._watch_at = when + self._every
            self._watcher(when)
        action(*arguments)
        return True

    def __len__(self) -> int:
        return len(self._heap)
