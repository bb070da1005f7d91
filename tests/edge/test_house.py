"""What a node does each second: compaction is in tests/edge/test_node_journal.py."""

import asyncio
import time

from dave.edge.house import House
from tests.processes import until_async


class World:
    """Nothing to compact; each look at it is counted."""

    wants_compaction = False

    def __init__(self):
        self.settled = 0

    def settle(self):
        self.settled += 1


class Report:
    """Counts its looks."""

    def __init__(self):
        self.looks = 0

    def look(self):
        self.looks += 1


def test_it_looks_after_all_and_notes_how_late_it_came(monkeypatch):
    monkeypatch.setattr("dave.edge.house.HOUSEKEEPING_SECONDS", 0.01)

    async def story():
        world, report, flushes = World(), Report(), []
        house = House(world, lambda: flushes.append(1), report)
        task = asyncio.create_task(house.run())
        await until_async(lambda: report.looks >= 3)
        time.sleep(0.1)  # what blocks the loop  # noqa: ASYNC251
        await until_async(lambda: report.looks >= 5)
        task.cancel()
        assert world.settled == len(flushes) == report.looks == len(house.lag)
        assert max(i for i, n in enumerate(house.lag.counts) if n) >= 9, "50 ms or more"

    asyncio.run(story())
