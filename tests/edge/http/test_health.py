"""/healthz does what a client does; /readyz says why not."""

import asyncio
import json

from dave.edge.http import health
from tests.edge.http.serving import served, site
from tests.processes import PATIENCE_SECONDS, until_async


@served()
async def test_a_put_and_a_get_are_done(site):
    status, headers, body = await site.answer("GET", "/healthz")
    found = json.loads(body)
    assert (status, found["healthy"], found["stored"], found["asked"]) == (200, True, 1, 1)
    assert found["put_seconds"] > 0
    assert found["get_seconds"] > 0
    assert "no-store" in headers["Cache-Control"]
    counts = site.node.core.puts.counts[0]
    assert counts == 1
    # Those who ask together, and soon after, are told of the same check.
    await asyncio.gather(*[site.answer("GET", "/healthz") for _ in range(20)])
    assert site.node.core.puts.counts[0] == counts


@served()
async def test_it_is_checked_again_when_that_is_old(site):
    await site.answer("GET", "/healthz")
    health.HTTP_HEALTH_SECONDS, kept = 0.0, health.HTTP_HEALTH_SECONDS
    try:
        await site.answer("GET", "/healthz")
    finally:
        health.HTTP_HEALTH_SECONDS = kept
    assert site.node.core.puts.counts[0] == 2


@served()
async def test_a_node_that_cannot_store_is_not_healthy(site):
    site.node.core.puts.is_read_only = True
    status, title, detail = await site.problem("GET", "/healthz")
    assert (status, title, detail[:5]) == (503, "Service Unavailable", "put: ")
    site.node.core.puts.is_read_only = False
    async with site.ask("GET", "/healthz") as response:  # it is told once more, and how old it is
        assert (response.status, (await response.json())["checked_seconds_ago"] >= 0) == (503, True)


@served()
async def test_a_node_alone_by_intent_is_ready(site):
    status, _, body = await site.answer("GET", "/readyz")
    assert (status, json.loads(body)) == (200, {"ready": True, "reasons": []})


def test_a_node_that_is_to_join_is_ready_once_it_has(tmp_path):
    async def story():
        async with site(tmp_path / "a") as first:
            async with site(tmp_path / "b", edges=[first.node.address]) as second:
                await until_async(lambda: len(second.node.core.table))
                assert (await second.answer("GET", "/readyz"))[0] == 200
            edge = [second.node.address]  # nobody is there any more
            async with site(tmp_path / "c", edges=edge) as third:
                status, _, detail = await third.problem("GET", "/readyz")
                assert (status, detail[:5]) == (503, "alone")

    asyncio.run(asyncio.wait_for(story(), PATIENCE_SECONDS))


@served()
async def test_a_journal_that_failed_is_named(site):
    site.node.world.journal._writer.failure = OSError("no space left")
    async with site.ask("GET", "/readyz") as response:
        told = await response.json()
    assert (response.status, told["reasons"]) == (
        503, ["read_only: the journal cannot be written (no space left)"]
    )  # fmt: skip


@served()
async def test_whoever_hangs_up_does_not_have_it_begin_anew(site):
    host, _, port = site.node.http.address.rpartition(":")
    await site.answer("GET", "/readyz")
    for _ in range(20):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await asyncio.sleep(0)  # sent, and gone before there can be an answer
        writer.close()
        await writer.wait_closed()
    assert (await site.answer("GET", "/healthz"))[0] == 200
    assert site.node.core.puts.counts[0] == 1
