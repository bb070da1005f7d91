"""Trust first, then the round trip, and now and then neither."""

from collections import Counter
from random import Random

from dave.limits import TRUST_EXPLORATION
from dave.names import MS, SECOND
from dave.peers.choice import by_trust
from dave.peers.contact import Contact
from dave.peers.table import Table
from dave.peers.trust import Trust

NOW = 1_000 * SECOND
CONTACTS = [Contact(bytes((i,)) * 32, bytes(8), ("10.0.0.1", 1000 + i), i) for i in range(1, 6)]


class Steady(Random):
    """Never explores."""

    def random(self):
        return 0.99


def known(kept=None, rtts=None):
    """A trust and a table with so many kept promises and such round trips by node id."""
    trust, table = Trust(), Table(99, at_home=True)
    for contact in CONTACTS:
        table.add(contact, NOW)
        for _ in range((kept or {}).get(contact.id, 0)):
            trust.kept(contact.id, NOW)
        rtt_ms = (rtts or {}).get(contact.id)
        if rtt_ms is not None:
            table.seen(contact.id, NOW, rtt_ms * MS)
    return trust, table


def ids(trust, table, rng=None):
    return [contact.id for contact in by_trust(CONTACTS, trust, table.rtt, rng or Steady(), NOW)]


def test_who_kept_more_comes_first():
    assert ids(*known(kept={4: 30, 2: 5})) == [4, 2, 1, 3, 5]


def test_among_like_trust_the_shorter_round_trip_comes_first_and_unknown_ones_last():
    trust, table = known(kept={1: 200, 2: 190, 5: 3}, rtts={1: 80, 2: 20, 3: 7, 4: 2})
    assert ids(trust, table) == [2, 1, 5, 4, 3]


def test_a_broken_promise_outweighs_a_short_way():
    trust, table = known(kept=dict.fromkeys(range(1, 6), 20), rtts={1: 1, 2: 50, 3: 60})
    for _ in range(3):
        trust.broke(1, NOW)
    assert ids(trust, table) == [2, 3, 4, 5, 1]


def test_without_any_knowledge_the_order_given_stays():
    assert ids(*known()) == [1, 2, 3, 4, 5]
    trust, table = known()
    assert by_trust([], trust, table.rtt, Steady(), NOW) == []


def test_one_choice_in_twelve_is_by_chance_and_then_each_has_the_same():
    trust, table = known(kept={1: 100})
    rng = Random(5)
    firsts = Counter(ids(trust, table, rng)[0] for _ in range(12_000))
    assert sum(firsts.values()) == 12_000
    others = 12_000 * TRUST_EXPLORATION / 5
    for contact in CONTACTS[1:]:
        assert 0.75 * others < firsts[contact.id] < 1.25 * others


def test_a_choice_by_chance_leaves_nobody_out():
    class Exploring(Random):
        def random(self):
            return super().random() / 100

    trust, table = known(kept={1: 100})
    orders = [ids(trust, table, Exploring(seed)) for seed in range(20)]
    assert all(sorted(order) == [1, 2, 3, 4, 5] for order in orders)
    assert len({tuple(order) for order in orders}) > 10
