"""Which stripes are mended, when and in which order."""

from random import Random
from types import SimpleNamespace

import pytest

from dave.names import MS, SECOND
from dave.node.shares import stripe_repair
from dave.node.shares.stripe_plan import Holding
from dave.node.shares.stripe_repair import StripeRepair
from dave.node.timers import Timers
from dave.peers.trust import Trust
from dave.share_limits import (
    STRIPE_AGAIN_SECONDS,
    STRIPE_GRACE_SECONDS,
    STRIPE_JOB_SECONDS,
    STRIPE_SETTLE_SECONDS,
    STRIPE_TURN_SECONDS,
)
from dave.wire.stripe import place_of_stripe
from tests.node.mending import SHARE_BYTES, FakeHands, Made

WALL_MS = 1_800_000_000_000
START = 1_000 * SECOND


class Table:
    """Knows everybody."""

    def get(self, node_id):
        return SimpleNamespace(id=node_id)

    def rtt(self, node_id):
        return None


class Yard:
    """Cases at one node, the `own`-th nearest of each stripe; what a survey would find now is in
    `masks`, by stripe id."""

    def __init__(self, made, masks, own=0):
        self.now = START
        self.made = made
        self.own = own
        self.core = SimpleNamespace(
            identity=SimpleNamespace(id=made[0].id(own)),
            rng=Random(1),
            timers=Timers(),
            trust=Trust(),
            table=Table(),
            unix_ms=lambda now: WALL_MS + (now - START) // MS,
        )
        self.masks = dict(zip(made, masks, strict=True))
        self.forgotten = []
        """Stripes that the index does not know any more."""
        self.hands = {
            each: FakeHands(each, [i for i in range(each.record.n) if mask[own] >> i & 1])
            for each, mask in self.masks.items()
        }
        self.repair = StripeRepair(self.core, self, self)
        self.repair.examine = self.examine
        self.examined = []
        for each in made:
            self.hands[each].own_id = self.core.identity.id
            self.hands[each].place = self.placing(each, self.hands[each].place)

    def stripe(self, stripe_id):
        if stripe_id in self.forgotten:
            return None
        return next((m.record, 1) for m in self.made if m.stripe.stripe_id == stripe_id)

    def examine(self, stripes, done, now):
        ((stripe_id, _),) = stripes
        made = self._made(stripe_id)
        self.examined.append(made)
        done([self.found(made)], now)

    def found(self, made):
        found = made.found(*self.masks[made])
        if made is self.made[0]:
            return found
        # All stripes have this node at the same rank.
        own = self.core.identity.id
        holdings = [h._replace(node_id=own) if h.node_id == made.id(self.own) else h
                    for h in found.holdings]  # fmt: skip
        return found._replace(holdings=holdings, place=own ^ (self.own + 1))

    def placing(self, made, place):
        def placed(peer, record, number, share, done, now):
            i = next(i for i in range(30) if peer in (made.id(i), self.core.identity.id))
            self.masks[made][i] |= 1 << number
            place(peer, record, number, share, done, now)

        return placed

    def _made(self, stripe_id):
        return next(m for m in self.made if m.stripe.stripe_id == stripe_id)

    def _of(self, address):
        return next(self.hands[m] for m in self.made if address in m.record.addresses)

    def is_here(self, address):
        return self._of(address).is_here(address)

    def takes(self, peer, now):
        return all(hands.takes(peer, now) for hands in self.hands.values())

    def read(self, address, size, came, now):
        self._of(address).read(address, size, came, now)

    def fetch(self, peer, address, came, now):
        self._of(address).fetch(peer, address, came, now)

    def rebuild(self, record, shares, wanted, done):
        hands = self.hands[self._made(record.stripe_id)]
        hands.rebuild(record, shares, wanted, lambda shares, _: done(shares, self.now))

    def place(self, peer, record, number, share, done, now):
        hands = self.hands[self._made(record.stripe_id)]
        hands.place(peer, record, number, share, done, now)

    def see(self, *made):
        self.repair.on_found([self.found(each) for each in made or self.made], self.now)

    def run(self, seconds):
        until = self.now + int(seconds * SECOND)
        while (due := self.core.timers.next()) is not None and due <= until:
            self.now = max(self.now, due)
            _, action = self.core.timers.pop_due(self.now)
            action(self.now)
        self.now = until

    @property
    def mended(self):
        return self.repair.mended


def yard(*masks, own=0):
    made = [Made(seed=i + 1) for i in range(len(masks))]
    return Yard(made, [list(each) for each in masks], own)


def waits(own, *masks):
    """Seconds until a stripe that such nodes hold is mended by the `own`-th nearest."""
    it = yard(masks, own=own)
    it.see()
    for seconds in range(0, 8000, 20):
        if it.mended:
            return seconds
        it.run(20)
    return None


def test_the_grace_is_shorter_the_fewer_shares_are_left():
    one_lost = waits(0, 1, 2, 4, 8, 16, 0)
    two_lost = waits(0, 1, 2, 4, 8, 0, 0)
    assert one_lost == pytest.approx(STRIPE_GRACE_SECONDS / 2, abs=40)
    assert two_lost == pytest.approx(STRIPE_SETTLE_SECONDS, abs=40)


def test_the_next_holder_has_its_turn_ten_minutes_later():
    first, second = (waits(own, 1, 2, 4, 8, 0, 0) for own in (0, 1))
    assert second - first == pytest.approx(STRIPE_TURN_SECONDS, abs=40)


def test_who_is_nearer_and_holds_nothing_puts_no_turn_off():
    assert waits(2, 0, 0, 1, 2, 4, 8) == pytest.approx(STRIPE_SETTLE_SECONDS, abs=40)


def test_what_is_whole_again_before_its_turn_costs_nothing():
    it = yard([1, 2, 4, 8, 0, 0])
    it.see()
    it.masks[it.made[0]] = [1, 2, 4, 8, 16, 32]
    it.run(3600)
    assert it.hands[it.made[0]].fetched == []
    assert (it.mended, len(it.repair)) == (0, 0)


def test_a_whole_stripe_is_no_case_and_ends_one():
    it = yard([1, 2, 4, 8, 16, 0])
    it.see()
    assert len(it.repair) == 1
    it.masks[it.made[0]] = [1, 2, 4, 8, 16, 32]
    it.see()
    assert len(it.repair) == 0


def test_the_most_urgent_comes_first_and_what_cannot_be_mended_last():
    it = yard([1, 2, 4, 8, 16, 0], [1, 2, 4, 0, 0, 0], [1, 2, 4, 8, 0, 0])
    it.see()
    it.repair._not_before = START + 3600 * SECOND  # until then all are due
    it.run(3700)
    assert it.examined[:3] == [it.made[2], it.made[0], it.made[1]]
    assert (it.mended, it.repair.failed) == (2, 1)


def test_what_failed_is_tried_again_later():
    it = yard([1, 2, 4, 8, 0, 0])
    hands = it.hands[it.made[0]]
    fetch, hands.fetch = hands.fetch, lambda peer, address, came, now: came(None, now)
    it.see()
    it.run(STRIPE_GRACE_SECONDS + 60)
    assert it.repair.failed == 1
    hands.fetch = fetch
    it.see()
    it.run(STRIPE_AGAIN_SECONDS / 2)
    assert it.mended == 0, "not before its time, whatever is seen"
    it.run(STRIPE_AGAIN_SECONDS)
    assert it.mended == 1


def hopeless(days):
    """A stripe of which a share is lacking to rebuild any, after so many days."""
    it = yard([1, 2, 4, 0, 0, 0])
    it.see()
    it.run(days * 86_400)
    return it


def test_what_cannot_be_rebuilt_is_looked_at_more_and_more_seldom():
    first, fifth, tenth = (len(hopeless(days).examined) for days in (1, 5, 10))
    assert 4 <= first <= 7
    assert 9 <= fifth <= 12
    assert 4 <= tenth - fifth <= 6, "once a day"


def test_a_holder_that_is_seen_again_ends_the_wait_at_once():
    it = hopeless(5)
    it.masks[it.made[0]][3] = 8
    it.see()
    it.run(60)
    assert it.mended == 1


def test_a_node_that_comes_near_has_it_looked_at_soon_but_not_again_and_again():
    it = hopeless(5)
    case = it.repair._cases[it.made[0].stripe.stripe_id]
    far = it.made[0].found(0).place ^ (1 << 64) - 1
    case.reach = 1 << 60
    before = len(it.examined)
    it.repair.came([far], it.now)
    it.run(60)
    assert len(it.examined) == before, "it can hold nothing that counts"
    it.masks[it.made[0]][3] = 0
    for _ in range(200):  # joins and leaves, and brings nothing
        it.repair.came([it.made[0].id(3)], it.now)
        it.run(60)
    assert 3 <= len(it.examined) - before <= 200 * 60 / STRIPE_AGAIN_SECONDS + 2
    it.masks[it.made[0]][3] = 8
    it.repair.came([it.made[0].id(3)], it.now)
    it.run(STRIPE_AGAIN_SECONDS)
    assert it.mended == 1


def test_shares_that_do_not_fit_together_are_not_tried_twice():
    it = yard([1, 2, 4, 8, 0, 0])
    it.hands[it.made[0]].spoil = lambda share: bytes(len(share))
    for _ in range(2):
        it.see()
        it.run(STRIPE_GRACE_SECONDS + 60)
    assert len(it.examined) == 1
    assert (it.mended, it.repair.failed, len(it.repair)) == (0, 0, 0)


def test_what_was_released_meanwhile_is_forgotten():
    it = yard([1, 2, 4, 8, 0, 0])
    it.see()
    it.forgotten.append(it.made[0].stripe.stripe_id)
    it.run(3600)
    assert (it.examined, len(it.repair)) == ([], 0)


def test_our_own_loss_is_mended_at_once_even_if_the_record_went_with_it():
    it = yard([0, 2, 4, 8, 16, 32])
    made = it.made[0]
    it.forgotten.append(made.stripe.stripe_id)
    it.repair.lost(made.stripe.stripe_id, made.record, it.now)
    it.run(1)
    assert it.hands[made].placed == [(it.core.identity.id, 0)]


def test_what_is_moved_is_limited(monkeypatch):
    it = yard(*([1, 2, 4, 8, 0, 0] for _ in range(4)))
    monkeypatch.setattr(stripe_repair, "STRIPE_REPAIR_BYTES_PER_SECOND", 5 * SHARE_BYTES)
    it.see()
    it.run(STRIPE_SETTLE_SECONDS)
    assert it.mended == 1
    it.run(1.5)
    assert it.mended == 2, "three shares fetched and two placed take a second"
    it.run(2)
    assert it.mended == 4


def test_a_job_that_never_ends_holds_up_no_other():
    it = yard([1, 2, 4, 8, 0, 0], [1, 2, 4, 8, 16, 0])
    it.hands[it.made[0]].fetch = lambda *_: None
    it.see()
    it.run(STRIPE_SETTLE_SECONDS + STRIPE_JOB_SECONDS + 60)
    assert (it.mended, it.repair.failed) == (1, 1)


def test_of_too_many_cases_the_least_urgent_go(monkeypatch):
    monkeypatch.setattr(stripe_repair, "STRIPE_CASES_MAX", 2)
    it = yard([1, 2, 4, 8, 16, 0], [1, 2, 4, 8, 0, 0], [1, 2, 4, 8, 0, 0])
    it.see()
    assert len(it.repair) == 2
    it.run(STRIPE_SETTLE_SECONDS + 60)
    assert it.mended == 2


def test_cases_beyond_the_bound_cost_no_walk_through_all_of_them_each(monkeypatch):
    monkeypatch.setattr(stripe_repair, "STRIPE_CASES_MAX", 256)
    it, looked = yard([0, 0, 0, 0, 0, 0]), []
    urgency = it.repair._urgency
    it.repair._urgency = lambda name: (looked.append(name), urgency(name))[1]
    record = it.made[0].record
    for i in range(1024):
        it.repair._case(i.to_bytes(32, "big"), record, it.now)
    assert 128 < len(it.repair) <= 256
    assert len(looked) < 16 * 1024


def test_who_is_out_of_reach_waits_for_no_turn():
    it = yard([1, 2, 4, 8, 16, *[0] * 7, 32], own=12)
    it.see()
    it.run(STRIPE_GRACE_SECONDS)
    assert it.mended == 1
    assert it.hands[it.made[0]].fetched == []


def test_two_shares_at_one_node_are_not_parted_for_one_without_room():
    it = yard([1, 2, 4, 8, 48, 0])
    it.hands[it.made[0]].full = [it.made[0].id(5)]
    it.see()
    assert len(it.repair) == 0
    it.hands[it.made[0]].full = []
    it.see()
    assert len(it.repair) == 1


def test_places_are_those_of_the_stripes():
    made = Made()
    assert made.found(1).place == place_of_stripe(made.stripe.stripe_id)
    assert made.found(1).holdings == [Holding(made.id(0), 1)]
