"""The server: where it listens, what it bears, how it ends."""

import asyncio
import socket

import pytest

import dave
from dave.edge.http import server
from tests.edge.http.serving import served, site
from tests.processes import PATIENCE_SECONDS


def run(story):
    asyncio.run(asyncio.wait_for(story, PATIENCE_SECONDS))


@served()
async def test_headers_of_every_response(site):
    for path in ("/v1/status", "/nothing"):
        _, headers, _ = await site.answer("GET", path)
        for name, value in server.HEADERS.items():
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


def test_connections_beyond_the_bound_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "HTTP_CONNECTIONS_MAX", 2)

    async def story():
        async with site(tmp_path) as at:
            host, _, port = at.node.http.address.rpartition(":")
            held = [await asyncio.open_connection(host, int(port)) for _ in range(2)]
            reader, writer = await asyncio.open_connection(host, int(port))
            assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
            writer.close()
            for reader, writer in held:
                writer.write_eof()
                assert await reader.read() == b""
                writer.close()
            assert (await at.answer("GET", "/v1/status"))[0] == 200

    run(story())


def test_a_connection_that_says_nothing_is_closed(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "HTTP_IDLE_SECONDS", 0.05)

    async def story():
        async with site(tmp_path) as at:
            host, _, port = at.node.http.address.rpartition(":")
            for said in (b"", b"GET /v1/status HTTP/1.1\r\nHost: local"):
                reader, writer = await asyncio.open_connection(host, int(port))
                writer.write(said)
                assert await reader.read() == b""
                writer.close()

    run(story())


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
