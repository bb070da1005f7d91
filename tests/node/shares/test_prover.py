"""Answers to audits: masks and leaves that fit, and bounds on who asks."""

import pytest

from dave.crypto import merkle
from dave.drops import Drop
from dave.files.code import Code
from dave.names import SECOND
from dave.node.shares import prover
from dave.node.shares.prover import ShareProver
from dave.share_limits import (
    AUDIT_LEAVES_MAX,
    SHARE_AUDITED_BURST,
    SHARE_AUDITED_PEERS_MAX,
    SHARE_AUDITED_PER_SECOND,
    SHARE_AUDITS_READ_MAX,
)
from dave.wire.share_audit import LACKING, AuditRequest, HeldMasks, LeafAsked, LeafShown
from tests.node.mending import Made, network_of, put
from tests.node.streaming import Collect, ask

MADE = Made()
RECORD = MADE.record
ADDRESS = RECORD.address(0)
ASKER = b"k" * 32


class Index:
    """Holds shares 0 and 2 of one stripe."""

    def holds(self, address):
        held = {RECORD.address(i): RECORD.size(i) for i in (0, 2)}
        return held.get(address)

    def stripe(self, stripe_id):
        return (RECORD, 5) if stripe_id == MADE.stripe.stripe_id else None


class Core:
    """Counts drops."""

    def __init__(self):
        self.dropped = []
        self.drops = self

    def add(self, reason):
        self.dropped.append(reason)


class Answers:
    """A prover whose disk answers when it is told to."""

    def __init__(self):
        self.core = Core()
        self.reads = []
        self.damaged = []
        self.prover = ShareProver(
            self.core, Index(), self.read, lambda address, now: self.damaged.append(address)
        )

    def read(self, address, offset, size, came):
        self.reads.append((address, offset, size, came))

    def come(self, data, now=5):
        *_, came = self.reads.pop(0)
        came(data, now)

    def ask(self, *leaves, stripes=(), asker=ASKER, now=SECOND):
        request = AuditRequest(tuple(LeafAsked(*leaf) for leaf in leaves), tuple(stripes))
        return self.prover.serve(asker, request.encode(), now)


def test_it_says_which_shares_are_here():
    source = Answers().ask(stripes=(MADE.stripe.stripe_id, b"x" * 32))
    assert HeldMasks.read(source.next_piece(0)) == HeldMasks((5, 0))
    assert source.next_piece(0) is None


def test_a_leaf_is_shown_with_its_path_once_the_disk_has_read_it():
    it = Answers()
    source, woken = it.ask((ADDRESS, 1)), []
    source.wake = lambda: woken.append(True)
    assert source.next_piece(0) == b""
    assert source.next_piece(0) == b"", "it is read once"
    assert [read[:3] for read in it.reads] == [(ADDRESS, 0, RECORD.size(0))]
    it.come(MADE.shares[0])
    assert woken == [True]
    shown = LeafShown.read(source.next_piece(0))
    assert merkle.check(ADDRESS, RECORD.size(0), 1, *shown)
    assert source.next_piece(0) is None


@pytest.mark.parametrize("leaf", [(RECORD.address(1), 0), (ADDRESS, 2), (b"x" * 32, 0)])
def test_what_is_not_here_is_lacking_without_a_look_at_the_disk(leaf):
    it = Answers()
    source = it.ask(leaf)
    assert LeafShown.read(source.next_piece(0)) == LACKING
    assert it.reads == it.damaged == []


@pytest.mark.parametrize("data", [None, MADE.shares[0][:-1], MADE.shares[1]])
def test_a_share_that_is_damaged_is_lacking_and_told_of(data):
    it = Answers()
    source = it.ask((ADDRESS, 0))
    source.next_piece(0)
    it.come(data)
    assert LeafShown.read(source.next_piece(0)) == LACKING
    assert it.damaged == [ADDRESS]


def test_a_share_that_the_system_cannot_read_now_is_not_given_up():
    it = Answers()
    source = it.ask((ADDRESS, 0))
    source.next_piece(0)
    it.come(b"")
    assert LeafShown.read(source.next_piece(0)) == LACKING
    assert it.damaged == []


def test_several_leaves_come_in_order_and_one_share_is_in_memory_at_a_time():
    it = Answers()
    source = it.ask((ADDRESS, 0), (RECORD.address(1), 0), (RECORD.address(2), 1))
    shown = []
    while (piece := source.next_piece(0)) is not None:
        if piece:
            shown.append(LeafShown.read(piece))
        assert len(it.reads) <= 1
        for address, *_ in list(it.reads):
            it.come(MADE.shares[RECORD.addresses.index(address)])
    assert [len(each.leaf) for each in shown] == [16_384, 0, RECORD.size(2) - 16_384]


def test_what_is_no_audit_is_refused_and_counted():
    it = Answers()
    assert it.prover.serve(ASKER, b"\x15\x01", SECOND) is None
    assert it.core.dropped == [Drop.SHARE_AUDIT]


def test_an_asker_has_a_budget_of_its_own():
    it = Answers()
    leaves = [(ADDRESS, 0)] * AUDIT_LEAVES_MAX
    for _ in range(SHARE_AUDITED_BURST // AUDIT_LEAVES_MAX):
        it.ask(*leaves).close()
    assert it.ask((ADDRESS, 0)) is None
    assert it.ask((ADDRESS, 0), stripes=(b"x" * 32,)) is None
    it.ask((ADDRESS, 0), asker=b"o" * 32).close()
    it.ask((ADDRESS, 0), now=SECOND + SECOND // SHARE_AUDITED_PER_SECOND).close()
    assert len(it.core.dropped) == 2


def test_only_so_many_askers_are_remembered():
    it = Answers()
    for i in range(SHARE_AUDITED_PEERS_MAX + 1):
        it.ask((ADDRESS, 0), asker=i.to_bytes(32, "big")).close()
    assert len(it.prover._full) == 1


def test_only_so_many_shares_are_read_at_a_time_and_then_the_next():
    it = Answers()
    asked = [it.ask((ADDRESS, 0), asker=bytes((i,)) * 32) for i in range(SHARE_AUDITS_READ_MAX + 2)]
    assert [source.next_piece(0) for source in asked] == [b""] * len(asked)
    assert len(it.reads) == SHARE_AUDITS_READ_MAX
    asked[-2].close()
    it.come(MADE.shares[0])
    assert len(it.reads) == SHARE_AUDITS_READ_MAX
    while it.reads:
        it.come(MADE.shares[0])
    assert LeafShown.read(asked[-1].next_piece(0)).leaf
    assert it.prover.reading == 0


def test_who_never_takes_what_it_asked_for_keeps_nobody_from_being_answered():
    """Else anybody could make a node that holds its shares look like one that does not."""
    it = Answers()
    for i in range(2 * SHARE_AUDITS_READ_MAX):
        it.ask((ADDRESS, 0), (ADDRESS, 1), asker=bytes((i,)) * 32).next_piece(0)
    while it.reads:
        it.come(MADE.shares[0])
    source = it.ask((ADDRESS, 1), stripes=(MADE.stripe.stripe_id,))
    assert HeldMasks.read(source.next_piece(0)) == HeldMasks((5,))
    source.next_piece(0)
    it.come(MADE.shares[0])
    assert LeafShown.read(source.next_piece(0)).leaf


def test_to_ask_about_stripes_alone_is_free():
    """After a death an honest node asks about all it holds, a batch each few milliseconds."""
    it = Answers()
    for _ in range(10 * SHARE_AUDITED_BURST):
        it.ask(stripes=(b"x" * 32,)).close()
    assert it.core.dropped == []


def test_a_stream_that_ends_while_the_disk_reads_leaves_nothing_behind():
    it = Answers()
    source = it.ask((ADDRESS, 0))
    source.next_piece(0)
    source.close()
    it.come(MADE.shares[0])
    assert it.prover.reading == 0


def test_over_a_connection_anybody_may_ask():
    world = network_of(3)
    (stripe,) = put(world, Code(2, 3))
    holder = next(h for h in world.nodes if h.shares.shares)
    address, share = next(iter(holder.shares.shares.items()))
    request = AuditRequest((LeafAsked(address, 0),), (stripe.stripe_id,))
    taken = ask(world.add_client(), holder, Collect(), request.encode())
    world.run(2)
    masks, leaf = taken.pieces
    assert HeldMasks.read(masks).masks[0] == 1 << stripe.record.addresses.index(address)
    assert merkle.check(address, len(share), 0, *LeafShown.read(leaf))
    assert taken.is_done


def test_the_bounds_fit_together():
    assert AUDIT_LEAVES_MAX <= SHARE_AUDITED_BURST
    assert prover._AHEAD >= AUDIT_LEAVES_MAX * prover._STEP
