"""Alarms ring in order, those of one instant as they were set."""

from hypothesis import given
from hypothesis import strategies as st

from dave.node.timers import Timer, Timers


def test_nothing_is_due_before_its_time():
    timers = Timers()
    assert timers.next() is None
    timers.set(10, Timer.PROBE)
    assert timers.next() == 10
    assert timers.pop_due(9) is None
    assert timers.pop_due(10) == (Timer.PROBE, None)
    assert timers.pop_due(10) is None


@given(st.lists(st.integers(0, 20)))
def test_alarms_ring_in_order_of_time_then_of_setting(whens):
    timers = Timers()
    for number, when in enumerate(whens):
        # Subjects that cannot be compared: ties must not look at them.
        timers.set(when, Timer.REQUEST, {number})
    assert len(timers) == len(whens)
    rung = []
    while (due := timers.pop_due(20)) is not None:
        rung.append(due[1])
    expected = sorted(range(len(whens)), key=lambda number: (whens[number], number))
    assert rung == [{number} for number in expected]
