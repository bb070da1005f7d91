"""Links do what they are told, and the same for the same seed."""

from random import Random

import pytest

from dave.names import MS
from dave.testing.links import Link, Links


def delays(link, count=2000, seed=1):
    links = Links(Random(seed), link)
    return [links.delays("a", "b") for _ in range(count)]


def test_delay_and_jitter():
    flat = [d for each in delays(Link(delay_ms=5, jitter_ms=2)) for d in each]
    assert len(flat) == 2000
    assert 5 * MS <= min(flat) < max(flat) <= 7 * MS
    assert set(map(tuple, delays(Link(delay_ms=5, jitter_ms=0)))) == {(5 * MS,)}


@pytest.mark.parametrize("share", [0.1, 0.3, 1.0])
def test_loss_and_duplication(share):
    links = Links(Random(1), Link(loss=share))
    kept = sum(len(links.delays("a", "b")) for _ in range(5000))
    assert kept / 5000 == pytest.approx(1 - share, abs=0.03)
    assert (links.sent, links.lost) == (5000, 5000 - kept)
    doubled = sum(len(each) == 2 for each in delays(Link(duplication=share), 5000))
    assert doubled / 5000 == pytest.approx(share, abs=0.03)


def test_reordering_lets_later_datagrams_overtake():
    flat = [d[0] for d in delays(Link(delay_ms=5, jitter_ms=0, reordering=0.2))]
    late = sum(d > 10 * MS for d in flat)
    assert 0.1 < late / 2000 < 0.25


def test_a_link_is_directed_and_the_default_is_for_the_others():
    links = Links(Random(1), Link(delay_ms=1, jitter_ms=0))
    links.set_link("a", "b", Link(delay_ms=9, jitter_ms=0))
    assert links.delays("a", "b") == [9 * MS]
    assert links.delays("b", "a") == links.delays("a", "c") == [MS]


def test_a_partition_cuts_groups_off_until_healed():
    links = Links(Random(1), Link(delay_ms=1, jitter_ms=0))
    links.partition(["a", "b"], ["c"])
    reached = [links.delays(*pair) for pair in (("a", "b"), ("a", "c"), ("c", "d"), ("d", "e"))]
    assert reached == [[MS], [], [], [MS]]
    assert links.cut == 2
    links.heal()
    assert links.delays("a", "c") == [MS]


def test_the_same_seed_gives_the_same_fate():
    link = Link(loss=0.2, duplication=0.2, reordering=0.2)
    assert delays(link, seed=7) == delays(link, seed=7) != delays(link, seed=8)


def test_replays_come_late():
    found = delays(Link(delay_ms=5, jitter_ms=0, replay=0.5))
    late = [each[1] for each in found if len(each) == 2]
    assert len(late) == pytest.approx(1000, abs=100)
    assert max(late) > 4000 * MS
