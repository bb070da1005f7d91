"""One stripe made whole: what is fetched, rebuilt and placed, and what happens when that fails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.files.code import Code
from dave.node.shares import stripe_plan
from dave.node.shares.stripe_job import Outcome, StripeJob
from tests.node.mending import FakeHands, Made

MADE = Made()
COPIES = Made(Code(1, 3))
SIZES = [MADE.record.size(number) for number in range(6)]


def work(made, masks, own=0, hands=None, order=list):
    """A job by the node `own`, the i-th nearest; its hands, and how it ended."""
    mask = masks[own] if own < len(masks) else 0
    hands = hands or FakeHands(made, [i for i in range(made.record.n) if mask >> i & 1])
    hands.own_id = made.id(own)
    ended = []
    job = StripeJob(
        made.found(*masks), made.id(own), hands, order, lambda outcome, now: ended.append(outcome)
    )
    job.start(7)
    (outcome,) = ended
    return hands, outcome


def test_what_nobody_has_is_rebuilt_from_k_shares_and_placed_at_who_has_none():
    hands, outcome = work(MADE, [1, 2, 4, 8, 16, 0])
    assert hands.placed == [(MADE.id(5), 5)]
    assert hands.rebuilt == [5]
    assert len(hands.fetched) == 3, "the fourth is here"
    assert outcome == Outcome(1, 0, 1, sum(SIZES[1:4]) + SIZES[5], False)


def test_several_shares_go_to_several_nodes_the_nearest_first():
    hands, outcome = work(MADE, [1, 0, 4, 8, 16, 0, 0])
    assert sorted(hands.placed) == sorted([(MADE.id(1), 1), (MADE.id(5), 5)])
    assert outcome.placed == 2
    assert outcome.left == 0


def test_what_somebody_has_twice_is_fetched_and_not_rebuilt():
    hands, outcome = work(MADE, [1, 2, 4, 8, 48, 0])
    assert hands.placed == [(MADE.id(5), 5)]
    assert hands.rebuilt == []
    assert hands.fetched == [MADE.id(4)]
    assert outcome.moved == 2 * SIZES[5]


def test_who_is_out_of_reach_hands_its_share_on():
    masks = [1, 2, 4, 8, 16, *[0] * 7]
    hands, outcome = work(MADE, masks, own=12, hands=FakeHands(MADE, [5]))
    assert hands.fetched == []
    assert hands.placed == [(MADE.id(5), 5)]
    assert outcome.rebuilt == 0


def test_who_refuses_is_followed_by_the_next():
    hands = FakeHands(MADE, [0])
    hands.refuses = [MADE.id(5), MADE.id(6)]
    hands, outcome = work(MADE, [1, 2, 4, 8, 16, 0, 0, 0], hands=hands)
    assert hands.placed == [(MADE.id(7), 5)]
    assert outcome.left == 0


def test_where_nobody_takes_a_share_it_is_left():
    hands = FakeHands(MADE, [0])
    hands.refuses = [MADE.id(i) for i in range(9)]
    _, outcome = work(MADE, [1, 2, 4, 8, 16, 0, 0, 0, 0], hands=hands)
    assert (outcome.placed, outcome.left, outcome.is_bad) == (0, 1, False)


def test_where_nobody_has_room_nothing_is_fetched():
    hands, ended = FakeHands(MADE, [0]), []
    found = MADE.found(1, 2, 4, 8, 16, 0)
    full = [each._replace(has_answered=False) for each in found.holdings]
    job = StripeJob(
        found._replace(holdings=full), MADE.id(0), hands, list, lambda *end: ended.append(end)
    )
    job.start(7)
    assert ended == [(Outcome(0, 1, 0, 0, False), 7)]
    assert hands.fetched == []


def test_with_fewer_nodes_than_shares_some_get_a_second_one():
    hands, outcome = work(MADE, [1, 2, 4, 8])
    assert sorted(number for _, number in hands.placed) == [4, 5]
    assert outcome.left == 0


def test_a_share_that_does_not_come_is_fetched_from_another_or_another_one_is():
    hands = FakeHands(MADE, [0])
    hands.lacks = [MADE.id(1)]
    hands, outcome = work(MADE, [1, 2, 4, 8, 16, 0], hands=hands)
    assert hands.placed == [(MADE.id(5), 5)]
    assert hands.fetched == [MADE.id(i) for i in (1, 2, 3, 4)]
    assert outcome.left == 0


def test_a_double_that_cannot_be_fetched_is_rebuilt():
    hands = FakeHands(MADE, [0])
    hands.lacks = [MADE.id(4)]
    hands, outcome = work(MADE, [1, 2, 4, 8, 48, 0], hands=hands)
    assert hands.rebuilt == [5]
    assert hands.placed == [(MADE.id(5), 5)]
    assert outcome.left == 0


def test_with_fewer_than_k_shares_nothing_is_placed():
    hands, outcome = work(MADE, [1, 2, 4, 0, 0, 0])
    assert hands.placed == []
    assert outcome == Outcome(0, 3, 0, sum(SIZES[1:3]), False)


def test_with_fewer_than_k_what_can_be_parted_is_parted():
    _, outcome = work(MADE, [7, 0, 0, 0, 0, 0])
    assert (outcome.placed, outcome.left) == (2, 3)
    _, outcome = work(MADE, [1, 6, *[0] * 5])
    assert outcome.placed == 1
    assert outcome.left == 3


def test_shares_that_do_not_fit_together_are_placed_nowhere():
    hands = FakeHands(MADE, [0])
    hands.spoil = lambda share: bytes((share[0] ^ 1,)) + share[1:]
    hands, outcome = work(MADE, [1, 2, 4, 8, 16, 0], hands=hands)
    assert hands.placed == []
    assert outcome.is_bad


def test_a_lost_copy_is_made_from_one():
    hands, outcome = work(COPIES, [7, 7, 0])
    assert [peer for peer, _ in hands.placed] == [COPIES.id(2)]
    assert hands.rebuilt == []
    assert outcome.left == 0


def test_what_was_lost_here_comes_back_here():
    hands, outcome = work(MADE, [1, 2, 4, 8, 16, 0], own=5)
    assert hands.placed == [(MADE.id(5), 5)]
    assert outcome.moved == sum(SIZES[:4]), "it is not sent to anybody"


@pytest.mark.parametrize("made", [MADE, COPIES])
@given(st.lists(st.integers(0, 63), min_size=1, max_size=12), st.integers(0, 3), st.data())
def test_whatever_is_there_all_that_can_be_placed_is(made, masks, own, data):
    full = (1 << made.record.n) - 1
    masks = [mask & full for mask in masks]
    own = min(own, len(masks) - 1)
    lacks = data.draw(st.lists(st.integers(0, len(masks) - 1), max_size=1))
    mask = masks[own]
    hands = FakeHands(made, [i for i in range(made.record.n) if mask >> i & 1])
    hands.lacks = [made.id(i) for i in lacks if i != own]
    found = made.found(*masks)
    wanted = stripe_plan.lacking(made.record.n, found.holdings)
    hands, outcome = work(made, masks, own, hands)
    assert outcome.placed == len(hands.placed)
    assert len(set(hands.placed)) == len(hands.placed)
    honest = [each for each in found.holdings if each.node_id not in hands.lacks]
    if stripe_plan.held(honest).bit_count() >= made.record.k:
        assert outcome.placed + outcome.left == len(wanted)
        lost = [i for i in wanted if not stripe_plan.held(found.holdings) >> i & 1]
        assert {number for _, number in hands.placed} >= set(lost)
