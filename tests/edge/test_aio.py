"""The asyncio driver: many verbs at once, cancelled verbs, and the end of a client."""

import asyncio
import socket

import pytest

import dave
from dave.edge import aio


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_many_at_once(node, loop):
    key = dave.Key.generate()

    async def story():
        async with dave.connect(node.address, key=key) as d:
            names = [f"k{n}" for n in range(40)]
            receipts = await asyncio.gather(*(d.put(n, n.encode(), ttl=60) for n in names))
            assert {receipt.stored for receipt in receipts} == {1}
            values = await asyncio.gather(*(d.get(name) for name in names))
            assert [value.value.decode() for value in values] == names

    if loop == "uvloop":
        pytest.importorskip("uvloop").run(story())
    else:
        asyncio.run(story())


def test_a_cancelled_verb_leaves_the_client_good(node):
    async def story():
        async with dave.connect(node.address, key=dave.Key.generate()) as d:
            task = asyncio.create_task(d.get("k"))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            # Cancelled while it searches a stamp of hours: the search ends as well.
            task = asyncio.create_task(d._driver.search(bytes(56), 2**60, None))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await d.put("k", b"v", ttl=60)
            assert (await d.get("k")).value == b"v"

    asyncio.run(story())


def test_a_small_stamp_is_searched_without_a_thread(node, monkeypatch):
    monkeypatch.setattr(aio, "has_kernel", lambda: True)

    async def story():
        async with dave.connect(node.address) as d:
            search = d._driver.search(bytes(56), 4096, None)
            with pytest.raises(StopIteration) as found:
                search.send(None)  # it never waits for anything
            return found.value.value

    nonce, tried = asyncio.run(story())
    assert len(nonce) == 8
    assert tried > 0


def test_progress_is_told_in_the_loops_thread(node):
    async def story():
        told = []
        async with dave.connect(node.address) as d:
            nonce, tried = await d._driver.search(bytes(56), 2**27, lambda *now: told.append(now))
        return nonce, tried, told

    nonce, tried, told = asyncio.run(story())
    assert len(nonce) == 8
    assert all(0 < done <= tried and rate > 0 and left >= 0 for done, rate, left in told)


def test_the_end_of_a_client_ends_who_waits():
    async def story():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
            deaf.bind(("127.0.0.1", 0))
            edge = f"127.0.0.1:{deaf.getsockname()[1]}"
            async with dave.connect(edge, key=dave.Key.generate()) as d:
                task = asyncio.create_task(d.get("k"))
                await asyncio.sleep(0.05)
                assert not task.done()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(story())


def test_a_closed_client_says_so_instead_of_waiting_for_ever(node):
    async def story():
        async with dave.connect(node.address, key=dave.Key.generate()) as d:
            receipt = await d.put("k", b"v", ttl=60)
        await receipt.settled()  # One node, so it was settled before.
        with pytest.raises(dave.UsageError, match="closed"):
            await d.get("k")

    asyncio.run(asyncio.wait_for(story(), 20))
