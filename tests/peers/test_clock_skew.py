"""The middle one of the last voices counts, one voice a peer."""

from hypothesis import given
from hypothesis import strategies as st

from dave.limits import CLOCK_VOICES
from dave.peers.clock_skew import ClockSkew


def test_nobody_has_said():
    assert ClockSkew().ahead_ms is None


def test_the_middle_one_counts():
    skew = ClockSkew()
    for peer, ahead in enumerate((-3000, 10**15, -2000)):
        skew.told(peer, ahead)
    assert skew.ahead_ms == 2000, "two peers are behind us"


@given(st.integers(-(10**9), 10**9), st.integers(0, (CLOCK_VOICES - 1) // 2))
def test_fewer_liars_than_half_move_it_nowhere_beyond_what_honest_peers_say(truth, liars):
    skew = ClockSkew()
    for peer in range(CLOCK_VOICES - liars):
        skew.told(peer, truth)
    for liar in range(liars):
        for _ in range(100):
            skew.told(1000 + liar, 2**62)
    assert skew.ahead_ms == -truth


def test_only_the_last_voices_are_kept():
    skew = ClockSkew()
    for peer in range(10 * CLOCK_VOICES):
        skew.told(peer, peer)
    assert len(skew) == CLOCK_VOICES
