"""What records of stripes are worth."""

from dave.store.rank import UNRANKED
from dave.store.stripe_ranks import StripeRanks
from dave.store.stripe_table import HeldStripe
from tests.store.helpers import CLOSED, DAY, NOW
from tests.store.share_helpers import stripe

RANKS = StripeRanks(7, CLOSED, DAY)


def held(*records):
    made = HeldStripe(records[0].stripe_id)
    made.records = tuple(record.data for record in records)
    return made


def test_a_stripe_ranks_as_its_best_record():
    old, new = stripe(upload=1), stripe(upload=2, at=NOW + DAY)
    both = held(old, new)
    assert both.rank == UNRANKED
    assert RANKS.of_stripe(both) == RANKS.of_stripe(held(new)) > RANKS.of_stripe(held(old))
    both.rank = 5.0
    assert RANKS.of_stripe(both) == 5.0


def test_the_newer_one_is_better_and_of_two_of_one_time_always_the_same():
    old, new = stripe(ttl=10), stripe(ttl=5, at=NOW + 1)
    twin = stripe(ttl=11)
    for one, other in ((old, new), (old, twin)):
        better = [
            RANKS.is_better(a, a.digest(CLOSED), 0.0, b) for a, b in ((one, other), (other, one))
        ]
        assert sorted(better) == [False, True]
    assert RANKS.is_better(new, new.digest(CLOSED), 0.0, old)
    assert not RANKS.is_better(old, old.digest(CLOSED), 0.0, old)
