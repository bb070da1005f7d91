"""/v1/events against a running node."""

import dave
from tests.edge.http.serving import served
from tests.processes import until_async

UPGRADE = {"Upgrade": "websocket"}


async def put(site, name, value=b"v"):
    async with dave.connect(site.node.address, key=dave.Key.generate()) as d:
        return await (await d.put(name, value, ttl=3600, listed=False)).settled()


@served()
async def test_an_entry_is_told_of_when_it_is_stored(site):
    async with site.session.ws_connect(f"{site.url}/v1/events") as socket:
        await until_async(lambda: site.node.core.notices is not None)
        receipt = await put(site, "greeting")
        event = await socket.receive_json()
        assert event["kind"] == "entries"
        assert event["event"] == "stored"
        assert event["uri"] == receipt.uri
        assert event["key"] == "greeting"
        assert event["bytes"] == 1
    await until_async(lambda: site.node.core.notices is None)


@served()
async def test_only_the_kinds_that_were_asked_for_are_told(site):
    url = f"{site.url}/v1/events?kinds=challenges,peers"
    async with site.session.ws_connect(url) as socket:
        await until_async(lambda: site.node.core.notices is not None)
        receipt = await put(site, "greeting")
        async with dave.connect(site.node.address) as d:
            await d.check(receipt.uri)
        event = await socket.receive_json()
        assert (event["kind"], event["event"]) == ("challenges", "met")
        assert (event["asked"], event["proved"], event["peer"]) == (1, 1, None)


@served()
async def test_kinds_that_there_are_not(site):
    status, _, detail = await site.problem("GET", "/v1/events?kinds=peer", headers=UPGRADE)
    assert status == 400
    assert "did you mean peers?" in detail
    status, _, detail = await site.problem("GET", "/v1/events?kinds=", headers=UPGRADE)
    assert status == 400
