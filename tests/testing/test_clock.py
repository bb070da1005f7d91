"""Virtual time runs in order and only forward."""

import pytest

from dave.testing.clock import SAME_INSTANT_MAX, START, WALL_START_MS, Clock


def test_actions_run_in_order_of_time_then_of_scheduling():
    clock, seen = Clock(), []
    for when, name in ((5, "c"), (1, "a"), (5, "d"), (1, "b")):
        clock.schedule(START + when, lambda name=name: seen.append((clock.now - START, name)))
    while clock.step(START + 4):
        pass
    assert (seen, clock.now - START) == ([(1, "a"), (1, "b")], 4)
    while clock.step(START + 5):
        pass
    assert seen[2:] == [(5, "c"), (5, "d")]
    assert len(clock) == 0


def test_what_is_scheduled_in_the_past_happens_now():
    clock, seen = Clock(), []
    clock.step(START + 10)
    clock.schedule(START, lambda: seen.append(clock.now))
    assert not clock.step(START)
    assert clock.step(START + 10), "the clock itself never goes back"
    assert seen == [START + 10]


def test_the_wall_clock_goes_along():
    clock = Clock()
    assert clock.unix_ms == WALL_START_MS
    clock.step(START + 1_500_000_000)
    assert clock.unix_ms == WALL_START_MS + 1500


def test_a_loop_that_makes_no_progress_is_noticed():
    clock = Clock()

    def again():
        clock.schedule(clock.now, again)

    again()
    for _ in range(SAME_INSTANT_MAX - 1):
        assert clock.step(START)
    with pytest.raises(AssertionError, match="time stands still"):
        clock.step(START)


def test_actions_take_arguments():
    clock, seen = Clock(), []
    clock.schedule(START + 1, seen.append, "a")
    assert clock.step(START + 1)
    assert seen == ["a"]


def test_a_watcher_looks_on_now_and_then():
    clock, seen = Clock(), []
    clock.watch(seen.append, 10)
    for when in (0, 3, 9, 10, 11, 25, 26):
        clock.schedule(START + when, int)
    while clock.step(START + 100):
        pass
    assert [when - START for when in seen] == [0, 10, 25]
