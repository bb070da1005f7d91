"""The region of a key: never fewer than R where there are as many, and Sybils only add to it."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.limits import REGION_NODES_MAX, REPLICAS
from dave.peers.region import is_sparse, region_size

U64 = st.integers(0, 2**64 - 1)
distances_of = st.lists(U64, max_size=2 * REGION_NODES_MAX).map(sorted)


@given(distances_of, st.none() | U64)
def test_all_within_the_expected_distance_and_at_least_r(distances, expected):
    size = region_size(distances, expected)
    inside, outside = distances[:size], distances[size:]
    assert min(REPLICAS, len(distances)) <= size <= REGION_NODES_MAX
    if expected is not None and size < REGION_NODES_MAX:
        assert all(distance > expected for distance in outside)
        assert size <= REPLICAS or all(distance <= expected for distance in inside)
    if expected is None:
        assert size == min(REPLICAS, len(distances))


@given(distances_of, U64)
def test_nodes_that_join_displace_none_within_the_expected_distance(distances, expected):
    room = REGION_NODES_MAX - 45
    inside = [distance for distance in distances if distance <= expected][:room]
    crowded = sorted([*range(45), *distances])
    after = crowded[: region_size(crowded, expected)]
    assert set(inside) <= set(after)


def test_sybils_beside_a_key_add_replicas():
    rng, nodes = Random(1), 10_000
    expected = REPLICAS * 2**64 // nodes
    for _ in range(20):
        distances = sorted(rng.getrandbits(64) for _ in range(nodes))
        honest = sum(distance <= expected for distance in distances)
        sybils = sorted(rng.randrange(distances[0]) for _ in range(45))
        assert region_size([*sybils, *distances], expected) == honest + 45
        assert 1 <= honest <= 20


@pytest.mark.parametrize(
    ("found", "unusual"), [(1000, False), (2000, False), (2001, True), (500, False), (499, True)]
)
def test_over_twice_off_is_unusual(found, unusual):
    distances = [*range(REPLICAS - 1), found, 10**6]
    assert is_sparse(distances, 1000) is unusual


def test_nothing_to_judge():
    assert not is_sparse([10**9] * REPLICAS, None)
    assert not is_sparse([10**9] * (REPLICAS - 1), 1000)
