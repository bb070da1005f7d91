"""The disk for shares: what was committed is there after a restart, and nothing else."""

from dave.effects import DropShares, ReadShare, Rebuild, SaveRecord, SaveRelease, WriteShare
from dave.names import SECOND
from dave.store.shares import ShareIndex
from sim.clock import Clock
from sim.shares import ShareDisk
from tests.node.mending import FREE, Made

MADE = Made()
RECORD = MADE.record
NAME = (MADE.stripe.stripe_id, RECORD.owner, RECORD.reference)
ADDRESS = RECORD.address(0)
WRITE = WriteShare(1, ADDRESS, [MADE.shares[0]], RECORD.data, 1)


class Bench:
    def __init__(self):
        self.clock = Clock()
        self.disk = ShareDisk(self.clock, 1 << 20)
        self.answers = []

    def do(self, effect, is_later=True):
        self.disk.carry_out(effect, lambda *answer: self.answers.append(answer))
        while is_later and self.clock.step(self.clock.now + SECOND):
            pass

    def held(self):
        """What a process finds when it starts."""
        index = ShareIndex(7, 1 << 30, FREE, 1000)
        self.disk.load(index)
        return index.stripe(MADE.stripe.stripe_id)


def test_a_share_is_there_once_it_is_committed():
    it = Bench()
    it.do(WRITE, is_later=False)
    assert (it.answers, it.held()) == ([], None)
    it.do(ReadShare(2, ADDRESS, 0, 9))
    assert it.answers == [(2, None), (1, True)]
    it.do(ReadShare(3, ADDRESS, 1, 9))
    assert it.answers[-1] == (3, MADE.shares[0][1:10])
    assert it.held() == (RECORD, 1)
    assert it.disk.written == RECORD.size(0)


def test_masks_of_a_record_are_joined_and_need_their_shares():
    it = Bench()
    it.do(WRITE)
    it.do(SaveRecord(2, RECORD.data, 4))
    assert it.held() == (RECORD, 1), "share 2 is not there"
    it.disk.shares[RECORD.address(2)] = MADE.shares[2]
    assert it.held() == (RECORD, 5)


def test_what_is_dropped_is_gone():
    it = Bench()
    it.do(WRITE)
    it.do(DropShares([ADDRESS, b"x"], [NAME, NAME]))
    assert (it.disk.shares, it.held()) == ({}, None)


def test_what_was_released_is_not_held():
    it = Bench()
    it.do(WRITE)
    it.do(SaveRelease(2, RECORD.owner, RECORD.reference))
    assert it.held() is None


def test_shares_are_rebuilt():
    it = Bench()
    shape = RECORD.k, RECORD.n, RECORD.share_bytes, RECORD.last_bytes
    given = {number: MADE.shares[number] for number in (0, 2, 4, 5)}
    it.do(Rebuild(3, shape, given, (1, 3)))
    assert it.answers[-1] == (3, [MADE.shares[1], MADE.shares[3]])
