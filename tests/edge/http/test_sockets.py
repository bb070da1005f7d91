"""WebSockets: their handshake, their bounds, and how they end."""

import asyncio

import aiohttp
import pytest

from dave.edge.http import sockets
from tests.edge.http.serving import served, site
from tests.processes import PATIENCE_SECONDS, until_async


@served()
async def test_what_is_no_websocket_is_told_so(site):
    for path in ("/v1/events", "/v1/watch?name=dave://" + "a" * 52 + "/k"):
        status, title, detail = await site.problem("GET", path)
        assert (status, title) == (426, "Upgrade Required")
        assert "WebSocket" in detail
    _, headers, _ = await site.answer("GET", "/v1/events")
    assert headers["Upgrade"] == "websocket"


@served()
async def test_the_subprotocol_that_is_chosen_is_not_the_token(site):
    offered = ("dave", f"dave.token.{site.token}")
    async with site.session.ws_connect(f"{site.url}/v1/events", protocols=offered) as socket:
        assert socket.protocol == "dave"
    async with site.session.ws_connect(f"{site.url}/v1/events") as socket:
        assert socket.protocol is None
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await site.session.ws_connect(f"{site.url}/v1/events", protocols=("dave.token.wrong",))
    assert caught.value.status == 401


@served()
async def test_other_sites_pages_get_none(site):
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await site.session.ws_connect(f"{site.url}/v1/events", origin="http://evil.example")
    assert caught.value.status == 403


def test_one_too_many_is_refused_and_one_that_left_makes_room(tmp_path, monkeypatch):
    monkeypatch.setattr(sockets, "SOCKETS_MAX", 1)

    async def story():
        async with site(tmp_path) as at:
            url = f"{at.url}/v1/events"
            first = await at.session.ws_connect(url)
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await at.session.ws_connect(url)
            assert caught.value.status == 503
            await first.close()
            await until_async(lambda: at.node.core.notices is None)
            await (await at.session.ws_connect(url)).close()

    asyncio.run(asyncio.wait_for(story(), PATIENCE_SECONDS))


@served()
async def test_who_says_too_much_is_hung_up_on(site):
    async with site.session.ws_connect(f"{site.url}/v1/events") as socket:
        await socket.send_str("hello")
        await socket.send_str("x" * 2000)
        message = await socket.receive()
        assert message.type is aiohttp.WSMsgType.CLOSE
        assert message.data == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


def test_when_the_node_stops_it_says_so(tmp_path):
    async def story():
        async with aiohttp.ClientSession() as session:
            async with site(tmp_path) as at:
                socket = await session.ws_connect(f"{at.url}/v1/events")
                await until_async(lambda: at.node.core.notices is not None)
                closing = asyncio.create_task(socket.receive())
                await asyncio.sleep(0)
            message = await closing
            assert message.type is aiohttp.WSMsgType.CLOSE
            assert message.data == aiohttp.WSCloseCode.GOING_AWAY

    asyncio.run(asyncio.wait_for(story(), PATIENCE_SECONDS))
