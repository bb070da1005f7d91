"""The clocks agree with each other."""

from dave.edge.clock import Clock
from dave.names import MS, SECOND


def test_monotonic_never_steps_back() -> None:
    clock = Clock()
    readings = [clock.now() for _ in range(1000)]
    assert readings == sorted(readings)


def test_offset_turns_monotonic_into_wall_clock() -> None:
    clock = Clock()
    before = clock.unix_ms()
    now = clock.now()
    wall = now // MS + clock.offset_ms(now)
    # One millisecond of slack on either side: the two clocks are cut to milliseconds apart.
    assert before - 1 <= wall <= clock.unix_ms() + 1


def test_offset_belongs_to_the_instant_asked_for() -> None:
    clock = Clock()
    now = clock.now()
    earlier = now - 5 * SECOND
    wall = now // MS + clock.offset_ms(now)
    wall_earlier = earlier // MS + clock.offset_ms(earlier)
    assert abs(wall - wall_earlier - 5000) <= 2
