"""How far a run has come, on one line of a terminal.

Nobody knows beforehand how much virtual time a scenario takes, so the line shows what has passed,
how fast it passes, and what there is.
"""

import sys
import time

from dave.names import SECOND, Instant
from dave.testing.clock import START
from dave.testing.world import World

REDRAW_SECONDS = 0.2
EVERY = SECOND // 4
"""Virtual time between two looks at the real clock."""


class Progress:
    """Follows each world that is made, from `install` on."""

    def __init__(self) -> None:
        self._world: World | None = None
        self._started = self._drawn = 0.0

    def install(self) -> None:
        """Follow all worlds made from now on; only worth it where somebody sees standard error."""
        World.observer = self.follow

    def remove(self) -> None:
        """Follow no more, and clear the line."""
        World.observer = None
        if self._world is not None:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def follow(self, world: World) -> None:
        """Show this world instead of the last one."""
        self._world = world
        self._started = time.monotonic()
        world.clock.watch(self._look, EVERY)

    def _look(self, now: Instant) -> None:
        real = time.monotonic()
        if real - self._drawn >= REDRAW_SECONDS and self._world is not None:
            self._drawn = real
            text = line(self._world, now, real - self._started)
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def line(world: World, now: Instant, real_seconds: float) -> str:
    """What the terminal shows."""
    passed = (now - START) / SECOND
    hours, rest = divmod(int(passed), 3600)
    speed = passed / real_seconds if real_seconds > 0 else 0.0
    return (
        f"{hours:d}:{rest // 60:02d}:{rest % 60:02d} virtual, {speed:.0f}x real time, "
        f"{len(world.nodes)} nodes, {world.delivered:,} datagrams"
    )
