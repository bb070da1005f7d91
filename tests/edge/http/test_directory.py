"""GET /v1/entries/OWNER: an owner's names."""

import asyncio
import json

import dave
from dave.edge.client import Client
from dave.edge.limits import HTTP_LISTINGS_MAX
from dave.errors import Incomplete
from tests.edge.http.serving import served
from tests.processes import until_async


async def names(site, query="", owner=None):
    path = f"/v1/entries/{owner or site.key.name}{query}"
    status, _, body = await site.answer("GET", path)
    return status, json.loads(body)


@served(signs=True)
async def test_names_as_the_command_prints_them(site):
    async with dave.connect(site.node.address, key=site.key) as d:
        for key in (b"a", b"a/1", b"a/2", b"\xff"):
            await d.put(key, b"value")
        await d.flush()
    status, told = await names(site)
    assert (status, told["complete"]) == (200, True)
    assert [name["key"] for name in told["names"]] == ["a", "a/1", "a/2", "\\xff"]
    assert told["names"][3]["uri"].endswith("/%FF")
    assert (told["names"][0]["size"], told["names"][0]["owner"]) == (5, site.key.name)
    assert told["names"][0]["seconds_left"] > 0
    assert [n["key"] for n in (await names(site, "?prefix=a%2F"))[1]["names"]] == ["a/1", "a/2"]
    status, told = await names(site, "?limit=2")
    assert ([name["key"] for name in told["names"]], told["complete"]) == (["a", "a/1"], False)


@served()
async def test_who_has_no_names(site):
    assert await names(site, owner=dave.Key.generate().name) == (
        200, {"names": [], "complete": True}
    )  # fmt: skip


@served()
async def test_what_names_nobody(site):
    assert (await site.problem("GET", "/v1/entries/nobody"))[0] == 404
    assert (await site.problem("GET", f"/v1/entries/{'a' * 52}?limit=0"))[0] == 400


@served(signs=True)
async def test_a_directory_without_end_is_told_as_far_as_it_was_read(site):
    async def endless(self, *args, **options):
        raise Incomplete("no end", [])

    kept = dave.Client.ls
    dave.Client.ls = endless
    try:
        assert await names(site) == (200, {"names": [], "complete": False})
    finally:
        dave.Client.ls = kept


@served(signs=True)
async def test_for_strangers_few_are_read_at_a_time(site):
    under_way, most = 0, 0
    gate = asyncio.Event()

    async def ls(*_, **__):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await gate.wait()
        under_way -= 1
        return []

    path = site.path(b"k").rpartition("/")[0]
    before, Client.ls = Client.ls, ls
    try:
        asked = [asyncio.create_task(site.answer("GET", path)) for _ in range(6)]
        await until_async(lambda: under_way == HTTP_LISTINGS_MAX)
        asked.append(asyncio.create_task(site.answer("GET", path, token=True)))
        await until_async(lambda: under_way == HTTP_LISTINGS_MAX + 1)
        gate.set()
        assert [status for status, *_ in await asyncio.gather(*asked)] == [200] * 7
    finally:
        Client.ls = before
    assert most == HTTP_LISTINGS_MAX + 1
