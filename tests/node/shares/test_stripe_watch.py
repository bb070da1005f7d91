"""Rounds and walks: everything is looked at some day, what a death concerns soon, and no more."""

from itertools import pairwise
from random import Random
from types import SimpleNamespace

from dave.files.code import Code
from dave.names import MS, SECOND, hybrid_ms
from dave.node.shares import stripe_watch
from dave.node.shares.stripe_watch import StripeWatch
from dave.node.timers import Timers
from dave.peers.contact import Contact
from dave.peers.table import Table
from dave.share_limits import (
    SHARE_LEAF_SECONDS,
    STRIPE_BATCH,
    STRIPE_EXAMINERS,
    STRIPE_LOOK_SECONDS,
    STRIPE_SETTLE_SECONDS,
    STRIPE_WALK_REST,
)
from tests.node.mending import Made

START = 1_000 * SECOND
CODE = Code(1, 2)
STRIPES = [Made(CODE, seed=i + 1, share_bytes=10) for i in range(2 * STRIPE_BATCH + 5)]
OLD_MS = hybrid_ms(STRIPES[0].record.time) + STRIPE_SETTLE_SECONDS * 1000
OWN = 77


class Round:
    """A node with some stripes and contacts; every audit is answered at once."""

    def __init__(self, stripes, nodes, own=OWN, unix_ms=OLD_MS):
        self.now = START
        self.table = Table(own, at_home=True)
        self.identity = SimpleNamespace(id=own)
        self.timers = Timers()
        self.rng = Random(4)
        self.start_ms = unix_ms
        for node_id in nodes:
            self.join(node_id)
        self.held = {each.stripe.stripe_id: (each.record, 1) for each in stripes}
        self.asked = []
        self.found = []
        self.came = []
        self.watch = StripeWatch(
            self, self, self.ask, self.on_found, lambda ids, now: self.came.extend(ids)
        )
        self.watch.start(self.now)

    def join(self, node_id):
        contact = Contact(bytes(32), bytes(8), (f"10.0.0.{node_id & 255}", 1), node_id)
        self.table.add(contact, self.now)

    def unix_ms(self, now):
        return self.start_ms + (now - START) // MS

    def stripe(self, stripe_id):
        return self.held.get(stripe_id)

    def stripes_in(self, n):
        return [stripe_id for stripe_id in self.held if stripe_id[-1] == n]

    def __len__(self):
        return len(self.held)

    def ask(self, contact, stripe_ids, done, now):
        self.asked.append((now, contact.id, len(stripe_ids)))
        done([0] * len(stripe_ids), now)

    def on_found(self, found, now):
        self.found += [each.stripe_id for each in found]

    def run(self, seconds):
        until = self.now + int(seconds * SECOND)
        while (due := self.timers.next()) is not None and due <= until:
            self.now = max(self.now, due)
            _, action = self.timers.pop_due(self.now)
            action(self.now)
        self.now = until


NODES = [1 << 60, 2 << 60, 3 << 60]


def test_a_node_without_shares_asks_nobody():
    it = Round([], NODES)
    it.run(3600)
    it.table.remove(NODES[0])
    it.run(3600)
    assert it.asked == []


def test_a_node_that_knows_nobody_waits():
    it = Round(STRIPES, [])
    it.run(3600)
    assert it.found == []


def test_a_round_comes_to_every_stripe_once():
    it = Round(STRIPES, NODES)
    while len(it.found) < len(STRIPES):
        it.run(10)
    assert sorted(it.found) == sorted(it.held)


def test_one_peer_is_asked_every_ten_seconds_or_less_often():
    it = Round(STRIPES, NODES)
    it.run(7200)
    times = [at for at, *_ in it.asked]
    assert all(later - sooner >= 7 * SECOND for sooner, later in pairwise(times))
    assert max(count for *_, count in it.asked) <= STRIPE_BATCH


def test_where_there_are_few_peers_a_round_takes_a_minute_at_least():
    it = Round(STRIPES[:1], NODES[:1])
    it.run(3600)
    assert 3600 / (SHARE_LEAF_SECONDS * 1.5) <= len(it.asked) <= 3600 / SHARE_LEAF_SECONDS


def test_a_stripe_that_may_be_on_its_way_is_left_alone():
    it = Round(STRIPES[:1], NODES, unix_ms=OLD_MS - 600_000)
    it.run(500)
    assert it.asked == []
    it.run(600)
    assert it.asked != []


def test_stripes_that_come_and_go_meanwhile_do_no_harm():
    it = Round(STRIPES[:-3], NODES)
    for i, each in enumerate(STRIPES[-3:]):
        it.run(40)
        it.held[each.stripe.stripe_id] = each.record, 1
        del it.held[STRIPES[i].stripe.stripe_id]
    it.found.clear()
    it.run(3600)
    assert set(it.found) >= set(it.held)


def quiet_round(it):
    it.watch._tick = lambda now: None
    it.timers = Timers()
    it.watch._set(it.now, STRIPE_LOOK_SECONDS, it.watch._look)


def test_a_death_has_all_that_it_may_concern_looked_at_within_seconds():
    it = Round(STRIPES, NODES)
    quiet_round(it)
    it.run(60)
    assert it.found == []
    it.table.remove(NODES[1])
    it.run(2 * STRIPE_LOOK_SECONDS)
    assert sorted(it.found) == sorted(it.held), "in a small network that is everything"
    it.run(600)
    assert len(it.found) == len(STRIPES), "once"


def test_who_has_come_is_told_of_once():
    it = Round(STRIPES, NODES)
    it.run(60)
    assert sorted(it.came) == NODES
    it.came.clear()
    it.table.remove(NODES[1])
    it.run(60)
    it.join(NODES[1])
    it.run(60)
    assert it.came == [NODES[1]]


def test_what_a_death_far_away_does_not_concern_is_left_alone():
    made = STRIPES[0]
    near = [made.id(i) for i in range(1, 9)]
    it = Round([made], [*near, made.id(1 << 50)], own=made.id(0))
    quiet_round(it)
    it.run(30)
    it.table.remove(made.id(1 << 50))
    it.run(60)
    assert it.found == []
    it.table.remove(near[0])
    it.run(60)
    assert it.found == [made.stripe.stripe_id]


def test_only_the_nearest_few_look_at_once():
    made = STRIPES[0]
    for rank, looks in ((STRIPE_EXAMINERS - 1, True), (STRIPE_EXAMINERS, False)):
        near = [made.id(i) for i in range(9) if i != rank]
        it = Round([made], near, own=made.id(rank))
        quiet_round(it)
        it.run(30)
        it.table.remove(made.id(8))
        it.table.remove(made.id(rank + 1))
        it.run(60)
        assert bool(it.found) is looks


def test_deaths_during_a_walk_are_the_next_walk(monkeypatch):
    monkeypatch.setattr(stripe_watch, "STRIPE_WALK_SLICE", 1)
    it = Round(STRIPES[:20], NODES)
    quiet_round(it)
    it.run(30)
    it.table.remove(NODES[0])
    it.run(STRIPE_LOOK_SECONDS / 2)
    while it.watch._walked is None:
        it.run(0.05)
    it.table.remove(NODES[1])
    it.run(120)
    assert len(it.found) == 40


def test_who_comes_and_goes_again_and_again_makes_no_endless_walk(monkeypatch):
    monkeypatch.setattr(stripe_watch, "STRIPE_WALK_SLICE", 1)
    monkeypatch.setattr(stripe_watch, "STRIPE_WALK_MS", 1000)  # as with very many stripes
    it = Round(STRIPES[:20], NODES)
    quiet_round(it)
    for _ in range(60):
        it.run(STRIPE_LOOK_SECONDS)
        it.table.remove(NODES[0])
        it.run(STRIPE_LOOK_SECONDS)
        it.join(NODES[0])
    walks = len(it.found) / 20
    assert 5 < walks < 1200 / (20 * STRIPE_WALK_REST)
