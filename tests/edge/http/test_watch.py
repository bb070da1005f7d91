"""/v1/watch against a running node."""

from base64 import b64decode

import dave
from tests.edge.http.serving import served


@served()
async def test_what_stands_then_each_version_then_its_end(site):
    key = dave.Key.generate()
    async with dave.connect(site.node.address, key=key) as d:
        uri = (await d.put("colour", b"blue", ttl=3600, listed=False)).uri
        async with site.session.ws_connect(f"{site.url}/v1/watch", params={"name": uri}) as socket:
            change = await socket.receive_json()
            assert (b64decode(change["value"]), change["gone"]) == (b"blue", None)
            assert change["uri"] == uri
            await d.put("colour", b"red", ttl=3600, listed=False)
            assert b64decode((await socket.receive_json())["value"]) == b"red"
            await d.delete("colour", listed=False)
            change = await socket.receive_json()
            assert (change["value"], change["gone"]) == (None, "deleted")


@served()
async def test_names_that_say_nothing(site):
    for query in ("", "?name=", "?name=bare", "?name=dave://nobody/k"):
        upgrade = {"Upgrade": "websocket"}
        status, _, _ = await site.problem("GET", f"/v1/watch{query}", headers=upgrade)
        assert status == 400, query


@served()
async def test_who_leaves_ends_the_watch(site):
    async with dave.connect(site.node.address, key=dave.Key.generate()) as d:
        uri = (await d.put("colour", b"blue", ttl=3600, listed=False)).uri
        async with site.session.ws_connect(f"{site.url}/v1/watch", params={"name": uri}) as socket:
            await socket.receive_json()
        async with site.session.ws_connect(f"{site.url}/v1/watch", params={"name": uri}) as socket:
            assert (await socket.receive_json())["gone"] is None
