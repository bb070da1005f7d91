"""asyncio in virtual time: sleeps pass at once, threads are waited for, a wait without an end is
told of."""

import asyncio
import threading

import pytest

from dave.errors import UsageError
from dave.names import SECOND
from dave.testing import loop as module
from dave.testing.clock import START, Clock
from dave.testing.loop import NothingComes, VirtualLoop


@pytest.fixture
def loop():
    made = VirtualLoop(Clock())
    yield made
    made.close()


def test_sleeps_pass_in_virtual_time(loop):
    async def story():
        await asyncio.gather(*(asyncio.sleep(hours * 3600) for hours in (3, 1, 2)))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 60)
        return loop.time()

    assert loop.run(story()) == START / SECOND + 3 * 3600 + 60
    assert loop.clock.now == START + (3 * 3600 + 60) * SECOND


def test_what_the_world_does_ends_a_wait(loop):
    came = loop.create_future()
    loop.clock.schedule(START + 5 * SECOND, came.set_result, "it")

    async def story():
        assert await asyncio.wait_for(came, 60) == "it"

    loop.run(story())
    assert loop.clock.now == START + 5 * SECOND


def test_tasks_go_on_in_the_order_of_their_turns(loop):
    told = []

    async def tell(name, seconds):
        for _ in range(2):
            await asyncio.sleep(seconds)
            told.append(name)

    async def story():
        await asyncio.gather(tell("slow", 3), tell("quick", 2))

    loop.run(story())
    assert told == ["quick", "slow", "quick", "slow"]


def test_time_stands_still_while_a_thread_works(loop):
    go = threading.Event()

    async def story():
        async def release():
            go.set()

        working = asyncio.create_task(asyncio.to_thread(go.wait, 60))
        await release()
        return await working

    loop.clock.schedule(START + SECOND, lambda: None)
    assert loop.run(story()) is True
    assert loop.clock.now == START


def test_a_wait_without_an_end_is_told_of(loop, monkeypatch):
    monkeypatch.setattr(module, "QUIET_SECONDS_MAX", 3600)
    with pytest.raises(NothingComes, match="will not come"):
        loop.run(asyncio.Event().wait())
    assert loop.clock.now == START + 3600 * SECOND


def test_an_error_of_the_world_is_the_tests(loop):
    def fail():
        raise AssertionError("an invariant")

    loop.clock.schedule(START + SECOND, fail)
    with pytest.raises(AssertionError, match="an invariant"):
        loop.run(asyncio.sleep(2))


def test_blocking_inside_of_a_coroutine_is_told_of(loop):
    async def story():
        with pytest.raises(UsageError, match=r"await asyncio\.sleep"):
            loop.run(asyncio.sleep(1))

    loop.run(story())


def test_another_loop_is_told_of(loop):
    async def story():
        with pytest.raises(UsageError, match="real time"):
            loop.check_runs()

    asyncio.run(story())


def test_closing_ends_tasks():
    loop, ended = VirtualLoop(Clock()), []

    async def stay():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def story():
        task = asyncio.create_task(stay())
        await asyncio.sleep(0)
        return task

    loop.run(story())
    loop.close()
    loop.close()
    assert ended == [True]
