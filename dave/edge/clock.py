"""The two clocks: one that never steps back, for the core, and the one on the wall, for entries."""

import time

from dave.names import MS, Instant, UnixMs


class Clock:
    """Reads the machine's clocks. Keeps nothing, so that a corrected wall clock shows at once."""

    __slots__ = ()

    def now(self) -> Instant:
        """Nanoseconds on the monotonic clock."""
        return time.monotonic_ns()

    def unix_ms(self) -> UnixMs:
        """Milliseconds since 1970-01-01 UTC by the wall clock."""
        return time.time_ns() // MS

    def offset_ms(self, now: Instant) -> int:
        """What to add to `now // MS`, in milliseconds, for the wall clock's reading at `now`."""
        wall = time.time_ns() - (time.monotonic_ns() - now)
        return wall // MS - now // MS
