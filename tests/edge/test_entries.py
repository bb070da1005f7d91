"""Entries as they are, beneath the verbs: flags, reserved keys and guards travel unchanged."""

import asyncio

import pytest

import dave
from dave.crypto import hashes
from dave.edge.entries import Entries
from dave.node.results import Found
from dave.wire.entry import COMPRESSED


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
