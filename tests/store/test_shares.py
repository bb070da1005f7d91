"""What becomes of shares that are offered, released, lost, or too old."""

import pytest

from dave.limits import CLOCK_AHEAD_MS_MAX
from dave.share_limits import RELEASES_MAX, STRIPE_RECORDS_MAX, STRIPES_SLICE
from dave.store.shares import Gone
from dave.wire.share_status import ShareStatus
from tests.store.helpers import NOW
from tests.store.share_helpers import (
    SMALL,
    address,
    closed_index,
    key_of,
    offer,
    open_index,
    release,
    stripe,
)

KIB = 1 << 10
S = ShareStatus
NOTHING = Gone([], [])


def test_a_share_is_held_with_its_record_until_its_time_is_over():
    index = closed_index()
    record = stripe((1, 2), size=100 * KIB, ttl=10)
    assert index.holds(address(2)) is None
    verdict = index.judge(record, 1, NOW)
    assert (verdict.status, verdict.is_new, verdict.mask) == (ShareStatus.WANTED, False, 2)
    assert verdict.digest == record.digest(index._network)
    assert index.insert(record, 1, NOW) == (ShareStatus.STORED, NOTHING)
    assert (len(index), index.bytes_used) == (1, 108 * KIB)
    assert (index.holds(address(1)), index.holds(address(2))) == (None, 100 * KIB)
    assert index.stripe(record.stripe_id) == (record, 2)
    assert index.stripes_in(record.stripe_id[-1]) == [record.stripe_id]
    assert index.has_record(key_of(record))
    assert index.expire(NOW + 9_999) == NOTHING
    assert index.expire(NOW + 10_000) == Gone([address(2)], [key_of(record)])
    assert (len(index), index.bytes_used, index.stripe(record.stripe_id)) == (0, 0, None)
    assert not index.has_record(key_of(record))


def test_offers_that_are_refused():
    index = closed_index()
    assert index.judge(stripe(ttl=10), 0, NOW + 10_000).status is ShareStatus.EXPIRED
    late = index.judge(stripe(), 0, NOW - CLOCK_AHEAD_MS_MAX - 1_000)
    assert (late.status, late.detail) == (ShareStatus.FUTURE, CLOCK_AHEAD_MS_MAX // 1000 + 1)
    assert index.judge(stripe(), 0, NOW - CLOCK_AHEAD_MS_MAX).status is ShareStatus.WANTED
    for number in (-1, 3):
        assert index.judge(stripe((1, 2, 3)), number, NOW).status is ShareStatus.BAD
    offer(index, stripe((1, 2), size=50))
    assert index.judge(stripe((1, 2), size=51), 0, NOW).status is ShareStatus.BAD
    assert index.judge(stripe((1, 3), size=50), 0, NOW).status is ShareStatus.HELD


def test_nobody_gives_the_shares_of_a_stripe_other_sizes():
    index = closed_index()
    honest = stripe((1, 2, 3), k=2, size=70 * KIB, last=5)
    # The last share of the data is all that fits both, so that it is HELD here by both records.
    hostile = stripe((1, 2, 3), k=2, size=9, last=5, by=2, ttl=7 * 86_400)
    offer(index, honest, 1)
    assert offer(index, hostile, 1)[0] == "HELD"
    # By the record that lives longest others are audited, and stripes rebuilt.
    assert index.stripe(honest.stripe_id) == (honest, 2)
    offer(index, honest, 0)
    index.release(release())
    assert (index.holds(address(1)), index.holds(address(2))) == (None, 5)
    index.release(release(by=2))
    assert (len(index), index.bytes_used) == (0, 0)


def test_the_last_share_of_data_has_its_own_size():
    index = closed_index()
    record = stripe((1, 2, 3), k=2, size=70 * KIB, last=5)
    for number, size in ((0, 70 * KIB), (1, 5), (2, 70 * KIB)):
        offer(index, record, number)
        assert index.holds(address(number + 1)) == size
    assert index.bytes_used == (70 + 32 + 70 + 8) * KIB
    assert index.stripe(record.stripe_id) == (record, 7)


def test_work_is_asked_where_the_network_asks_it():
    paid, index = stripe(size=200 * KIB, ttl=86_400), open_index()
    assert paid.work > 10_000
    verdict = index.judge(paid, 0, NOW)
    assert (verdict.status, verdict.detail) == (ShareStatus.LOW_WORK, paid.work)
    assert closed_index().judge(paid, 0, NOW).status is ShareStatus.WANTED
    free = stripe(ttl=10)
    assert free.work == 1
    assert index.judge(free, 0, NOW).surplus >= 0


def test_a_record_for_a_share_that_is_here_needs_no_bytes():
    index = closed_index()
    first, second = stripe(upload=1), stripe(upload=2)
    assert offer(index, first)[0] == "WANTED"
    assert index.judge(first, 0, NOW) == (ShareStatus.HELD, 0, b"", 0.0, False, 0)
    verdict = index.judge(second, 0, NOW)
    assert (verdict.status, verdict.is_new, verdict.mask) == (ShareStatus.HELD, True, 1)
    assert offer(index, second) == ("HELD", NOTHING)
    assert [record.reference for record in index.records(first.stripe_id)] == [
        first.reference, second.reference,
    ]  # fmt: skip
    assert (len(index), index.bytes_used) == (1, SMALL + 8 * KIB)
    # Another stripe with that share, and the same stripe with the same share twice.
    assert offer(index, stripe((9, 1)), 1) == ("HELD", NOTHING)
    twice = stripe((5, 5))
    assert offer(index, twice, 0)[0] == "WANTED"
    assert offer(index, twice, 1)[0] == "HELD"
    assert index.stripe(twice.stripe_id) == (twice, 3)
    assert (len(index), index.bytes_used) == (2, 2 * SMALL + 2 * 8 * KIB)


def test_a_share_goes_with_the_last_record_that_names_it():
    index = closed_index()
    for record in (stripe(upload=1), stripe(upload=2), stripe((1, 8), upload=3)):
        offer(index, record)
    assert index.release(release(upload=1)) == (1, Gone([], [key_of(stripe(upload=1))]))
    assert index.release(release(upload=2))[1].addresses == []
    assert index.holds(address(1)) == 1000
    assert index.stripe(stripe().stripe_id) is None
    count, gone = index.release(release(upload=3))
    assert (count, list(gone.addresses)) == (1, [address(1)])
    assert (len(index), index.bytes_used) == (0, 0)


def test_what_has_expired_is_loaded_and_goes_when_it_is_looked_at():
    index = closed_index()
    assert index.load(stripe((7,), ttl=1, at=NOW - 86_400_000), 1)
    assert len(index) == 1
    assert index.expire(NOW).addresses == [address(7)]


def test_a_release_is_final_and_the_owners_own():
    index = closed_index()
    offer(index, stripe())
    assert index.release(release(by=2)) == (0, NOTHING)
    assert index.release(release())[0] == 1
    assert index.judge(stripe(), 0, NOW).status is ShareStatus.RELEASED
    assert index.judge(stripe(upload=2), 0, NOW).status is ShareStatus.WANTED
    assert index.release(release())[0] == 0
    assert not index.load(stripe(), 1)


def test_released_uploads_that_are_remembered_have_a_bound():
    index = closed_index()
    for n in range(RELEASES_MAX + 1):
        index.load_release(b"owner", n.to_bytes(16, "big"))
        index.load_release(b"owner", bytes(16))  # the first one, told of again and again
    assert b"owner" + bytes(16) in index._released


def test_a_large_upload_that_is_released_again_and_again_is_swept_once():
    index, count = closed_index(1 << 40), 4 * STRIPES_SLICE
    for n in range(count):
        offer(index, stripe((n,)))
    index.release(release())
    index.release(release())
    assert len(index._sweep) == 1
    assert index.release(release())[0] == count - 2 * STRIPES_SLICE
    index.expire(NOW)
    assert len(index) == 0


def test_a_large_upload_is_released_in_slices():
    index, count = closed_index(1 << 40), 2 * STRIPES_SLICE + 5
    for n in range(count):
        offer(index, stripe((n,)))
    told, gone = index.release(release())
    assert (told, len(gone.addresses)) == (count, STRIPES_SLICE)
    seen = set(gone.addresses)
    for left in (STRIPES_SLICE, 5, 0):
        gone = index.expire(NOW)
        assert len(gone.addresses) == len(gone.records) == left
        seen.update(gone.addresses)
    assert len(seen) == count
    assert (len(index), index.bytes_used) == (0, 0)


def test_what_has_expired_goes_in_slices():
    index, count = closed_index(1 << 40), 2 * STRIPES_SLICE + 5
    for n in range(count):
        offer(index, stripe((n,), ttl=10 + n % 2))
    late, going = NOW + 11_000, []
    for left in (STRIPES_SLICE, STRIPES_SLICE, 5, 0):
        gone = index.expire(late)
        assert len(gone.addresses) == len(gone.records) == left
        going += gone.addresses
    assert len(set(going)) == count
    assert (len(index), index.bytes_used) == (0, 0)


def test_a_newer_record_takes_the_place_of_an_older_one():
    index = closed_index()
    old, new = stripe(ttl=100), stripe(at=NOW + 1, ttl=10)
    offer(index, old)
    assert offer(index, new)[0] == "HELD"
    assert index.stripe(old.stripe_id) == (new, 1)
    assert index.judge(old, 0, NOW).status is ShareStatus.HELD
    assert not index.judge(old, 0, NOW).is_new
    # A share by the older record keeps the newer one.
    assert offer(index, old, 1)[0] == "WANTED"
    assert index.stripe(old.stripe_id) == (new, 3)
    assert index.expire(NOW + 11_000).addresses == [address(1), address(2)]


def test_the_same_record_with_a_better_stamp_takes_its_place():
    index = open_index()
    made = [stripe(ttl=10, nonce=n) for n in range(30)]
    made.sort(key=lambda record: index.judge(record, 0, NOW).surplus)
    worse, better = made[10], made[-1]
    offer(index, worse)
    assert not index.judge(made[0], 0, NOW).is_new
    assert offer(index, better) == ("HELD", NOTHING)
    assert index.records(worse.stripe_id) == [better]


def test_records_of_one_stripe_have_a_bound():
    index = closed_index(1 << 30)
    for n in range(STRIPE_RECORDS_MAX):
        offer(index, stripe(upload=n))
    assert index.judge(stripe(upload=999), 0, NOW).status is ShareStatus.FULL
    assert index.judge(stripe(upload=3), 1, NOW).status is ShareStatus.WANTED


def paid(index, ttl, **fields):
    """A record with a stamp that is good."""
    made = (stripe(ttl=ttl, nonce=nonce, **fields) for nonce in range(100_000))
    return next(each for each in made if index.judge(each, 0, NOW).status is not S.LOW_WORK)


def test_strangers_records_do_not_put_the_owners_out():
    index = open_index(1 << 30)
    own = paid(index, 60, upload=1000)
    offer(index, own)
    for n in range(STRIPE_RECORDS_MAX - 1):
        offer(index, paid(index, 120, by=2, upload=n))
    late = paid(index, 3600, by=2, upload=999)
    assert index.judge(late, 0, NOW).status is S.FULL
    assert index.insert(late, 0, NOW, is_written=False).status is S.FULL
    for n in range(STRIPE_RECORDS_MAX - 1):
        index.release(release(by=2, upload=n))
    assert index.records(own.stripe_id) == [own]
    assert index.holds(own.address(0))
    newer = paid(index, 60, upload=1000, at=NOW + 1)
    assert offer(index, newer)[0] == "HELD"
    assert index.records(own.stripe_id) == [newer]


def test_what_is_lost_is_told_of_and_gone():
    index, told = closed_index(), []
    index.on_lost = told.append
    one, two, other = stripe((1, 2)), stripe((1, 3)), stripe((4, 4))
    offer(index, one, 0)
    offer(index, one, 1)
    offer(index, two, 0)
    offer(index, other, 0)
    offer(index, other, 1)
    assert index.lost(address(9)) == Gone()
    assert index.lost(address(1)) == Gone([address(1)], [key_of(two)])
    assert told == [one, two]
    assert index.stripe(one.stripe_id) == (one, 2)
    assert index.stripe(two.stripe_id) is None
    assert index.lost(address(4)) == Gone([address(4)], [key_of(other)])
    assert (len(index), index.bytes_used) == (1, SMALL)
    assert index.judge(one, 0, NOW).status is ShareStatus.WANTED


def test_where_no_work_is_asked_nothing_makes_room():
    index = closed_index(2 * SMALL + 100)
    offer(index, stripe((1,)))
    offer(index, stripe((2,)))
    refused = index.judge(stripe((3,), at=NOW + 60_000), 0, NOW)
    assert (refused.status, refused.detail) == (ShareStatus.FULL, 80)
    assert index.judge(stripe((3, 1), upload=2), 1, NOW).status is ShareStatus.FULL
    assert index.judge(stripe((2,)), 0, NOW).status is ShareStatus.HELD
    index.expire(NOW + 86_400_000)
    assert index.judge(stripe((3,), at=NOW + 86_400_000), 0, NOW + 86_400_000).status.name == (
        "WANTED"
    )


def test_a_capacity_of_nothing_takes_nothing():
    for index in (closed_index(0), open_index(0)):
        assert index.judge(stripe(ttl=10), 0, NOW).status is ShareStatus.FULL


def test_a_full_node_evicts_what_ranks_lower_or_says_what_is_short():
    index = open_index(3 * SMALL, half_life_ms=1000)
    records = [stripe((n,), upload=n, at=NOW + 10_000 * n, ttl=100) for n in range(1, 6)]
    now = NOW + 50_000
    for record in records[1:4]:
        assert offer(index, record, now=now)[0] == "WANTED"
    verdict = index.judge(records[0], 0, now)
    assert verdict.status is ShareStatus.LOW_RANK
    # A second of youth is a bit here, and no stamp's luck is worth ten of them.
    assert 1 <= verdict.detail <= 20
    assert offer(index, records[4], now=now) == (
        "WANTED", Gone([address(2)], [key_of(records[1])]),
    )  # fmt: skip
    assert (len(index), index.bytes_used) == (3, 3 * SMALL)


def test_an_upload_does_not_displace_itself(monkeypatch):
    index, now = open_index(3 * SMALL, half_life_ms=1000), NOW + 60_000
    mine = [stripe((n,), at=NOW + 10_000 * n, ttl=100) for n in range(1, 5)]
    for record in mine[:3]:
        assert offer(index, record, now=now)[0] == "WANTED"
    assert index.judge(mine[3], 0, now).status is ShareStatus.FULL
    index.lost(address(3))
    other = stripe((5,), by=2, at=NOW + 35_000, ttl=100)
    offer(index, other, now=now)
    # What ranks lower and is another's makes room, though siblings rank lower still.
    monkeypatch.setattr("dave.store.shares.SIBLINGS_PASSED_MAX", 1)
    assert index.judge(mine[3], 0, now).status is ShareStatus.FULL
    monkeypatch.setattr("dave.store.shares.SIBLINGS_PASSED_MAX", 2)
    assert offer(index, mine[3], now=now) == ("WANTED", Gone([address(5)], [key_of(other)]))
    assert len(index) == 3


def test_bits_that_no_stamp_can_bring_are_not_asked_for():
    index = open_index(SMALL, half_life_ms=1000)
    offer(index, stripe((1,), at=NOW + 60_000, ttl=100), now=NOW + 60_000)
    assert index.judge(stripe((2,), ttl=100), 0, NOW).status is ShareStatus.FULL


def test_a_share_that_victim_and_newcomer_have_in_common_stays():
    index = open_index(2 * SMALL, half_life_ms=1000)
    now = NOW + 60_000
    offer(index, stripe((1,), ttl=100), now=now)
    offer(index, stripe((2,), at=now, ttl=100), now=now)
    # The share is here: the record alone needs room, and 8 KiB of the victim's make it.
    newcomer = stripe((1, 9), upload=2, at=now, ttl=100)
    assert offer(index, newcomer, now=now) == ("HELD", Gone([], [key_of(stripe((1,), ttl=100))]))
    assert index.holds(address(1)) is not None
    assert index.stripe(stripe((1,), ttl=100).stripe_id) is None
    assert (len(index), index.bytes_used) == (2, 2 * SMALL)


@pytest.mark.parametrize("is_written", [True, False])
def test_an_insertion_decides_anew(is_written):
    def insert(index, record, now=NOW):
        return index.insert(record, 0, now, is_written=is_written)

    here, gone = stripe((1,), ttl=10), Gone([address(1)], [key_of(stripe((1,), ttl=10))])
    index = open_index()
    assert insert(index, here, NOW + 10_000) == (ShareStatus.EXPIRED, gone)
    index.release(release())
    assert insert(index, here) == (ShareStatus.RELEASED, gone)
    index = closed_index(2 * SMALL)
    offer(index, stripe((2,)))
    offer(index, stripe((3,)))
    verdict = insert(index, here)
    assert verdict == (ShareStatus.FULL if is_written else ShareStatus.BUSY, gone)
    # What others hold is not in what goes, nor a record that was there before.
    assert index.insert(stripe((2, 2), upload=4), 0, NOW).gone == Gone(
        [], [key_of(stripe((2, 2), upload=4))]
    )
    assert index.insert(stripe((3,)), 0, NOW + 86_400_000).gone == NOTHING


def test_what_is_loaded_stays_beyond_a_capacity_that_was_lowered():
    index = open_index(SMALL, half_life_ms=1000)
    late = NOW + 86_399_000
    assert all(index.load(stripe((n,)), 1) for n in range(1, 6))
    assert (len(index), index.bytes_used) == (5, 5 * SMALL)
    assert not index.load(stripe((7,)), 0)
    assert not index.load(stripe((1, 8), size=3), 1), "a share of another size"
    # A newcomer of higher rank takes the room of one, not of all.
    status, gone = offer(index, stripe((9,), upload=2, at=late, ttl=100), now=late)
    assert (status, len(gone.addresses), len(index)) == ("WANTED", 1, 5)
