"""How long a network takes until every replica is as it should be, noted for a plot on the way."""

from collections.abc import Sequence

from dave.testing.world import World
from dave.wire.entry import Entry
from sim.checks import wrong_copies


def until_right(
    world: World, entries: Sequence[Entry], series: str, step: float, limit: float, unit: float = 1
) -> float:
    """Virtual seconds, in steps of `step`, until no copy of the entries is wrong; `limit` or a
    little more if that never comes. The share of entries that are right goes into the series, whose
    time is in units of `unit` seconds."""
    took = 0.0
    while True:
        wrong = sum(wrong_copies(world, [entry]) > 0 for entry in entries)
        world.record(series, took / unit, 1 - wrong / max(len(entries), 1))
        if not wrong or took >= limit:
            return took
        world.run(step)
        took += step
