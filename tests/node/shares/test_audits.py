"""Audits of shares: what is learnt of a peer, and what trust learns from it."""

import pytest

from dave.drops import Drop
from dave.files.code import Code
from dave.share_limits import (
    SHARE_ADMITTED_MAX,
    SHARE_CLAIM_SECONDS,
    SHARE_CLAIMS_KEPT,
    SHARE_LEAF_SECONDS,
    SHARE_PATIENCE_SECONDS,
    SHARE_PROBATION,
    SHARE_SILENCES_MAX,
)
from dave.wire.share_audit import LACKING, HeldMasks, LeafShown
from dave.wire.stripe import Release, encode_release
from tests.node.mending import network_of, put
from tests.node.streaming import ListSource


class Two:
    """Two nodes, each with a share of each stripe; the first audits the second, and no other."""

    def __init__(self, count=3):
        self.world = world = network_of(2)
        self.asker, self.holder = world.nodes
        for host in world.nodes:
            host.node.upkeep.watch._tick = lambda now: None
            host.node.upkeep.watch._look = lambda now: None
            host.node.upkeep.watch._set = lambda *_: None
        world.run(30)
        self.stripes = put(world, Code(1, 2), count)
        self.contact = self.asker.node.table.get(self.holder.node.id)
        self.audits = self.asker.node.upkeep.audits
        self.ids = [stripe.stripe_id for stripe in self.stripes]

    def ask(self, ids=None, seconds=SHARE_PATIENCE_SECONDS + 5):
        told = []
        ids = self.ids if ids is None else ids
        self.audits.ask(self.contact, ids, lambda masks, now: told.append(masks), self.world.now)
        self.asker.settle()
        self.world.run(seconds)
        (masks,) = told
        return masks

    def test(self):
        """An audit with a leaf; what it changed."""
        before = self.outcome
        self.world.run(SHARE_LEAF_SECONDS)
        self.ask()
        return tuple(now - was for now, was in zip(self.outcome, before, strict=True))

    @property
    def outcome(self):
        return self.audits.kept, self.audits.broken, self.audits.offline

    @property
    def evidence(self):
        evidence = self.asker.node.trust.evidence(self.contact.id)
        return None if evidence is None else (round(evidence.kept), round(evidence.broken))

    def answer(self, *pieces):
        """From now on the holder answers with these."""
        self.holder.node.streams._handlers[21] = lambda *_: ListSource(pieces)


@pytest.fixture
def two():
    return Two()


def test_it_learns_what_a_peer_holds(two):
    masks = two.ask([*two.ids, b"x" * 32])
    assert masks[3] == 0
    assert all(mask in (1, 2) for mask in masks[:3])
    assert two.outcome == (0, 0, 0), "nothing had been said that could be tested"


def test_what_was_said_is_tested_by_a_leaf_and_kept(two):
    two.ask()
    assert two.test() == (1, 0, 0)
    assert two.evidence == (1, 0)


def test_one_leaf_a_minute(two):
    two.ask()
    for _ in range(10):
        two.ask(seconds=1)
    assert sum(two.outcome) == 1


def test_what_was_said_long_ago_is_not_tested(two):
    two.ask()
    two.world.run(SHARE_CLAIM_SECONDS)
    assert two.test() == (0, 0, 0)


def test_what_is_not_known_here_any_more_is_not_tested(two):
    two.ask()
    index = two.asker.node.shares.index
    index.on_lost = None  # or it would come back
    for stripe in two.stripes:
        index.lost(stripe.record.address(0))  # and so of its copies
    assert two.test() == (0, 0, 0)


def test_a_lost_disk_is_a_broken_promise_and_what_was_refuted_counts_as_lost(two):
    two.ask()
    two.holder.node.upkeep.prover.on_damaged = lambda address, now: None
    two.holder.shares.shares.clear()
    for _ in range(SHARE_ADMITTED_MAX - 1):
        assert two.test() == (0, 0, 0)
    assert two.test() == (0, 1, 0)
    assert two.evidence == (0, 1)
    assert two.ask() is None, "it is not believed at all for now"


def test_whose_owner_has_it_drop_a_share_has_not_lied(two):
    """Released at this node alone, an upload would else make it a liar to all the others."""
    two.ask()
    index, record = two.holder.node.shares.index, two.stripes[0].record
    index.release(Release(encode_release(record.owner, record.reference, record.time)))
    two.audits._claimer(two.contact.id).claims = [
        claim
        for claim in two.audits._claimer(two.contact.id).claims
        if claim.stripe_id == record.stripe_id
    ]
    assert two.test() == (0, 0, 0)
    assert two.evidence is None
    masks = two.ask()
    assert masks[0] == 0
    assert masks[1]
    assert two.test() == (1, 0, 0)


def test_who_passes_enough_tests_is_believed_again_but_for_what_it_could_not_show(two):
    two.ask()
    kept = dict(two.holder.shares.shares)
    two.holder.node.upkeep.prover.on_damaged = lambda address, now: None
    two.holder.shares.shares.clear()
    two.audits._claimer(two.holder.node.id).admitted = SHARE_ADMITTED_MAX - 1
    two.test()
    (refuted,) = two.audits._claimers[two.holder.node.id].refuted
    stripe_id, number = refuted
    record = two.asker.node.shares.index.stripe(stripe_id)[0]
    two.holder.shares.shares |= {a: s for a, s in kept.items() if a != record.address(number)}
    while two.ask() is None:
        two.test()
    masks = two.ask()
    assert [bool(mask) for mask in masks] == [each != stripe_id for each in two.ids]
    two.holder.shares.shares |= kept
    while refuted in two.audits._claimers[two.holder.node.id].refuted:
        two.test()
    assert two.audits.kept > SHARE_PROBATION


@pytest.mark.parametrize(
    "pieces",
    [
        [HeldMasks((1, 1)).encode()],
        [HeldMasks((1, 1, 1)).encode(), LACKING.encode()],
        [HeldMasks((1, 1, 1)).encode(), HeldMasks((1, 1, 1)).encode()],
        [b"x"],
        [],
    ],
)
def test_an_answer_that_is_none_is_dropped(two, pieces):
    two.answer(*pieces)
    two.ask()
    assert two.asker.dropped(Drop.SHARE_AUDIT) == bool(pieces)
    assert two.audits.broken == 0


def test_a_leaf_of_other_bytes_breaks_a_promise(two):
    two.ask()
    two.answer(HeldMasks((1, 1, 1)).encode(), LeafShown(b"other bytes", b"").encode())
    assert two.test() == (0, 1, 0)


def test_masks_beyond_the_shares_of_a_stripe_are_no_claims(two):
    two.answer(HeldMasks((0xFFFFFF, 4, 8)).encode())
    two.ask()
    claims = two.audits._claimers[two.holder.node.id].claims
    assert sorted(claim.number for claim in claims) == [0, 1]


def test_only_so_many_claims_are_kept():
    two = Two(1)
    claimer = two.audits._claimer(7)
    two.audits._index.stripe = lambda stripe_id: (two.stripes[0].record, 1)
    for i in range(100):
        two.audits.note(claimer, [i.to_bytes(32, "big")], [3], two.world.now)
    assert len(claimer.claims) == SHARE_CLAIMS_KEPT


def test_who_is_gone_is_offline(two):
    two.ask()
    two.world.kill(two.holder)
    two.world.run(SHARE_LEAF_SECONDS)
    assert two.ask() is None
    assert two.outcome == (0, 0, 1)
    assert two.evidence is None


def test_five_silences_of_who_is_there_break_a_promise(two):
    two.ask()
    two.holder.node.streams._handlers[21] = lambda *_: None
    node = two.asker.node
    for _ in range(SHARE_SILENCES_MAX):
        assert two.evidence is None
        node.table.seen(two.contact.id, two.world.now + 1)
        assert two.ask(seconds=5) is None
    assert two.evidence == (0, 1)


def test_who_answers_only_what_is_no_test_is_not_believed_for_long(two):
    """It sees what is asked before it answers: masks it says, leaves it never shows."""
    two.ask()
    masks = HeldMasks((1, 1, 1)).encode()
    two.answer(masks)
    node = two.asker.node
    for _ in range(SHARE_SILENCES_MAX):
        two.world.run(SHARE_LEAF_SECONDS)
        node.table.seen(two.contact.id, two.world.now + 1)
        assert two.ask(seconds=5) is None, "a test was not answered: nothing is believed"
        two.ask(seconds=5)
    assert two.outcome == (0, 1, 0)


def test_who_cannot_be_connected_to_is_offline(two):
    """Others may hold all the connections that it can have."""
    two.ask()
    node = two.asker.node
    two.asker.node.streams.hang_up(two.world.now)
    node.streams._key_and_id = lambda peer: (b"x" * 32, two.contact.id)
    for _ in range(SHARE_SILENCES_MAX):
        node.table.seen(two.contact.id, two.world.now + 1)
        assert two.ask(seconds=5) is None
    assert two.outcome == (0, 0, SHARE_SILENCES_MAX)


def test_a_share_that_a_peer_has_let_go_of_and_got_anew_counts(two):
    two.ask()
    claimer, (stripe_id, *_) = two.audits._claimer(two.contact.id), two.ids
    claimer.refuted[stripe_id, 0] = claimer.refuted[stripe_id, 1] = None
    assert two.ask()[0] == 0, "it says that it has what it could not show"
    (number,) = {0, 1} - {number for _, number in claimer.refuted}
    claimer.refuted = {(stripe_id, 1 - number): None}
    index = two.holder.node.shares.index
    told, index.stripe = index.stripe, lambda stripe_id: None
    two.ask()
    assert claimer.refuted == {}
    index.stripe = told
    assert two.ask()[0] == 1 << 1 - number


def test_masks_of_who_fails_the_test_that_comes_with_them_are_not_believed(two):
    two.ask()
    two.world.run(SHARE_LEAF_SECONDS)
    two.answer(HeldMasks((1, 1, 1)).encode(), LeafShown(b"other bytes", b"").encode())
    assert two.ask() is None


def test_a_peer_that_keeps_a_stream_open_and_says_nothing_is_given_up(two):
    class Mute(ListSource):
        def next_piece(self, now):
            return b""

    two.holder.node.streams._handlers[21] = lambda *_: Mute([])
    assert two.ask(seconds=SHARE_PATIENCE_SECONDS + 1) is None
