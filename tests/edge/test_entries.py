"""Entries as they are, beneath the verbs: flags, reserved keys and guards travel unchanged."""

import asyncio

import pytest

import dave
from dave.crypto import hashes
from dave.edge.entries import Entries
from dave.node.results import Found
from dave.wire.entry import COMPRESSED
from tests.processes import until


def test_what_is_put_is_found_as_it_was_put(node):
    key = dave.Key.generate()

    async def story():
        async with dave.connect(node.address, key=key) as d:
            entries = Entries(d._driver, key)
            receipt = await entries.put(b"\0mine", b"as it is", 60, COMPRESSED)
            found = await entries.get(hashes.entry_id_of(key.owner, b"\0mine"))
            assert found.found is Found.FOUND
            assert (found.entry.value, found.entry.flags) == (b"as it is", COMPRESSED)
            assert found.entry.time == receipt.time
            assert entries.trace
            assert not d.trace, "each has its own"
            with pytest.raises(dave.Conflict):
                await entries.put(b"\0mine", b"again", 60, cas=0)
            again = await entries.put(b"\0mine", b"again", 60, cas=receipt.time)
            assert again.time > receipt.time
            absent = await entries.get(bytes(32))
            assert (absent.found, absent.entry) == (Found.ABSENT, None)

    asyncio.run(story())


def test_the_clock_is_that_of_the_driver(node):
    with dave.connect_sync(node.address) as d:
        entries = d._client._entries
        before = entries.unix_ms()
        assert before <= entries.clock() >> 16 <= entries.unix_ms()
        with pytest.raises(dave.UsageError, match="key=dave"):
            d._driver.run(entries.put(b"k", b"v", 60))


def test_an_entry_is_handed_on_as_it_is(node):
    key, other = dave.Key.generate(), dave.Key.generate()
    with dave.connect_sync(node.address, key=key) as d, dave.connect_sync(node.address) as e:
        first = d.put("k", b"1", ttl=60, listed=False).encoded
        second = d.put("k", b"2", ttl=60, listed=False)
        receipt = e.put_entry(second.encoded)  # again: that changes nothing
        assert (receipt.stored, receipt.encoded, receipt.owner) == (1, second.encoded, key.owner)
        assert receipt.settled().size == 1
        with pytest.raises(dave.Conflict, match="newer version") as lost:
            e.put_entry(first)
        assert lost.value.winner.data == second.encoded
        for data, kind, words in (
            (second.encoded[:-1], dave.WireError, "lengths"),
            (second.encoded[:-1] + b"!", dave.EntryError, "stamp"),
            (bytes(8) + second.encoded[8:], dave.EntryError, "stamp"),
            (second.encoded[:8] + first[8:72] + second.encoded[72:], dave.EntryError, "signature"),
        ):
            with pytest.raises(kind, match=words):
                e.put_entry(data)
    with dave.connect_sync(node.address, key=other) as d:
        entries = d._client._entries
        bare = d._driver.run(entries.put(b"k", b"v", 1))
        until(lambda: entries.unix_ms() > bare.expires * 1000)
        with pytest.raises(dave.EntryError, match="lifetime is over"):
            d.put_entry(bare.encoded)


def test_a_guarded_delete(node):
    with dave.connect_sync(node.address, key=dave.Key.generate()) as d:
        old = d.put("k", b"1", ttl=60, listed=False)
        new = d.put("k", b"2", ttl=60, listed=False)
        with pytest.raises(dave.Conflict):
            d.delete("k", cas=old.time, listed=False)
        assert d.get("k").value == b"2"
        d.delete("k", cas=new.time, listed=False)
        assert d.get("k") is None


def test_an_upload_that_was_interrupted_is_let_go_of(node, tmp_path):
    async def half():
        yield bytes(range(256)) * 12_000
        raise dave.UsageError("enough")

    async def story():
        async with dave.connect(node.address, key=dave.Key.generate()) as d:
            with pytest.raises(dave.UsageError, match="enough"):
                await d.put_file("k", half(), uploads=tmp_path, ttl=60)
            assert list(tmp_path.iterdir())
            await d.drop_upload("k", uploads=tmp_path)
            assert not list(tmp_path.iterdir())
            await d.drop_upload("k", uploads=tmp_path)  # again: there is nothing any more
        async with dave.connect(node.address) as d:
            with pytest.raises(dave.UsageError, match="key=dave"):
                await d.drop_upload("k", uploads=tmp_path)

    asyncio.run(story())
    assert node.status()["files"]["shares"] == 0
