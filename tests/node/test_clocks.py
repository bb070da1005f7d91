"""Clocks: they go forward, and outlive their process."""

from dave.node.clocks import Clock, Clocks
from dave.node.limits import CLOCKS_MAX

A, B, OLD, NEW = b"a" * 32, b"b" * 32, b"o" * 16, b"n" * 16


def test_a_clock_never_goes_back_within_a_journal():
    clocks = Clocks()
    clocks.set(A, OLD, 7)
    clocks.set(A, OLD, 5)
    assert clocks.get(A) == Clock(OLD, 7)
    assert clocks.get(B) is None


def test_a_new_journal_takes_the_place_of_the_old_one():
    clocks = Clocks()
    clocks.set(A, OLD, 7)
    clocks.set(A, NEW, 0)
    assert clocks.get(A) == Clock(NEW, 0)
    assert len(clocks) == 1


def test_clocks_outlive_their_process():
    clocks, again = Clocks(), Clocks()
    clocks.set(A, OLD, 7)
    clocks.set(B, NEW, 9)
    again.restore(clocks.all())
    assert again.all() == clocks.all() == [(A, OLD, 7), (B, NEW, 9)]


def test_of_too_many_the_one_that_stood_still_longest_goes():
    clocks = Clocks()
    for i in range(CLOCKS_MAX):
        clocks.set(i.to_bytes(32, "big"), OLD, 1)
    clocks.set(bytes(32), OLD, 2)
    clocks.set(b"x" * 32, OLD, 1)
    assert len(clocks) == CLOCKS_MAX
    assert clocks.get(bytes(32)) == Clock(OLD, 2)
    assert clocks.get((1).to_bytes(32, "big")) is None
