"""Tasks: they go on when what they wait for has come, and end with what they return or raise."""

import pytest

from dave.edge.tasks import Pause, Task


async def waits(flags, results):
    for flag in flags:
        await Pause(lambda flag=flag: flag in results, due=flag)
    return results[flags[-1]]


def test_a_task_goes_on_when_its_pause_is_over():
    results = {}
    task = Task(waits([1, 2], results))
    assert task.goes_on()
    assert (task.goes_on(), task.due) == (False, 1)
    results[1] = "one"
    assert task.goes_on()
    assert (task.is_done, task.goes_on(), task.due) == (False, False, 2)
    results[2] = "two"
    assert task.goes_on()
    assert task.is_done
    assert task.result() == "two"


def test_a_pause_that_is_over_already_does_not_suspend():
    task = Task(waits([1, 1], {1: "one"}))
    assert task.goes_on()
    assert task.result() == "one"


def test_what_it_raises_is_for_whoever_asks():
    async def fails():
        raise ValueError("no")

    task = Task(fails())
    assert task.goes_on()
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            task.result()


def test_what_nobody_may_swallow_is_not_swallowed():
    async def stopped():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Task(stopped()).goes_on()


def test_a_cancelled_task_is_ended_where_it_stands():
    ended = []

    async def never():
        try:
            await Pause(lambda: False)
        finally:
            ended.append(True)

    task = Task(never())
    assert task.goes_on()
    task.cancel()
    assert (task.is_done, ended) == (True, [True])
    task.cancel()


def test_a_wait_that_is_not_the_drivers_is_a_mistake_of_ours():
    class Suspends:
        def __await__(self):
            yield

    async def wait():
        await Suspends()

    task = Task(wait())
    assert task.goes_on()
    with pytest.raises(AssertionError, match="suspended"):
        task.result()
    task.cancel()
