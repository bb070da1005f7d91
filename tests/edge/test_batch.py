"""Many at once: results in order, an error of one ends none, and busy nodes are spared."""

import asyncio
from types import SimpleNamespace

import pytest

import dave
from dave.edge.batch import put_all
from dave.edge.receipt import Refusal
from tests.edge.directories import VirtualDriver

KEY = dave.Key.generate()


def test_many_puts_and_gets(node):
    items = {f"name {n}": b"%d" % n for n in range(200)}

    async def story():
        async with dave.connect(node.address, key=KEY) as d:
            receipts = await d.put_many(items, ttl=3600)
            assert [receipt.key.decode() for receipt in receipts] == list(items)
            assert {receipt.stored for receipt in receipts} == {1}
            await d.flush()
            assert [name.key for name in await d.ls(prefix="name ")] == sorted(
                name.encode() for name in items
            )
            values = await d.get_many([*items, "no such name"], concurrency=7)
            assert [value and value.value for value in values] == [*items.values(), None]
        async with dave.connect(node.address) as d:
            assert len(await d.ls(KEY.owner)) == len(await d.ls(KEY.name)) == len(items)
            with pytest.raises(dave.UsageError, match="whose"):
                await d.ls()

    asyncio.run(story())


def test_the_blocking_client_has_them_too(node):
    with dave.connect_sync(node.address, key=dave.Key.generate()) as d:
        pairs = [("a", "1"), (b"\0b", b"2"), ("c", b"3" * 30)]
        one, error, three = d.put_many(pairs, ttl=3600, concurrency=2)
        assert isinstance(error, dave.EntryError)
        assert one.settled().stored == three.stored == 1
        d.flush()
        assert [(name.key, name.size) for name in d.ls()] == [(b"a", 1), (b"c", 30)]
        d.delete("a")
        d.flush()
        assert [name.key for name in d.ls()] == [b"c"]
        assert [value.value if value else None for value in d.get_many("abc")] == [
            None, None, b"3" * 30,
        ]  # fmt: skip


def test_what_was_not_flushed_is_written_at_the_end(node):
    key = dave.Key.generate()
    with dave.connect_sync(node.address, key=key) as d:
        d.put_many({"a": "1"}, ttl=3600)
        d.put_many({"b": "1"}, ttl=3600, listed=False)
        d.put("c", "1", ttl=3600)
    with dave.connect_sync(node.address) as d:
        assert [name.key for name in d.ls(key.owner)] == [b"a", b"c"]


@pytest.mark.parametrize("concurrency", [0, -1, 1025, 1.5])
def test_a_concurrency_that_cannot_be(node, concurrency):
    with dave.connect_sync(node.address, key=KEY) as d:
        with pytest.raises(dave.UsageError, match="1 to 1024"):
            d.put_many({"a": "1"}, concurrency=concurrency)
        with pytest.raises(dave.UsageError, match="1 to 1024"):
            d.get_many(["a"], concurrency=concurrency)


class Busy:
    """A client whose nodes take so many puts at a time, and are too busy for more."""

    def __init__(self, driver, room, *, always=False):
        self.driver, self.room, self.always = driver, room, always
        self.under_way = self.tries = self.turned_away = 0
        self.stated = []

    async def put(self, key, value, **_options):
        self.tries += 1
        self.under_way += 1
        is_full = self.always or self.under_way > self.room
        self.turned_away += is_full
        await self.driver.sleep(0.01)
        self.under_way -= 1
        refused = [Refusal("a node", "busy", 0)] if is_full else []
        receipt = SimpleNamespace(key=key, value=value, refused=refused)
        if is_full:
            raise dave.NotStored("busy", receipt)
        return receipt

    def enlist(self, receipt):
        self.stated.append(receipt.key)


def put_many(client, count, listed=True):
    items = ((b"%d" % n, b"") for n in range(count))
    [results] = client.driver.run(put_all(client, client.driver, items, 32, listed=listed))
    return results


def test_busy_nodes_are_asked_for_less_until_they_take_all():
    client = Busy(VirtualDriver(), room=4)
    results = put_many(client, 500)
    assert [result.key for result in results] == [b"%d" % n for n in range(500)]
    assert client.turned_away < 250
    assert sorted(client.stated) == sorted(result.key for result in results)


def test_nodes_that_stay_busy_are_given_up():
    client = Busy(VirtualDriver(), room=0, always=True)
    results = put_many(client, 10)
    assert {type(result) for result in results} == {dave.NotStored}
    assert client.tries == 60
    assert client.stated == []


def test_unlisted_ones_are_not_stated():
    client = Busy(VirtualDriver(), room=99)
    assert len(put_many(client, 3, listed=False)) == 3
    assert client.stated == []
