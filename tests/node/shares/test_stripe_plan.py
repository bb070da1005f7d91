"""What a stripe lacks: whole ones are left alone, and what is placed makes them whole."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from dave.node.shares import stripe_plan as plan
from dave.node.shares.stripe_plan import Holding


def holdings(*masks):
    return [Holding(100 + i, mask) for i, mask in enumerate(masks)]


def test_a_stripe_with_all_shares_at_distinct_nodes_lacks_nothing():
    assert plan.lacking(3, holdings(1, 2, 4)) == []


def test_shares_may_stand_at_twice_as_many_nodes_as_there_are_but_not_beyond_readers():
    assert [plan.reach(n) for n in (1, 3, 14, 16, 24)] == [2, 6, 28, 32, 32]


def test_a_newcomer_that_is_nearer_takes_nothing_over():
    assert plan.lacking(3, holdings(0, 1, 2, 4)) == []


def test_what_nobody_within_reach_holds_is_lacking():
    assert plan.lacking(3, holdings(1, 0, 4)) == [1]
    assert plan.lacking(3, holdings(0, 0, 0)) == [0, 1, 2]


def test_two_shares_at_one_node_are_parted_where_a_near_one_has_none():
    assert plan.lacking(3, holdings(1, 6, 0)) == [2]
    assert plan.lacking(3, holdings(1, 6)) == []
    assert plan.lacking(3, holdings(0, 0, 7)) == [1, 2]


def test_a_copy_elsewhere_makes_two_shares_at_one_node_harmless():
    assert plan.lacking(3, holdings(2, 6, 1)) == []


def test_an_empty_node_that_does_not_answer_is_no_reason_to_part_shares():
    silent = Holding(102, 0, has_answered=False)
    assert plan.lacking(3, [*holdings(1, 6), silent]) == []
    assert plan.receivers([*holdings(1, 6), silent]) == [100, 101]


def test_who_holds_fewest_is_offered_first_and_then_the_nearest():
    assert plan.receivers(holdings(1, 0, 6, 0, 8)) == [101, 103, 100, 104, 102]


def test_who_holds_only_what_another_can_stand_for_is_free():
    nodes = holdings(1, 1, 6, 4)
    assert [plan.is_free(100 + i, nodes) for i in range(4)] == [False, True, False, False]
    assert plan.receivers(nodes)[0] == 101
    assert plan.lacking(4, nodes) == [3]


def test_a_share_of_a_crowded_node_goes_to_who_holds_only_a_second_copy():
    assert plan.lacking(3, holdings(6, 1, 1)) == [2]
    assert plan.lacking(4, holdings(3, 3, 12, 12)) == []


@given(st.integers(1, 6), st.lists(st.integers(0, 63), min_size=1, max_size=6))
def test_as_many_shares_as_can_be_have_a_node_of_their_own(n, masks):
    """Against all ways to choose a node for each."""
    masks = [mask & (1 << n) - 1 for mask in masks]
    ways = product(*([None, *(i for i, m in enumerate(masks) if m >> s & 1)] for s in range(n)))
    chosen = [[i for i in way if i is not None] for way in ways]
    best = max(len(way) for way in chosen if len(set(way)) == len(way))
    assert len(plan._matching(holdings(*masks))) == best


def test_the_rank_counts_nearer_holders_only():
    nodes = [Holding(1, 1), Holding(2, 0), Holding(3, 2), Holding(8, 4)]
    assert [plan.rank(own, 0, nodes) for own in (1, 2, 3, 8, 9)] == [0, 1, 1, 2, 3]


def masks(*addresses_and_masks):
    addresses, *raw = addresses_and_masks
    return [each.mask for each in plan.parted(addresses, holdings(*raw))]


def test_copies_are_told_apart_by_where_they_are():
    assert masks([b"a"] * 3, 7, 1, 2) == [1, 2, 4]
    assert masks([b"a"] * 3, 1, 1, 1, 1) == [1, 2, 4, 0]
    assert masks([b"a"] * 3, 0, 4) == [0, 7]
    assert masks([b"a", b"b", b"a"], 5, 2) == [5, 2]
    assert masks([b"a", b"b", b"c"], 5, 3) == [5, 3]


def test_a_copy_that_was_lost_is_lacking_where_a_node_is_free():
    assert plan.lacking(3, plan.parted([b"a"] * 3, holdings(7, 7, 0))) == [2]
    assert plan.lacking(3, plan.parted([b"a"] * 3, holdings(7, 7, 7))) == []
    assert plan.lacking(3, plan.parted([b"a"] * 3, holdings(7, 7))) == []


@given(st.integers(1, 8), st.lists(st.integers(0, 255), min_size=1, max_size=16))
def test_placing_what_is_lacking_makes_it_whole(n, masks):
    """Placed at one receiver after another, as repair does it, it ends and then nothing lacks."""
    nodes = holdings(*(mask & ((1 << n) - 1) for mask in masks[: plan.reach(n)]))
    moved = 0
    while wanted := plan.lacking(n, nodes):
        receiver = plan.receivers(nodes)[0]
        nodes = [
            each._replace(mask=each.mask | 1 << wanted[0]) if each.node_id == receiver else each
            for each in nodes
        ]
        moved += 1
        assert moved <= 2 * n
    assert plan.held(nodes) == (1 << n) - 1
    before = plan.held(holdings(*(mask & ((1 << n) - 1) for mask in masks[: plan.reach(n)])))
    assert plan.held(nodes) & before == before
