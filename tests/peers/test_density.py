"""The estimate of density: right on a ring of random nodes, and not to be moved by a few liars."""

from random import Random
from statistics import median

import pytest

from dave.limits import DENSITY_OBSERVATIONS, REPLICAS
from dave.peers.density import RING, Density


def observed(nodes, rng, times):
    """The distances of the R-th nearest of a ring of random nodes, seen from random places."""
    ids = [rng.getrandbits(64) for _ in range(nodes)]
    for _ in range(times):
        place = rng.getrandbits(64)
        yield sorted(node ^ place for node in ids)[REPLICAS - 1]


@pytest.mark.parametrize("nodes", [50, 1000])
def test_it_estimates_a_random_ring(nodes):
    rng, estimates = Random(7), []
    for _ in range(10):
        density = Density()
        for distance in observed(nodes, rng, DENSITY_OBSERVATIONS):
            density.observe(distance, REPLICAS)
        estimates.append(density.expected_distance(REPLICAS))
    truth = REPLICAS * RING / nodes
    assert all(0.7 * truth < estimate < 1.4 * truth for estimate in estimates)
    assert 0.85 * truth < median(estimates) < 1.15 * truth


def test_a_minority_of_false_observations_cannot_move_it_far():
    rng, density = Random(3), Density()
    truth = list(observed(200, rng, DENSITY_OBSERVATIONS * 3 // 4))
    for distance in truth:
        density.observe(distance, REPLICAS)
    for _ in range(DENSITY_OBSERVATIONS // 4):
        density.observe(1, REPLICAS)
    assert min(truth) <= density.expected_distance(REPLICAS) <= max(truth)


def test_nothing_observed_is_nothing_known():
    density = Density()
    assert density.expected_distance(REPLICAS) is None
    density.observe(5, 0)
    assert (len(density), density.expected_distance(1)) == (0, None)


def test_the_own_neighbourhood_is_one_voice():
    density = Density()
    assert density.expected_distance(8, own=100.0) == 800
    density.observe(30, 3)
    density.observe(20, 2)
    assert density.expected_distance(8, own=100.0) == 80
    assert density.expected_distance(1) == 10


def test_old_observations_go():
    density = Density()
    for spacing in (1000, 10):
        for _ in range(DENSITY_OBSERVATIONS):
            density.observe(spacing, 1)
    assert (len(density), density.expected_distance(1)) == (DENSITY_OBSERVATIONS, 10)


def test_no_distance_is_beyond_the_ring():
    density = Density()
    density.observe(RING // 2, 1)
    assert density.expected_distance(8) == RING - 1
