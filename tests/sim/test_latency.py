"""Hosts are as far apart as in the King data set, and stay where they are."""

from random import Random
from statistics import mean, median

import pytest

from dave.names import MS
from dave.testing.links import Link, Links
from sim.latency import KING_MEAN_MS, KING_MEDIAN_MS, KingLatency


def round_trips(seed=1, count=20_000, hosts=2000):
    latency, rng = KingLatency(Random(seed)), Random(seed)
    pairs = [(f"{rng.randrange(hosts)}", f"{rng.randrange(hosts)}") for _ in range(count)]
    return [2 * latency.one_way_ms(a, b) for a, b in pairs if a != b]


def test_the_distribution():
    found = round_trips()
    assert median(found) == pytest.approx(KING_MEDIAN_MS, rel=0.05)
    assert mean(found) == pytest.approx(KING_MEAN_MS, rel=0.05)


def test_a_pair_is_stable_and_it_does_not_matter_who_was_asked_about_first():
    one, two = KingLatency(Random(1)), KingLatency(Random(1))
    two.one_way_ms("x", "y")
    assert one.one_way_ms("a", "b") == two.one_way_ms("b", "a") == one.one_way_ms("a", "b")
    assert one.one_way_ms("a", "c") != one.one_way_ms("a", "b")


def test_links_add_it_where_no_link_is_set():
    latency = KingLatency(Random(1))
    links = Links(Random(1), Link(delay_ms=1, jitter_ms=0), latency)
    links.set_link("a", "c", Link(delay_ms=7, jitter_ms=0))
    assert links.delays("a", "b") == [int((1 + latency.one_way_ms("a", "b")) * MS)]
    assert links.delays("a", "c") == [7 * MS]
