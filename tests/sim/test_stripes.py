"""Stripes of the simulator: what counts as whole, and how many nodes may die."""

from dave.files.code import Code
from sim import stripes
from tests.node.mending import network_of, put


def test_a_stripe_that_was_put_stands_at_nodes_of_its_own():
    world = network_of(7)
    (made,) = put(world)
    assert [len(stripes.holders(world, made, i)) for i in range(6)] == [1] * 6
    assert (stripes.left(world, made), stripes.spread(world, made)) == (6, 6)
    assert stripes.whole(world, [made]) == 1


def test_a_damaged_share_and_a_dead_node_count_as_lost():
    world = network_of(7)
    (made,) = put(world)
    (one,), (two,) = (stripes.holders(world, made, i) for i in (0, 1))
    one.shares.shares[made.record.address(0)] = b"other"
    world.kill(two)
    assert stripes.left(world, made) == 4
    assert stripes.whole(world, [made]) == 0


def test_with_fewer_nodes_than_shares_all_shares_and_all_nodes_are_whole():
    world = network_of(4)
    (made,) = put(world, Code(4, 6))
    assert stripes.left(world, made) == 6
    assert stripes.spread(world, made) == 4
    assert stripes.whole(world, [made]) == 1


def test_deaths_leave_every_stripe_with_k_shares_and_not_one_more_could_die():
    world = network_of(9)
    made = put(world, count=3)
    for host in stripes.deaths(world, made):
        world.kill(host)
    assert min(stripes.left(world, each) for each in made) == 4
    assert stripes.deaths(world, made) == []
