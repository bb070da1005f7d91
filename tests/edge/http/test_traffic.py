"""/v1/traffic: samples of the node's counters."""

import dave
from dave.drops import Drop
from dave.edge.http.traffic import Traffic
from dave.edge.limits import TRAFFIC_SAMPLES_KEPT, TRAFFIC_SECONDS
from tests.edge.http.serving import served


@served()
async def test_samples_are_taken_from_the_start(site):
    async with site.ask("GET", "/v1/traffic") as response:
        told = await response.json()
    assert told["seconds"] == TRAFFIC_SECONDS
    assert told["last"] == len(told["time"]) == 1
    assert told["counters"]["gets_found"] == [0]
    async with site.ask("GET", "/v1/traffic?since=1") as response:
        assert (await response.json())["time"] == []


@served()
async def test_what_happens_is_counted(site):
    samples = Traffic(site.node)
    samples.sample()
    async with dave.connect(site.node.address, key=dave.Key.generate()) as d:
        await d.put("k", b"v", ttl=3600, listed=False)
        await d.get("k")
    site.node.core.drops.add(Drop.SIZE)
    samples.sample()
    told = samples.told()
    before, after = told["counters"]["puts_stored"]
    assert after > before
    before, after = told["counters"]["gets_found"]
    assert after > before
    assert told["drops"]["size"][1] == 1
    assert samples.told(1)["drops"]["size"] == [1]
    assert samples.told(2)["time"] == []
    started_again = samples.told(99)
    assert started_again["last"] == 2
    assert len(started_again["time"]) == len(started_again["counters"]["gets_found"]) == 2


@served()
async def test_half_an_hour_is_kept(site):
    samples = Traffic(site.node)
    for _ in range(TRAFFIC_SAMPLES_KEPT + 5):
        samples.sample()
    told = samples.told()
    assert len(told["time"]) == TRAFFIC_SAMPLES_KEPT
    assert told["last"] == TRAFFIC_SAMPLES_KEPT + 5


@served()
async def test_since_is_a_number(site):
    for text in ("x", "-1", "1.5", "9" * 17, "%C2%B2"):
        status, _, _ = await site.problem("GET", f"/v1/traffic?since={text}")
        assert status == 400
