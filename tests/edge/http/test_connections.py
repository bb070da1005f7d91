"""Connections: how many, how slow, and what is no HTTP."""

import asyncio
import json
import logging

import pytest

from dave.edge.http import connections
from tests.edge.http.serving import served, site
from tests.processes import PATIENCE_SECONDS


def run(story):
    asyncio.run(asyncio.wait_for(story, PATIENCE_SECONDS))


def test_connections_beyond_the_bound_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(connections, "HTTP_CONNECTIONS_MAX", 2)

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
    monkeypatch.setattr(connections, "HTTP_IDLE_SECONDS", 0.05)

    async def story():
        async with site(tmp_path) as at:
            host, _, port = at.node.http.address.rpartition(":")
            for said in (b"", b"GET /v1/status HTTP/1.1\r\nHost: local"):
                reader, writer = await asyncio.open_connection(host, int(port))
                writer.write(said)
                assert await reader.read() == b""
                writer.close()

    run(story())


NO_HTTP = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"nonsense\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization Bearer secret\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nA: b\rc\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"b" * 9000 + b"\r\n\r\n",
    b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n",
    b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
]


@pytest.mark.parametrize("data", NO_HTTP, ids=range(len(NO_HTTP)))
def test_what_is_no_http_is_told_and_not_logged(tmp_path, caplog, data):
    async def story():
        async with site(tmp_path) as at:
            host, _, port = at.node.http.address.rpartition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(data)
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            writer.close()
            assert head.split()[1] in (b"400", b"431")
            assert b"Server: dave\r\n" in head
            assert b"Content-Type: application/problem+json" in head
            told = json.loads(body)
            assert told["detail"].startswith("this is no HTTP: ")
            assert "secret" not in str(told)
            assert (await at.answer("GET", "/v1/status"))[0] == 200

    with caplog.at_level(logging.DEBUG):
        run(story())
    assert "secret" not in caplog.text
    assert "Traceback" not in caplog.text


@served()
async def test_many_connections_at_once(site):
    answers = await asyncio.gather(*[site.answer("GET", "/v1/status") for _ in range(200)])
    assert [status for status, *_ in answers] == [200] * 200
