"""Under churn the network keeps its size, and half of it is gone after a half-life."""

import pytest

from dave.testing.world import World
from sim.churn import Churn


def churned(minutes, returning=0.5, keep=0, seed=1):
    world = World(seed)
    nodes = world.add_nodes(60, keeps_house=False)
    churn = Churn(world, 60, returning=returning, keep=nodes[:keep], keeps_house=False)
    churn.start()
    world.run(60 * minutes)
    return world, nodes, churn


def test_half_are_gone_after_a_half_life_and_others_have_come():
    world, nodes, churn = churned(60, returning=0)
    left = sum(host.is_up for host in nodes)
    assert left == pytest.approx(30, abs=8)
    assert churn.died >= 60 - left
    assert churn.came >= churn.died - 5
    assert abs(len(world.nodes) - 60) <= 3
    assert len(world.hosts) == len(world.nodes), "a machine that is gone leaves nothing"


def test_some_come_back_with_their_disk():
    world, nodes, churn = churned(120, returning=1)
    assert (churn.came, len(world.nodes)) == (0, 60)
    assert churn.returned == sum(host.starts - 1 for host in nodes) > 30


def test_who_is_kept_stays_and_nobody_dies_after_the_end():
    world, nodes, churn = churned(60, keep=10)
    assert all(host.starts == 1 and host.is_up for host in nodes[:10])
    churn.stop()
    died = churn.died
    world.run(7200)
    assert churn.died == died
    assert all(host.is_up for host in world.nodes)
