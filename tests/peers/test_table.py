"""The routing table: order, liveness, and that newcomers displace nobody alive."""

import random

from hypothesis import given
from hypothesis import strategies as st

from dave.limits import CONTACT_FAILURES_MAX, CONTACTS_MAX, ROUND_TRIPS_KEPT
from dave.names import MS
from dave.peers.contact import Contact
from dave.peers.table import Table

OWN = 2**63 + 5
IDS = st.integers(0, 2**64 - 1).filter(lambda i: i != OWN)


def contact(node_id: int, host: str = "192.0.2.1") -> Contact:
    return Contact(node_id.to_bytes(32, "big"), bytes(8), (host, 1424), node_id)


def table_of(*ids: int, capacity: int = CONTACTS_MAX) -> Table:
    table = Table(OWN, capacity)
    for now, node_id in enumerate(ids):
        assert table.add(contact(node_id), now)
    return table


@given(ids=st.sets(IDS, max_size=60), place=st.integers(0, 2**64 - 1), n=st.integers(0, 70))
def test_nearest_is_by_xor_distance(ids: set[int], place: int, n: int) -> None:
    table = table_of(*sorted(ids))
    expected = sorted(ids, key=lambda node_id: node_id ^ place)[:n]
    assert [c.id for c in table.nearest(place, n)] == expected


def test_order_and_lookup() -> None:
    table = table_of(9, 3, 2**64 - 1, 7)
    assert [c.id for c in table] == [3, 7, 9, 2**64 - 1]
    assert len(table) == 4
    assert table.get(7) == contact(7)
    assert table.get(8) is None
    assert table.rtt(8) is None
    assert table.heard(8) is None


def test_own_id_is_refused() -> None:
    table = Table(OWN)
    assert not table.add(contact(OWN), 0)
    assert len(table) == 0


def test_removed_after_failures_in_a_row() -> None:
    table = table_of(3, 4)
    for _ in range(CONTACT_FAILURES_MAX - 1):
        assert not table.failed(3, 1)
    table.seen(3, 2)
    for _ in range(CONTACT_FAILURES_MAX - 1):
        assert not table.failed(3, 3)
    assert table.failed(3, 4)
    assert table.get(3) is None
    assert [c.id for c in table] == [4]
    assert not table.failed(3, 5)


def test_unknown_ids_are_ignored() -> None:
    table = table_of(3)
    table.seen(99, 1, 5)
    assert not table.failed(99, 1)
    assert [c.id for c in table] == [3]


def test_round_trip_is_smoothed() -> None:
    table = table_of(3)
    assert table.rtt(3) is None
    table.seen(3, 1, 8 * MS)
    assert table.rtt(3) == 8 * MS
    table.seen(3, 2, 16 * MS)
    assert table.rtt(3) == 9 * MS
    table.seen(3, 7)
    assert table.rtt(3) == 9 * MS
    assert table.heard(3) == 7


def test_full_table_keeps_the_old_and_live() -> None:
    table = table_of(*range(10), capacity=10)
    assert not table.add(contact(77), 100)
    assert [c.id for c in table] == list(range(10))


def test_full_table_gives_up_the_one_that_fails_most_and_longest() -> None:
    table = table_of(*range(10), capacity=10)
    table.seen(2, 50)
    for failing in (2, 5, 6):
        table.failed(failing, 60)
    table.failed(6, 61)
    assert table.add(contact(77), 100)
    assert table.get(6) is None
    # 2 and 5 failed once each; 5 has been silent for longer.
    assert table.add(contact(78), 101)
    assert table.get(5) is None
    assert table.add(contact(79), 102)
    assert table.get(2) is None
    assert not table.add(contact(80), 103)
    assert len(table) == 10


def test_default_capacity_is_the_limit() -> None:
    table = table_of(*range(CONTACTS_MAX))
    assert not table.add(contact(2**40), 0)
    assert len(table) == CONTACTS_MAX


def test_same_id_moves_only_if_the_old_address_fails() -> None:
    table = table_of(3)
    table.seen(3, 1, 8 * MS)
    moved = contact(3, "198.51.100.1")
    assert not table.add(moved, 2)
    assert table.get(3) == contact(3)
    table.failed(3, 3)
    assert table.add(moved, 4)
    assert table.get(3) == moved
    assert table.rtt(3) is None
    assert len(table) == len(list(table)) == 1
    # It starts anew: the failures were those of the old address.
    assert not table.failed(3, 5)
    assert not table.failed(3, 6)


def test_adding_again_changes_nothing() -> None:
    table = table_of(3)
    table.failed(3, 1)
    table.failed(3, 1)
    assert table.add(contact(3), 2)
    assert table.failed(3, 3)


def test_iteration_allows_changes() -> None:
    table = table_of(*range(20))
    for known in table:
        for _ in range(CONTACT_FAILURES_MAX):
            table.failed(known.id, 1)
    assert len(table) == 0


def test_against_a_plain_model() -> None:
    rng = random.Random(1)
    table = Table(OWN, 30)
    model: dict[int, int] = {}
    for now in range(5000):
        node_id = rng.randrange(60)
        match rng.randrange(3):
            case 0:
                full = len(model) >= 30 and node_id not in model
                if not full and table.add(contact(node_id), now):
                    model.setdefault(node_id, 0)
            case 1:
                table.seen(node_id, now)
                if node_id in model:
                    model[node_id] = 0
            case _:
                table.failed(node_id, now)
                if node_id in model:
                    model[node_id] += 1
                    if model[node_id] == CONTACT_FAILURES_MAX:
                        del model[node_id]
        assert [c.id for c in table] == sorted(model)


def test_the_smallest_of_the_last_round_trips_is_kept():
    table = Table(OWN)
    assert table.rtt_least(1) is None
    table.add(contact(1), 0)
    assert table.rtt_least(1) is None
    for rtt in (5, 3, *range(10, 10 + ROUND_TRIPS_KEPT - 1)):
        table.seen(1, 0, rtt)
    assert table.rtt_least(1) == 3
    table.seen(1, 0, 20)
    assert table.rtt_least(1) == 10


def test_who_leaves_is_out_at_once_and_may_come_again():
    table = table_of(1, 2, 3)
    table.remove(2)
    table.remove(2)
    assert table.get(2) is None
    assert [c.id for c in table] == [1, 3]
    assert table.add(contact(2), 9)
