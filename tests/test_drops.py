"""Drops are counted by name, one counter each."""

from dave.drops import Drop, Drops


def test_reasons_index_their_counter() -> None:
    assert [int(reason) for reason in Drop] == list(range(len(Drop)))
    assert next(iter(Drop)) is Drop.SIZE


def test_each_reason_is_counted_apart() -> None:
    drops = Drops()
    assert drops.by_name() == {}
    for times, reason in enumerate(Drop, 1):
        for _ in range(times):
            drops.add(reason)
    assert drops.counts == list(range(1, len(Drop) + 1))
    assert drops.by_name() == {reason.name.lower(): n for n, reason in enumerate(Drop, 1)}


def test_counters_are_not_shared() -> None:
    one, other = Drops(), Drops()
    one.add(Drop.RATE)
    assert one.by_name() == {"rate": 1}
    assert other.by_name() == {}
