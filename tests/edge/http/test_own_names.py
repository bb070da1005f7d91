"""/v1/names: what the owner has, and what the node renews."""

import asyncio

import dave
from dave.edge.http import own_names as names
from dave.errors import Incomplete, Unreachable
from dave.uri import format_uri, owner_name
from tests.edge.http.serving import served, site
from tests.processes import PATIENCE_SECONDS


@served()
async def test_a_node_without_a_key_has_no_owner(site):
    async with site.ask("GET", "/v1/names") as response:
        told = await response.json()
    assert told == {"owner": None, "count": 0, "names": [], "problem": None, "renewed": []}


def test_the_names_of_the_owner_what_expires_first_first(tmp_path, monkeypatch):
    monkeypatch.setattr(names, "NAMES_TOLD_MAX", 2)

    async def story():
        async with site(tmp_path, signs=True) as at:
            key = at.key
            async with dave.connect(at.node.address, key=key) as d:
                for ttl, name in ((900, "b"), (600, "a"), (1200, b"\xff")):
                    await d.put(name, b"12345", ttl=ttl)
                await d.flush()
            async with at.ask("GET", "/v1/names") as response:
                told = await response.json()
            assert told["owner"] == owner_name(key.owner)
            assert told["count"] == 3
            assert [each["key"] for each in told["names"]] == ["a", "b"]
            assert (told["names"][0]["size"], told["names"][0]["owner"]) == (5, key.name)

    asyncio.run(asyncio.wait_for(story(), PATIENCE_SECONDS))


class FakeClient:
    """Answers `ls` with what it is given, one after another."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = 0

    async def ls(self, owner):
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class FakeService:
    """As much of Service as Names takes."""

    def __init__(self, client):
        self.client = client
        self.key = dave.Key.generate()
        self.node = self.renewals = self

    async def told(self, asked):
        return {"kept": [{"uri": format_uri(self.key.owner, b"y")}], "keys": []}


def test_what_could_not_be_read_is_said_and_what_is_known_stays():
    async def story():
        key = dave.Key.generate()
        name = dave.Name(key.owner, b"k", 1, 1, 2e9)
        client = FakeClient([name], Unreachable("nobody there"), Incomplete("not all", [name]))
        own = names.Names(FakeService(client))
        first = await own.get()
        assert (len(first["names"]), first["problem"]) == (1, None)
        assert [each["key"] for each in first["renewed"]] == ["y"]
        again = await own.get()
        assert [each["uri"] for each in again["names"]] == [name.uri]
        assert client.asked == 1, "it is not read at each question"
        own._good_until = 0
        told = await own.get()
        assert (len(told["names"]), told["problem"]) == (1, "nobody there")
        own._good_until = 0
        told = await own.get()
        assert (len(told["names"]), told["problem"]) == (1, "not all")

    asyncio.run(story())


@served(signs=True)
async def test_what_is_renewed_says_its_key_whatever_bytes_it_has(site):
    async with dave.connect(site.node.address, key=site.key) as d:
        receipt = await d.put(b"\xff/", b"1", ttl=90_000, listed=False)
        entry = (await d.read(site.key.owner, b"\xff/", timeout=5)).entry.data
    asked = {"seed": site.key.seed.hex(), "entry": entry.hex()}
    await site.node.renewals.keep(asked)
    async with site.ask("GET", "/v1/names") as response:
        (told,) = (await response.json())["renewed"]
    assert (told["uri"], told["key"]) == (receipt.uri, "\\xff/")
