"""/v1/shards: figures that add up."""

import asyncio

import dave
from dave.edge.http.shards import ShardFigures
from dave.limits import SHARDS
from tests.edge.http.serving import served
from tests.node.helpers import Stage


@served()
async def test_the_figures_add_up(site):
    async with dave.connect(site.node.address, key=dave.Key.generate()) as d:
        await d.put_many({f"k{n}": b"v" for n in range(20)}, ttl=3600)
    async with site.ask("GET", "/v1/shards") as response:
        figures = await response.json()
    store = site.node.core.store
    assert sum(figures["entries"]) == len(store) > 20
    assert sum(figures["bytes"]) == store.bytes_used
    assert figures["bytes_capacity"] == site.node.config.capacity // SHARDS
    for count, lowest in zip(figures["entries"], figures["lowest_rank"], strict=True):
        assert (lowest is not None) == (count > 0)


def test_they_are_made_anew_only_now_and_then():
    async def story():
        stage = Stage()
        figures = ShardFigures(stage.store, 1 << 24)
        before, again = await asyncio.gather(figures.get(), figures.get())
        assert before is again
        stage.put(stage.entry())
        assert await figures.get() is before
        figures._made_at = float("-inf")
        assert sum((await figures.get())["entries"]) == 1

    asyncio.run(story())
