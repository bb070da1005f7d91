"""A shard counts its bytes exactly and yields its entries in rank order, whatever came and went."""

from hypothesis import given
from hypothesis import strategies as st

from dave.store.rank import UNRANKED
from dave.store.shard import NEVER, Shard, expires_ms_of, owner_of, size_of, version_of
from tests.store.helpers import NOW, entry, owner


def held(i, rank=0.0, **fields):
    item = entry(b"k%d" % i, **fields)
    return (rank, i, item.id, item.data), item.expires_ms


def test_fields_read_from_an_encoding_are_those_of_the_entry():
    item = entry(b"k", by=3, value=b"v" * 9, count=5, ttl=77)
    assert owner_of(item.data) == item.owner == owner(3)
    assert version_of(item.data) == (item.time, item.flags)
    assert expires_ms_of(item.data) == item.expires_ms == NOW + 77_000
    assert size_of(item.data) == len(item.data) + 600


def test_expire_removes_what_is_over_and_learns_when_the_next_is():
    shard = Shard()
    for i in range(5):
        shard.add(*held(i, ttl=10 + i))
    assert shard.soonest_ms == NOW + 10_000
    assert shard.expire(NOW + 9_999) == []
    assert [h[1] for h in shard.expire(NOW + 11_000)] == [0, 1]
    assert shard.soonest_ms == NOW + 12_000
    assert len(shard.expire(NOW + 10**6)) == 3
    assert (shard.bytes_used, shard.soonest_ms, len(shard.entries)) == (0, NEVER, 0)


def test_an_early_expiry_that_left_costs_one_scan_and_no_entry():
    shard = Shard()
    shard.add(*held(1, ttl=10))
    shard.add(*held(2, ttl=20))
    shard.remove(held(1, ttl=10)[0][2])
    assert shard.expire(NOW + 15_000) == []
    assert shard.soonest_ms == NOW + 20_000


@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "remove", "build", "heavy"]), st.integers(0, 60)),
        max_size=120,
    )
)
def test_against_a_model(ops):
    shard, model, ranks = Shard(), {}, {}
    for name, n in ops:
        item, expires = held(n, by=n % 3, value=b"x" * n)
        ranks[item[2]] = float(n * 37 % 11)
        if name == "add" and item[2] not in model:
            # Before the order exists a rank may be unknown; afterwards never.
            known = shard.is_ranked or n % 2
            item = (ranks[item[2]] if known else UNRANKED, *item[1:])
            shard.add(item, expires)
            model[item[2]] = item
        elif name == "remove" and item[2] in model:
            shard.remove(item[2])
            del model[item[2]]
        elif name == "build":
            shard.build_order(lambda entry_id, data: ranks[entry_id])
        elif name == "heavy" and shard.is_ranked:
            who = [owner(n % 3), owner(2)] if n % 3 != 2 else [owner(2)]
            expected = sorted(i for i in expected_order(model, ranks) if owner_of(i[3]) in who)
            assert list(shard.lowest_of(who)) == expected
        assert shard.bytes_used == sum(size_of(i[3]) for i in model.values())
        if shard.is_ranked:
            assert list(shard.lowest()) == sorted(expected_order(model, ranks))


def expected_order(model, ranks):
    return [(ranks[i[2]], *i[1:]) for i in model.values()]


def test_lists_of_heavy_owners_stay_bounded():
    shard = Shard()
    for i in range(200):
        shard.add(*held(i, rank=float(i), by=i))
    shard.build_order(lambda entry_id, data: 0.0)
    for i in range(200):
        assert [h[1] for h in shard.lowest_of([owner(i)])] == [i]
        assert len(shard._heavy) <= 64
