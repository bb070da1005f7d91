"""The rank's terms are worth what the design says, and its order never changes with time."""

import pytest

from dave.store.rank import UNRANKED, distance, rank

WEEK = 7 * 86_400_000


def test_one_half_life_one_bit_of_closeness_and_one_surplus_bit_weigh_the_same():
    base = rank(100 * WEEK << 16, 2**40 - 1, WEEK, 0.0, False)
    assert rank(101 * WEEK << 16, 2**40 - 1, WEEK, 0.0, False) == pytest.approx(base + 1)
    assert rank(100 * WEEK << 16, 2**39 - 1, WEEK, 0.0, False) == pytest.approx(base + 1)
    assert rank(100 * WEEK << 16, 2**40 - 1, WEEK, 1.0, False) == pytest.approx(base + 1)
    assert rank(100 * WEEK << 16, 2**40 - 1, WEEK, 0.0, True) == pytest.approx(base + 8)


def test_extremes_are_defined_and_above_the_sentinel():
    assert rank(0, 2**64 - 1, WEEK, 0.0, False) == pytest.approx(0.0, abs=1e-9)
    assert rank(0, 2**64 - 1, WEEK, 0.0, False) > UNRANKED
    assert rank(0, 0, WEEK, 0.0, False) == 64.0
    assert rank((1 << 64) - 1, 0, 1, 24.0, True) < float("inf")


def test_the_order_is_that_of_the_faded_worth_at_any_moment():
    pairs = [(t * WEEK << 16, 2**d) for t in (1, 3, 8) for d in (3, 30, 60)]
    by_rank = sorted(pairs, key=lambda p: rank(p[0], p[1], WEEK, 0.0, False))
    for now in (10, 50, 500):
        worth = [2.0 ** ((t >> 16) / WEEK - now) * 2.0**64 / (d + 1) for t, d in by_rank]
        assert worth == sorted(worth)


def test_distance_is_of_the_first_eight_bytes():
    assert distance(b"\0" * 7 + b"\x05" + b"\xff" * 24, 6) == 3
