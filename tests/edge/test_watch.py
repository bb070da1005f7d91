"""What an application sees of a watch, against nodes in other processes."""

import asyncio

import pytest

import dave
from tests.processes import until, until_async


@pytest.fixture
def key():
    return dave.Key.generate()


def test_each_version_and_its_end(node, key):
    async def story():
        async with dave.connect(node.address, key=key) as d, dave.connect(node.address) as other:
            first = await d.put("k", b"one", ttl=3600)
            with other.watch(first.uri) as watch:
                assert await watch.started()
                change = await anext(watch)
                assert (change.uri, change.gone, change.skipped) == (first.uri, "", 0)
                assert (change.entry.value, change.entry.digest) == (b"one", first.digest)
                assert change.time == first.time
                assert change.expires == first.expires
                await until_async(lambda: watch.leases == 1)
                await d.put("k", b"two", ttl=1)
                assert (await anext(watch)).entry.value == b"two"
                expired = await anext(watch)
                assert (expired.entry, expired.gone) == (None, "expired")
                gone = await d.delete("k")
                deleted = await anext(watch)
                assert (deleted.entry, deleted.gone, deleted.time) == (None, "deleted", gone.time)

    asyncio.run(story())


def test_a_loop_over_what_is_put_later(node, key):
    async def story():
        async with dave.connect(node.address, key=key) as d:
            watch = d.watch(b"later", owner=key.owner)
            assert not await watch.started()

            async def write():
                for value in (b"1", b"2", b"3"):
                    await d.put("later", value, ttl=3600)

            writing = asyncio.ensure_future(write())
            seen = []
            async for change in watch:
                seen += [None] * change.skipped + [change.entry.value]
                if len(seen) == 3:
                    break
            await writing
            assert seen[-1] == b"3"
            watch.close()
            with pytest.raises(StopAsyncIteration):
                await anext(watch)

    asyncio.run(story())


def test_closing_ends_a_loop_that_waits_and_the_nodes_forget(home, key):
    node = home.start()

    async def story():
        async with dave.connect(node.address, key=key) as d:
            watch = d.watch("k")

            async def loop():
                return [change async for change in watch]

            looping = asyncio.ensure_future(loop())
            await until_async(lambda: watch.leases == 1)
            watch.close()
            assert await asyncio.wait_for(looping, 10) == []
            watch.close()

    asyncio.run(story())


def test_blocking(node, key):
    with (
        dave.connect_sync(node.address, key=key) as d,
        dave.connect_sync(node.address, key=key) as writer,
    ):
        writer.put("sync", b"one", ttl=3600)
        with d.watch("sync") as watch:
            assert watch.uri == f"dave://{key.name}/sync"
            assert watch.started()
            assert next(watch).entry.value == b"one"
            assert watch.leases <= 1
            writer.put("sync", b"two", ttl=3600)
            for change in watch:
                assert change.entry.value == b"two"
                break
        assert list(watch) == []


def test_nobody_there(key):
    with (
        dave.connect_sync("127.0.0.1:9", key=key) as d,
        pytest.raises(dave.Unreachable, match=r"127\.0\.0\.1:9"),
    ):
        next(d.watch("k", timeout=0.2))


def test_what_cannot_be_watched(node, key):
    with dave.connect_sync(node.address) as d:
        with pytest.raises(dave.UsageError, match="whose"):
            d.watch("k")
        with pytest.raises(dave.UsageError, match="1 or more"):
            d.watch("k", owner=key.owner, kept=0)


def test_the_node_that_is_watched_is_killed_and_comes_back(home, key):
    """On its old port and folder; the lease went with its process."""
    node = home.start()
    with dave.connect_sync(node.address, key=key) as d:
        d.put("k", b"one", ttl=3600)
        watch = d.watch("k")
        assert next(watch).entry.value == b"one"
        node.kill()
        again = home.start(listen=node.address)
        with dave.connect_sync(again.address, key=key) as writer:
            until(lambda: writer.put("k", b"two", ttl=3600).stored)
        assert next(watch).entry.value == b"two"
