"""Renewals at the same time: a large file holds nothing up, and what is forgotten ends."""

import asyncio

import pytest

from dave.edge import renewals as module
from dave.wire.entry import BLOB
from dave.wire.manifest import FileKind, Root
from tests.edge.renewing import TTL, FakeClient, World
from tests.processes import until_async


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "Client", FakeClient)
    made = World(tmp_path)
    yield made
    made.state.close()


def test_one_file_at_a_time_and_other_entries_beside_it(world, monkeypatch):
    monkeypatch.setattr(module, "RENEWAL_START_SECONDS", 0)
    root = Root(FileKind.FILE, 1, 4, 6, 0, bytes(16), b"").encode()
    files = [world.put(name, root, flags=BLOB) for name in (b"one", b"two")]
    entry = world.put(b"k", b"v")
    for each in files:
        world.keep(each, ttl=2 * TTL)
    world.keep(entry)
    renew = FakeClient.renew
    under_way, most, ended = [], [], []

    async def slow(self, entry, ttl, **patience):
        if entry.is_blob:
            under_way.append(entry)
            most.append(len(under_way))
            await world.may_renew.wait()
            under_way.pop()
        ended.append(entry.key)
        return await renew(self, entry, ttl, **patience)

    monkeypatch.setattr(FakeClient, "renew", slow)
    world.now_ms += 5_000_000
    for each in (*files, entry):
        world.held[each.id] = each

    async def story():
        world.may_renew.clear()
        task = asyncio.create_task(world.renewals.run())
        await until_async(lambda: ended == [b"k"])
        world.may_renew.set()
        await until_async(lambda: len(ended) == 3)
        task.cancel()

    asyncio.run(story())
    assert set(most) == {1}
    assert [world.held[each.id].ttl for each in files] == [2 * TTL] * 2


def test_what_is_forgotten_is_not_renewed_to_the_end(world, monkeypatch):
    monkeypatch.setattr(module, "RENEWAL_START_SECONDS", 0)
    entry = world.put(b"k", b"v")
    world.keep(entry)
    world.now_ms += 2_400_000

    async def story():
        world.may_renew.clear()
        task = asyncio.create_task(world.renewals.run())
        await until_async(lambda: world.reads)
        await world.renewals.forget({"all": True})
        await until_async(lambda: not world.renewals._under_way)
        world.may_renew.set()
        task.cancel()

    asyncio.run(story())
    assert (world.puts, world.keys.owners()) == (0, [])
