"""One bucket: round trips of its members, and which spare is probed first."""

from hypothesis import given
from hypothesis import strategies as st

from dave.limits import BUCKET_SPARES, ROUND_TRIPS_KEPT
from dave.names import MS
from dave.peers.bucket import Bucket, Known, Spare
from dave.peers.contact import Contact


def contact(node_id: int) -> Contact:
    return Contact(node_id.to_bytes(32, "big"), bytes(8), ("192.0.2.1", 1424), node_id)


def spare(node_id: int, rtt: int | None = None, *, has_answered: bool = True) -> Spare:
    return Spare(contact(node_id), has_answered, rtt)


def bucket_of(*spares: Spare) -> Bucket:
    bucket = Bucket()
    assert all(bucket.keep_spare(each) for each in spares)
    return bucket


def taken(bucket: Bucket, score: dict[int, float] | None = None) -> list[int]:
    """All spares, in the order in which they are given away."""
    ids = []
    while (given := bucket.take_spare(lambda node_id: (score or {}).get(node_id, 0.0))) is not None:
        ids.append(given.id)
    return ids


@given(rtts=st.lists(st.integers(1, 10**10), max_size=3 * ROUND_TRIPS_KEPT))
def test_the_least_of_the_last_round_trips(rtts: list[int]) -> None:
    known = Known(contact(1), 0)
    for rtt in rtts:
        known.measured(rtt)
    assert known.rtt_least == min(rtts[-ROUND_TRIPS_KEPT:], default=None)


def test_round_trips_are_smoothed() -> None:
    known = Known(contact(1), 0)
    for rtt in (8 * MS, 16 * MS):
        known.measured(rtt)
    assert known.rtt == 9 * MS


def test_who_answered_goes_first_then_trust_then_round_trip_then_the_newest() -> None:
    bucket = bucket_of(
        spare(1, has_answered=False), spare(2), spare(3), spare(4, 90), spare(5, 80), spare(6, 70)
    )
    assert taken(bucket, {6: 0.1, 4: 0.12, 5: 0.5}) == [5, 6, 4, 3, 2, 1]
    assert taken(bucket) == []


def test_of_too_many_the_oldest_hearsay_goes_and_then_the_oldest() -> None:
    bucket = bucket_of(*[spare(i, has_answered=i % 2 == 0) for i in range(BUCKET_SPARES)])
    assert bucket.keep_spare(spare(100))
    assert 1 not in bucket.spares
    for i in range(101, 105):
        assert bucket.keep_spare(spare(i))
    assert [i for i in bucket.spares if i < 100] == [0, 2, 4, 6, 8]
    assert not bucket.keep_spare(spare(200, has_answered=False)), "all others have answered"
    assert bucket.keep_spare(spare(105))
    assert 0 not in bucket.spares
    assert len(bucket.spares) == BUCKET_SPARES


def test_hearsay_takes_no_answer_back() -> None:
    bucket = bucket_of(spare(1, 5), spare(1, has_answered=False))
    assert list(bucket.spares.values()) == [spare(1, 5)]
