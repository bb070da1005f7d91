"""The window against a plain set of all counters seen."""

from hypothesis import given
from hypothesis import strategies as st

from dave.limits import REPLAY_WINDOW_PACKETS as WINDOW
from dave.session.replay import NONE_SEEN, is_replay, note

JUMPS = st.one_of(
    st.integers(-WINDOW - 3, WINDOW + 3),
    st.integers(-3, 3),
    st.just(1),
    st.sampled_from([WINDOW - 1, WINDOW, WINDOW + 1, 2**62]),
)


@given(st.lists(JUMPS, max_size=200))
def test_agrees_with_a_set(jumps: list[int]) -> None:
    highest, missing, seen = NONE_SEEN, 0, set[int]()
    for jump in jumps:
        counter = max(0, highest + jump)
        expected = counter in seen or counter <= highest - WINDOW
        assert is_replay(highest, missing, counter) == expected
        if not expected:
            highest, missing = note(highest, missing, counter)
            seen.add(counter)
            assert highest == max(seen)
            assert missing < 1 << WINDOW


def test_in_order_nothing_is_missing() -> None:
    highest, missing = NONE_SEEN, 0
    for counter in range(5000):
        assert not is_replay(highest, missing, counter)
        highest, missing = note(highest, missing, counter)
        assert (highest, missing) == (counter, 0)


def test_largest_counter_costs_no_memory() -> None:
    highest, missing = note(NONE_SEEN, 0, 2**64 - 1)
    assert missing.bit_length() == WINDOW
    assert is_replay(highest, missing, 0)
    assert not is_replay(highest, missing, 2**64 - WINDOW)
