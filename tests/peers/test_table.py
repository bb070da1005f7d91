"""The routing table: order, buckets and siblings, limits per subnet, who comes and goes."""

import random

from hypothesis import given
from hypothesis import strategies as st

from dave.limits import (
    BUCKET_CONTACTS,
    CHANGES_KEPT,
    CONTACT_FAILURES_MAX,
    LOST_MAX,
    LOST_SECONDS,
    SIBLINGS,
    SUBNET_IN_BUCKET_MAX,
    SUBNET_IN_TABLE_MAX,
)
from dave.names import MS, SECOND
from dave.peers.contact import Contact
from dave.peers.table import Remembered, Table

OWN = 2**63 + 5
IDS = st.integers(0, 2**64 - 1).filter(lambda i: i != OWN)
FAR = 2**62
"""An id that shares no bit of prefix with OWN: so do all below 2^63."""


def contact(node_id: int, host: str = "10.0.0.1") -> Contact:
    return Contact(node_id.to_bytes(32, "big"), bytes(8), (host, 1424), node_id)


def table_of(*ids: int) -> Table:
    table = Table(OWN, at_home=True)
    for now, node_id in enumerate(ids):
        table.add(contact(node_id), now)
    return table


def lose(table: Table, node_id: int, now: int = 0) -> None:
    for _ in range(CONTACT_FAILURES_MAX):
        table.failed(node_id, now)


def ids_of(table: Table) -> list[int]:
    return [known.id for known in table]


def no_trust(node_id: int) -> float:
    return 0.0


# --- Order -----------------------------------------------------------------------------------


@given(
    ids=st.sets(IDS | st.integers(0, 255), max_size=300),
    place=IDS | st.integers(0, 255),
    n=st.integers(0, 70),
)
def test_nearest_is_by_xor_distance(ids: set[int], place: int, n: int) -> None:
    table = table_of(*sorted(ids))
    expected = sorted(ids_of(table), key=lambda node_id: node_id ^ place)[:n]
    assert [known.id for known in table.nearest(place, n)] == expected


def test_order_and_lookup() -> None:
    table = table_of(9, 3, 2**64 - 1, 7)
    assert ids_of(table) == [3, 7, 9, 2**64 - 1]
    assert len(table) == 4
    assert table.get(7) == contact(7)
    assert (table.since(7), table.heard(7), table.failures(7)) == (3, 3, 0)
    assert table.get(8) is table.rtt(8) is table.heard(8) is table.since(8) is None
    assert table.rtt_least(8) is None
    assert table.failures(8) == 0


def test_iteration_allows_changes() -> None:
    table = table_of(*range(20))
    for known in table:
        lose(table, known.id)
    assert len(table) == 0


# --- What is known of a contact --------------------------------------------------------------


def test_round_trips() -> None:
    table = table_of(3)
    assert table.rtt(3) is None
    for now, rtt in enumerate((8 * MS, 16 * MS)):
        table.seen(3, now, rtt)
    assert (table.rtt(3), table.rtt_least(3)) == (9 * MS, 8 * MS)
    table.seen(3, 7)
    assert (table.rtt(3), table.heard(3)) == (9 * MS, 7)


def test_unheard_longest() -> None:
    table = table_of(1, 2, 3)
    assert table.unheard_longest() == contact(1)
    table.seen(1, 9)
    assert table.unheard_longest() == contact(2)
    assert table.unheard_longest([contact(1), contact(3)]) == contact(3)
    assert table.unheard_longest([]) is None
    assert Table(OWN).unheard_longest() is None


def test_removed_after_failures_in_a_row() -> None:
    table = table_of(3, 4)
    for _ in range(CONTACT_FAILURES_MAX - 1):
        assert not table.failed(3, 1)
    assert table.failures(3) == CONTACT_FAILURES_MAX - 1
    assert table.alive == 1
    table.seen(3, 2)
    assert table.alive == 2
    for _ in range(CONTACT_FAILURES_MAX - 1):
        assert not table.failed(3, 3)
    assert table.failed(3, 4)
    assert ids_of(table) == [4]
    assert not table.failed(3, 5)


def test_requests_that_were_under_way_together_fail_as_one() -> None:
    table = table_of(3)
    for now in range(10, 30):
        assert not table.failed(3, now, asked=9)
    assert table.failures(3) == 1
    assert not table.failed(3, 31, asked=10), "under way when the first failure was noted"
    assert not table.failed(3, 40, asked=11)
    assert table.failures(3) == 2
    assert not table.failed(3, 41, asked=40)
    assert table.failed(3, 50, asked=41)


def test_unknown_ids_are_ignored() -> None:
    table = table_of(3)
    table.seen(99, 1, 5)
    table.remove(99)
    table.put_off(99)
    assert not table.failed(99, 1)
    assert ids_of(table) == [3]


# --- Who enters ------------------------------------------------------------------------------


def test_own_id_is_refused() -> None:
    assert not table_of().add(contact(OWN), 0)
    assert not table_of().wants(contact(OWN))


@given(ids=st.sets(IDS, min_size=SIBLINGS, max_size=400), seed=st.integers())
def test_the_neighbourhood_is_known_exactly_whatever_the_order(ids: set[int], seed: int) -> None:
    order = sorted(ids)
    random.Random(seed).shuffle(order)
    nearest = sorted(ids, key=lambda node_id: node_id ^ OWN)[:SIBLINGS]
    assert set(nearest) <= set(ids_of(table_of(*order)))


@given(ids=st.sets(IDS, max_size=400), gone=st.lists(IDS, max_size=40))
def test_a_bucket_holds_its_own_and_siblings_no_more(ids: set[int], gone: list[int]) -> None:
    table = table_of(*sorted(ids))
    for node_id in gone + sorted(ids)[::7]:
        lose(table, node_id)
    siblings = {known.id for known in table.nearest(OWN, SIBLINGS)}
    for bits in range(65):
        members = [i for i in ids_of(table) if (i ^ OWN).bit_length() == bits]
        assert len([i for i in members if i not in siblings]) <= BUCKET_CONTACTS
        if not siblings.issuperset(members):
            assert len(members) >= len(siblings.intersection(members))


def test_old_and_live_contacts_are_never_displaced() -> None:
    far = [FAR + i for i in range(SIBLINGS)]
    table = table_of(*far)
    near = [OWN ^ 1 << bit for bit in range(40)]
    for node_id in near:
        table.add(contact(node_id), 100)
    # What was beyond its bucket's room gave way to nearer ones, and the oldest stayed.
    assert ids_of(table) == sorted(far[:BUCKET_CONTACTS] + near)
    assert not table.add(contact(FAR - 1), 200)
    assert FAR - 1 not in ids_of(table)


def test_who_was_beyond_the_bucket_takes_the_room_of_who_went() -> None:
    table = table_of(*[FAR + i for i in range(BUCKET_CONTACTS + 2)])
    lose(table, FAR)
    for bit in range(SIBLINGS):
        table.add(contact(OWN ^ 1 << bit), 9)
    assert FAR + BUCKET_CONTACTS in ids_of(table)
    assert FAR + BUCKET_CONTACTS + 1 not in ids_of(table)


def test_a_capacity_is_kept() -> None:
    table = Table(OWN, 10, at_home=True)
    assert [table.add(contact(i), 0) for i in range(12)] == [True] * 10 + [False] * 2


def test_same_id_moves_only_if_the_old_address_fails() -> None:
    table = table_of(3)
    table.seen(3, 1, 8 * MS)
    moved = contact(3, "10.0.9.9")
    assert not table.add(moved, 2)
    assert table.get(3) == contact(3)
    table.failed(3, 3)
    assert table.add(moved, 4)
    assert table.get(3) == moved
    assert (table.rtt(3), table.failures(3), len(table)) == (None, 0, 1)


def test_adding_again_changes_nothing() -> None:
    table = table_of(3)
    table.failed(3, 1)
    assert table.add(contact(3), 2)
    assert table.failures(3) == 1
    assert len(table.take_changes()) == 1


# --- Subnets ---------------------------------------------------------------------------------


def test_few_of_one_public_subnet_in_a_bucket_and_in_the_table() -> None:
    for hosts in ([f"20.0.0.{i}" for i in range(200)], [f"2001:db8:0:{i}::1" for i in range(200)]):
        table = Table(OWN)
        for i, host in enumerate(hosts):
            table.add(contact(OWN ^ (1 << 63 - i // 5) + i, host), 0)
        per_bucket = [(known.id ^ OWN).bit_length() for known in table]
        assert max(per_bucket.count(bits) for bits in per_bucket) == SUBNET_IN_BUCKET_MAX
        assert len(table) == SUBNET_IN_TABLE_MAX
        assert table.add(contact(9, "20.0.1.1"), 0)


def test_private_addresses_are_exempt_at_home_and_mean_nothing_elsewhere() -> None:
    assert len(table_of(*range(100))) == SIBLINGS
    assert not Table(OWN).add(contact(3), 0)
    assert not Table(OWN).wants(contact(3))


def test_a_client_holds_many() -> None:
    table = Table(0, bucket_contacts=256, at_home=True)
    for i in range(300):
        table.add(contact(FAR + i), 0)
    assert len(table) == 256


# --- Spares ----------------------------------------------------------------------------------


def full_table() -> Table:
    """SIBLINGS near ones, and a full bucket far away."""
    near = [OWN ^ 1 << bit for bit in range(SIBLINGS)]
    return table_of(*near, *[FAR + i for i in range(BUCKET_CONTACTS)])


def test_who_answered_while_there_was_no_room_is_probed_when_there_is() -> None:
    table = full_table()
    for i, rtt in ((100, 30), (101, 10), (102, 20)):
        assert not table.add(contact(FAR + i), 50)
        table.seen(FAR + i, 50, rtt)
    assert not table.has_open_spares()
    assert table.take_spare(no_trust) is None
    lose(table, FAR)
    assert table.has_open_spares()
    assert table.take_spare(no_trust) == contact(FAR + 101), "the nearest of like trust"
    assert table.take_spare(lambda i: float(i == FAR + 100)) == contact(FAR + 100)
    assert table.add(contact(FAR + 101), 60)
    assert table.take_spare(no_trust) is None, "there is no more room"


def test_hearsay_is_kept_only_where_there_is_room() -> None:
    table = full_table()
    assert not table.offer(contact(FAR + 100))
    assert not table.offer(contact(FAR)), "it is in the table"
    assert table.offer(contact(OWN ^ 1 << 61))
    assert table.take_spare(no_trust) == contact(OWN ^ 1 << 61)
    assert table.take_spare(no_trust) is None
    lose(table, FAR)
    assert not table.offer(contact(FAR)), "it was lost, and is probed as such"
    assert table.offer(contact(FAR + 100))


def test_open_bits_are_the_buckets_with_room() -> None:
    assert table_of().open_bits() == []
    table = table_of(*[FAR + i for i in range(BUCKET_CONTACTS)], OWN ^ 1 << 60)
    assert table.open_bits() == [63, 62, 61]


# --- Who came and went -----------------------------------------------------------------------


def test_changes_are_told_once() -> None:
    table = table_of(3, 4)
    lose(table, 3)
    table.remove(4)
    assert [known.id for known in table.take_changes()] == [3, 4, 3, 4]
    assert table.take_changes() == []
    for i in range(CHANGES_KEPT):
        table.add(contact(7), i)
        table.remove(7)
    assert len(table.take_changes()) == CHANGES_KEPT


def test_the_lost_are_remembered_for_a_day() -> None:
    table = table_of(3, 4, 5, 6)
    lose(table, 4, now=10)
    lose(table, 3, now=20)
    table.remove(6)
    assert table.lost(20) == [contact(4), contact(3)], "6 has left, which is no loss"
    table.put_off(4)
    assert table.lost(20) == [contact(3), contact(4)]
    table.add(contact(3), 30)
    assert table.lost(30) == [contact(4)]
    assert table.lost(10 + LOST_SECONDS * SECOND) == []


def test_the_lost_are_bounded() -> None:
    table = table_of()
    for i in range(LOST_MAX + 10):
        table.add(contact(i), i)
        lose(table, i, i)
    assert table.lost(0) == [contact(i) for i in range(10, LOST_MAX + 10)]


def test_what_is_known_outlives_the_process() -> None:
    table = table_of(3, 4)
    table.seen(4, 5, 8 * MS)
    kept = table.snapshot(now=11)
    assert kept == [Remembered(contact(3), 11, None), Remembered(contact(4), 10, 8 * MS)]
    later = table_of(4)
    later.restore([*kept, Remembered(contact(5, "20.0.0.1"), 1, None)], 100)
    assert ids_of(later) == [4], "they have to answer first"
    assert [known.id for known in later.lost(100)] == [3, 5]
