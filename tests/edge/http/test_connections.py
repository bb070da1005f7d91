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


def test_other_machines_leave_room_for_this_one(tmp_path, monkeypatch):
    monkeypatch.setattr(connections, "HTTP_CONNECTIONS_OUTSIDE_MAX", 1)
    monkeypatch.setattr(connections, "is_this_machine", lambda host: host == "127.0.0.1")

    async def story():
        async with site(tmp_path) as at:
            host, _, port = at.node.http.address.rpartition(":")
            outside = [
                await asyncio.open_connection(host, int(port), local_addr=(f"127.0.0.{n}", 0))
                for n in (2, 3)
            ]
            assert (await outside[1][0].read()).startswith(b"HTTP/1.1 503 ")
            for _ in range(3):
                reader, writer = await asyncio.open_connection(host, int(port))
                writer.write(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")
                assert (await reader.read()).split()[1] == b"200"
                writer.close()
            for _, writer in outside:
                writer.close()

    run(story())


def test_a_head_of_many_long_fields_is_not_waited_for(tmp_path):
    async def story():
        async with site(tmp_path) as at:
            host, _, port = at.node.http.address.rpartition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
            for n in range(12):
                writer.write(b"A%d: " % n + b"a" * 4000 + b"\r\n")
            head = await reader.read()
            assert head.startswith(b"HTTP/1.1 431 ")
            writer.close()
            body = b"a" * 300_000  # what belongs to a request is no head
            path, limit = at.path(b"k", bytes(32)), {"Content-Type": "application/x-dave-entry"}
            status, *_ = await at.problem("PUT", path, data=body, headers=limit, token=True)
            assert status == 413

    run(story())


def test_the_event_loop_of_dave_run_tells_them_too(tmp_path, monkeypatch):
    uvloop = pytest.importorskip("uvloop")
    monkeypatch.setattr(connections, "HTTP_CONNECTIONS_MAX", 1)

    async def story():
        async with site(tmp_path) as at:
            host, _, port = at.node.http.address.rpartition(":")
            _, held = await asyncio.open_connection(host, int(port))
            reader, writer = await asyncio.open_connection(host, int(port))
            assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
            writer.close()
            held.close()

    uvloop.run(asyncio.wait_for(story(), PATIENCE_SECONDS))


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
