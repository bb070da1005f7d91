"""A look at some stripes: each node within reach is asked once, about what it may hold."""

from types import SimpleNamespace

from dave.files.code import Code
from dave.node.shares.stripe_plan import reach
from dave.node.shares.stripe_survey import Survey
from dave.peers.contact import Contact
from dave.peers.table import Table
from dave.share_limits import STRIPE_ASKED_AT_ONCE
from tests.node.mending import Made

ONE, TWO = Made(Code(1, 2), seed=1), Made(Code(1, 2), seed=2)
NOW = 7


class Looker:
    """A node that knows some contacts, asked in the order in which their answers are wanted."""

    def __init__(self, own, nodes, here=None):
        self.table = Table(own, at_home=True)
        for i, node_id in enumerate(nodes):
            self.table.add(Contact(bytes(32), bytes(8), (f"10.0.0.{i}", 1), node_id), NOW)
        self.identity = SimpleNamespace(id=own)
        self.here = here or {}
        self.asked = []
        self.found = []

    def stripe(self, stripe_id):
        return self.here.get(stripe_id)

    def ask(self, contact, stripe_ids, done, now):
        self.asked.append((contact.id, list(stripe_ids), done))

    def look(self, *made):
        stripes = [(each.stripe.stripe_id, each.record) for each in made]
        return Survey(self, self, self.ask, stripes, lambda found, now: self.found.append(found))

    def answer(self, masks):
        """The first who was asked answers with these, by stripe id; None: not at all."""
        _, stripe_ids, done = self.asked.pop(0)
        done(None if masks is None else [masks.get(each, 0) for each in stripe_ids], NOW)


def masks(found):
    return [(each.mask, each.has_answered) for each in found.holdings]


def test_what_nodes_say_and_what_is_here_is_put_together_nearest_first():
    it = Looker(ONE.id(1), [ONE.id(0), ONE.id(2)], {ONE.stripe.stripe_id: (ONE.record, 1)})
    it.look(ONE).ask_all(NOW)
    it.answer({ONE.stripe.stripe_id: 2})
    assert it.found == []
    it.answer(None)
    ((found,),) = it.found
    assert masks(found) == [(1, True), (2, True), (0, False)]
    assert [each.node_id for each in found.holdings] == [ONE.id(i) for i in range(3)]
    assert found.holders == {ONE.record.address(0): [ONE.id(0), ONE.id(1)]}
    assert found.record == ONE.record


def test_bits_beyond_the_shares_mean_nothing():
    it = Looker(ONE.id(1), [ONE.id(0)])
    it.look(ONE).ask_all(NOW)
    it.answer({ONE.stripe.stripe_id: 0xFFFFF0})
    assert masks(it.found[0][0]) == [(0, True), (0, True)]


def test_a_node_is_asked_once_about_all_stripes_that_it_is_near_to():
    near_both = ONE.id(0)
    it = Looker(5, [near_both])
    it.look(ONE, TWO).ask_all(NOW)
    assert [asked[:2] for asked in it.asked] == [
        (near_both, [ONE.stripe.stripe_id, TWO.stripe.stripe_id])
    ]


def test_who_is_out_of_reach_is_not_asked_and_does_not_count():
    far = ONE.id(100)
    it = Looker(far, [ONE.id(i) for i in range(6)], {ONE.stripe.stripe_id: (ONE.record, 1)})
    it.look(ONE).ask_all(NOW)
    assert len(it.asked) == reach(2)
    while it.asked:
        it.answer({})
    ((found,),) = it.found
    assert [each.node_id for each in found.holdings] == [ONE.id(i) for i in range(4)]
    assert found.holders == {ONE.record.address(0): [far]}, "but it can be fetched from here"


def test_only_so_many_are_asked_at_once():
    places = [Made(Code(1, 8), seed=3)]
    it = Looker(5, [places[0].id(i) for i in range(16)])
    it.look(*places).ask_all(NOW)
    assert len(it.asked) == STRIPE_ASKED_AT_ONCE
    it.answer({})
    assert len(it.asked) == STRIPE_ASKED_AT_ONCE
    answered = 1
    while it.asked:
        it.answer({})
        answered += 1
    assert answered == 16
    assert len(it.found) == 1


def test_in_a_round_one_is_asked_each_time_and_none_while_one_is():
    it = Looker(5, [ONE.id(i) for i in range(3)])
    survey = it.look(ONE)
    for _ in range(3):
        assert it.found == []
        survey.ask_one(NOW)
        survey.ask_one(NOW)
        assert len(it.asked) == 1
        it.answer({})
    assert len(it.found) == 1


def test_with_nobody_there_it_ends_at_once():
    it = Looker(5, [])
    it.look(ONE).ask_all(NOW)
    ((found,),) = it.found
    assert masks(found) == [(0, True)]
