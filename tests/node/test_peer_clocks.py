"""The time that others tell."""

from dave.limits import CLOCK_AHEAD_MS_MAX, PEER_CLOCKS_MAX
from dave.names import MS
from dave.node.peer_clocks import PeerClocks

WALL = 1_800_000_000_000
NOW = 5_000 * MS


def clocks(*ahead_ms):
    made = PeerClocks()
    for node_id, ahead in enumerate(ahead_ms):
        made.heard(node_id, WALL + ahead, NOW)
    return made


def test_it_goes_on_with_the_steady_clock():
    assert clocks().unix_ms(NOW) is None
    assert clocks(0).unix_ms(NOW + 7 * MS) == WALL + 7


def test_the_middle_one_counts():
    assert clocks(-(10**9), 5, 10**9).unix_ms(NOW) == WALL + 5
    assert clocks(5, 10**9).unix_ms(NOW) == WALL + 5, "of two the earlier"


def test_ahead_is_what_no_clock_may_be():
    one = clocks(0)
    assert not one.is_ahead(WALL + CLOCK_AHEAD_MS_MAX, NOW)
    assert one.is_ahead(WALL + CLOCK_AHEAD_MS_MAX + 1, NOW)
    assert not one.is_ahead(WALL - 10**9, NOW)
    assert not clocks().is_ahead(WALL + 10**12, NOW)


def test_the_last_word_of_each_and_not_of_too_many():
    made = PeerClocks()
    for node_id in range(3 * PEER_CLOCKS_MAX):
        made.heard(node_id % (2 * PEER_CLOCKS_MAX), WALL + node_id, NOW)
    assert len(made._offsets) == PEER_CLOCKS_MAX
    assert min(made._offsets) == 0
    assert made._offsets[0] == WALL + 2 * PEER_CLOCKS_MAX - NOW // MS
