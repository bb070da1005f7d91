"""Both drivers offer what the verbs need (mypy checks the types, this the names)."""

import asyncio
import inspect
import threading
from functools import partial

import pytest

import dave
from dave.edge.aio import Runner
from dave.edge.blocking import BlockingDriver
from dave.edge.driver import Driver, gather
from tests.edge.directories import VirtualDriver
from tests.processes import PATIENCE_SECONDS

NEEDED = [name for name, _ in inspect.getmembers(Driver, inspect.isfunction) if name[0] != "_"]


@pytest.mark.parametrize("driver", [Runner, BlockingDriver])
def test_the_same_verbs(driver):
    assert NEEDED == [
        "edges_text", "flush", "join", "now", "offload", "search", "signal", "sleep", "spawn",
        "wait",
    ]  # fmt: skip
    for name in NEEDED:
        wanted, offered = getattr(Driver, name), getattr(driver, name)
        assert list(inspect.signature(offered).parameters) == list(
            inspect.signature(wanted).parameters
        )
        assert inspect.iscoroutinefunction(offered) == inspect.iscoroutinefunction(wanted)


class Counted:
    """Calls that take a while, and how many were under way at most."""

    def __init__(self, driver):
        self.driver, self.under_way, self.most, self.ended = driver, 0, 0, []

    async def call(self, number):
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await self.driver.sleep((7 * number % 5 + 1) / 10)
        self.under_way -= 1
        if number == 13:
            raise LookupError("the thirteenth")
        self.ended.append(number)
        return number


@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_results_come_in_order_whoever_is_first(at_once):
    driver = VirtualDriver()
    counted = Counted(driver)
    calls = [partial(counted.call, number) for number in range(10)]
    assert driver.run(gather(driver, calls, at_once)) == [list(range(10))]
    assert counted.most == min(at_once, 10)
    assert (counted.ended == list(range(10))) == (at_once == 1)


def test_after_one_has_raised_no_more_are_begun():
    driver = VirtualDriver()
    counted = Counted(driver)
    calls = (partial(counted.call, number) for number in range(100))
    with pytest.raises(LookupError, match="thirteenth"):
        driver.run(gather(driver, calls, 4))
    ended = len(counted.ended)
    driver.run(driver.sleep(60))
    assert len(counted.ended) == ended < 20


def test_asyncio_gathers_the_same_way(node):
    async def story():
        async with dave.connect(node.address) as d:
            counted = Counted(d._driver)
            calls = [partial(counted.call, number) for number in range(10)]
            assert await gather(d._driver, calls, 3) == list(range(10))
            assert counted.most == 3
            with pytest.raises(LookupError):
                await gather(d._driver, [partial(counted.call, n) for n in (13, 2, 3)], 1)
            assert len(counted.ended) == 10

    asyncio.run(asyncio.wait_for(story(), PATIENCE_SECONDS))


def test_what_takes_long_runs_beside_the_loop_or_in_place(node):
    async def ask(driver):
        return await driver.offload(lambda *given: (threading.get_ident(), given), 1, "two")

    async def story():
        async with dave.connect(node.address) as d:
            thread, given = await ask(d._driver)
            with pytest.raises(LookupError, match="in a thread"):
                await d._driver.offload(_fail, "in a thread")
            return thread != threading.get_ident(), given

    assert asyncio.run(asyncio.wait_for(story(), PATIENCE_SECONDS)) == (True, (1, "two"))
    with dave.connect_sync(node.address) as client:
        assert client._driver.run(ask(client._driver)) == (threading.get_ident(), (1, "two"))
        with pytest.raises(LookupError, match="in place"):
            client._driver.run(client._driver.offload(_fail, "in place"))


def _fail(words):
    raise LookupError(words)


async def told_and_waiting(driver):
    """What happens to a task that waits for a signal, in order."""
    signal, seen = driver.signal(), []

    async def wait():
        await signal.wait(PATIENCE_SECONDS)
        seen.append("set while it waited")
        await signal.wait()
        seen.append("set before")
        await signal.wait(0.01)
        seen.append("nobody set it")

    waiting = driver.spawn(wait())
    await driver.sleep(0.01)
    assert seen == []
    signal.set()
    signal.set()
    await driver.sleep(0.01)
    signal.set()
    await driver.join(waiting)
    other = driver.spawn(signal.wait())
    await driver.sleep(0)
    other.cancel()
    return seen


def test_a_signal_wakes_who_waits_and_is_remembered(node):
    async def story():
        async with dave.connect(node.address) as d:
            return await told_and_waiting(d._driver)

    seen = ["set while it waited", "set before", "nobody set it"]
    assert asyncio.run(asyncio.wait_for(story(), PATIENCE_SECONDS)) == seen
    with dave.connect_sync(node.address) as client:
        assert client._driver.run(told_and_waiting(client._driver)) == seen
