"""The table of owners: exact for few, conserving for many, and always bounded."""

import random

from hypothesis import given
from hypothesis import strategies as st

from dave.limits import OWNERS_TRACKED
from dave.store.owners import Owners

_ops = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 2000), st.booleans()), max_size=400)


def run(ops, owners_max, tracked_max, settle_after=0):
    """Apply adds, and removals of bytes that are really there; table and truth after each step."""
    table, truth = Owners(5_000), {}
    for i, (n, size, is_add) in enumerate(ops):
        if i == settle_after:
            table.settle(tracked_max)
        who = bytes([n % owners_max]) * 32
        if is_add:
            table.add(who, size)
            truth[who] = truth.get(who, 0) + size
        elif truth.get(who, 0):
            size = min(size, truth[who])
            table.remove(who, size)
            truth[who] -= size
            if not truth[who]:
                del truth[who]
        yield table, truth


@given(_ops)
def test_exact_with_at_most_as_many_owners_as_counters(ops):
    for table, truth in run(ops, OWNERS_TRACKED, OWNERS_TRACKED):
        assert dict(table.largest(100)) == truth
        assert set(table.over) == {w for w, n in truth.items() if n > table.limit_bytes}
        assert table.is_single == (len(truth) <= 1)


@given(_ops, st.integers(0, 50))
def test_with_many_owners_the_sum_is_exact_and_the_table_bounded(ops, settle_after):
    for i, (table, truth) in enumerate(run(ops, 201, 8, settle_after)):
        assert table.total == sum(truth.values())
        assert all(n > 0 for _, n in table.largest(1000))
        assert i < settle_after or len(table) <= 8
        assert set(table.over) == {w for w, n in table.largest(300) if n > table.limit_bytes}


def test_a_large_owner_is_seen_and_small_ones_are_not_blamed_under_long_churn():
    rng = random.Random(4)
    table = Owners(100_000 * 5 // 100)
    table.settle()
    held = []
    for step in range(40_000):
        # One owner writes a tenth of all, a thousand others the rest.
        n = 0 if rng.random() < 0.1 else rng.randrange(1, 1_000)
        who = n.to_bytes(32, "big")
        held.append(who)
        table.add(who, 100)
        if len(held) > 1_000:
            table.remove(held.pop(0), 100)
        if step > 2_000:
            assert list(table.over) == [bytes(32)]
    assert table.total == 100_000


def test_settling_keeps_the_largest():
    table = Owners(1_000)
    for n in range(1, 101):
        table.add(bytes([n]) * 32, n)
    table.settle(10)
    assert [n for _, n in table.largest(20)] == list(range(100, 90, -1))
    assert table.total == 5050
    assert not table.is_single
    table.remove(bytes([1]) * 32, 1)
    assert table.total == 5049


def test_a_newcomer_inherits_no_more_than_what_is_unlisted():
    table = Owners(1_000)
    table.settle(2)
    a, b, c, d = (bytes([n]) * 32 for n in range(4))
    for who, size in ((a, 50), (b, 20), (c, 5)):
        table.add(who, size)
    # Nobody was unlisted when c came: it is counted exactly, and b is the rest.
    assert dict(table.largest(9)) == {a: 50, c: 5}
    table.add(d, 1)
    # d may be one who held up to 5 unlisted.
    assert dict(table.largest(9)) == {a: 50, d: 6}
    table.remove(b, 20)
    table.remove(c, 5)
    assert dict(table.largest(9)) == {a: 50, d: 1}
    assert table.total == 51
