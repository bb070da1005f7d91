"""Values fall into the range whose upper bound they do not exceed."""

from bisect import bisect_right
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.histogram import LATENCY_BOUNDS, Histogram


@given(st.lists(st.integers(0, 10**11)))
def test_as_many_lie_below_each_bound_as_sorting_says(values):
    histogram = Histogram()
    for value in values:
        histogram.note(value)
    in_order = sorted(values)
    below = list(accumulate(histogram.counts))
    assert below[:-1] == [bisect_right(in_order, bound) for bound in LATENCY_BOUNDS]
    assert (below[-1], len(histogram), histogram.total) == (len(values), len(values), sum(values))


def test_a_bound_belongs_to_its_range():
    histogram = Histogram((10, 20))
    for value in (0, 10, 11, 20, 21):
        histogram.note(value)
    assert histogram.counts == [2, 2, 1]


def test_bounds_that_do_not_rise_are_a_mistake():
    with pytest.raises(AssertionError, match="rise"):
        Histogram((2, 2))
