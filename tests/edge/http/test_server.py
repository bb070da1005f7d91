"""The server: where it listens, what it bears, how it ends."""

import asyncio
import socket

import pytest

import dave
from dave.edge.http import connections, server
from tests.edge.http.serving import served, site
from tests.processes import PATIENCE_SECONDS, until_async


def run(story):
    asyncio.run(asyncio.wait_for(story, PATIENCE_SECONDS))


@served()
async def test_headers_of_every_response(site):
    for path in ("/v1/status", "/nothing"):
        _, headers, _ = await site.answer("GET", path)
        for name, value in connections.HEADERS.items():
            assert headers.getall(name) == [value]
        assert headers.getall("Server") == ["dave"]


def test_an_address_in_use_frees_everything(tmp_path):
    async def story():
        async with site(tmp_path) as at:
            taken = dave.Config(
                listen="127.0.0.1:0", data=tmp_path / "b", http=at.node.http.address
            )
            with pytest.raises(dave.AddressInUse, match=at.node.http.address):
                async with dave.Node(taken):
                    pass
            async with dave.Node(taken._replace(http="localhost:0")) as node:
                assert node.http.address.startswith("127.0.0.1:")
                assert not node.http.is_open

    run(story())


def test_all_addresses_take_either_family(tmp_path):
    async def story():
        async with site(tmp_path, http=":0") as at:
            assert at.node.http.is_open
            port = at.url.rpartition(":")[2]
            for host in ("127.0.0.1", "[::1]"):
                async with at.session.get(f"http://{host}:{port}/v1/status") as response:
                    assert response.status == 200

    run(story())


@pytest.mark.parametrize("text", ["nowhere:port", "1", "[::1"])
def test_what_is_no_address(tmp_path, text):
    async def story():
        async with dave.Node(dave.Config(listen="127.0.0.1:0", data=tmp_path, http=text)):
            pass

    with pytest.raises(dave.UsageError):
        run(story())
    run(_empty(tmp_path))


async def _empty(folder):
    """The folder was given back."""
    async with dave.Node(dave.Config(listen="127.0.0.1:0", data=folder)):
        pass


def test_it_ends_and_gives_its_port_back(tmp_path):
    async def story():
        async with site(tmp_path) as at:
            host, _, port = at.node.http.address.rpartition(":")
            idle, writer = await asyncio.open_connection(host, int(port))
        assert await idle.read() == b""
        writer.close()
        with socket.create_server((host, int(port))):
            pass

    run(story())


def test_what_is_under_way_may_end_when_the_node_stops(tmp_path):
    async def story():
        async with site(tmp_path, signs=True) as at:
            half, rest = asyncio.Event(), asyncio.Event()

            async def body():
                yield b"first half, "
                half.set()
                await rest.wait()
                yield b"second half"

            put = asyncio.create_task(
                at.answer("PUT", at.path(b"k"), data=body(), token=True, expect100=True)
            )
            await half.wait()
            closing = asyncio.create_task(at.node.http.close())
            await until_async(lambda: _refuses(at))
            rest.set()
            status, *_ = await put
            await closing
            assert status == 201
        again = dave.Config(listen="127.0.0.1:0", data=tmp_path / "node")
        async with dave.Node(again) as node, dave.connect(node.address) as d:
            assert (await d.get("k", owner=at.key.owner)).value == b"first half, second half"

    run(story())


def _refuses(at):
    host, _, port = at.node.http.address.rpartition(":")
    with socket.socket() as sock:
        return sock.connect_ex((host, int(port))) != 0


def test_what_does_not_end_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "HTTP_STOP_SECONDS", 0.05)

    async def story():
        async with site(tmp_path, signs=True) as at:
            begun = asyncio.Event()

            async def body():
                yield b"for ever"
                begun.set()
                await asyncio.Event().wait()

            put = asyncio.create_task(
                at.answer("PUT", at.path(b"k"), data=body(), token=True, expect100=True)
            )
            await begun.wait()
        put.cancel()
        await asyncio.wait([put])
        assert len(at.node.core.store) == 0

    run(story())
