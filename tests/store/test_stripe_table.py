"""The counting of shares, against a naive model: in any order of what can happen, bytes are exact,
no share stays without a live record, and none goes that has one."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from dave.names import hybrid_ms
from dave.store.rank import distance, rank
from dave.store.stripe_table import HeldStripe, StripeTable
from dave.wire.share_status import ShareStatus
from tests.store.helpers import DAY, NOW, OPEN
from tests.store.share_helpers import (
    address,
    closed_index,
    key_of,
    open_index,
    release,
    stripe,
)

SHARE, RECORD = 32 << 10, 8 << 10
TIMES = (0, DAY // 4, DAY)


class Model:
    """Records by key, masks by stripe; everything else is found by looking at all of them."""

    def __init__(self, index, asks_work):
        self.index, self.asks_work = index, asks_work
        self.records, self.masks, self.released = {}, {}, set()

    def shares(self, without=()):
        """{address: size} of all that some stripe holds."""
        found = {}
        for (stripe_id, _, _), record in self.records.items():
            if stripe_id not in without:
                mask = self.masks[stripe_id]
                held = [i for i in range(record.n) if mask >> i & 1]
                found |= {record.address(i): record.size(i) for i in held}
        return found

    def cost(self, without=()):
        kept = [key for key in self.records if key[0] not in without]
        shares = self.shares(without).values()
        return sum(max(SHARE, size) for size in shares) + RECORD * len(kept)

    def rank(self, stripe_id):
        return max(self.rank_of(r) for key, r in self.records.items() if key[0] == stripe_id)

    def rank_of(self, record):
        surplus = self.index._surplus(record, record.digest(OPEN)) if self.asks_work else 0
        far = distance(record.stripe_id, 7)
        return rank(record.time, far, DAY, surplus, is_tombstone=False)

    def order(self, record):
        return record.time, record.digest(self.index._network)

    def forget(self, key):
        del self.records[key]
        if not any(each[0] == key[0] for each in self.records):
            del self.masks[key[0]]

    def offer(self, record, number, now):
        """Do it to both, and compare."""
        index, key = self.index, key_of(record)
        before = self.shares()
        verdict = index.judge(record, number, now)
        if record.expires_ms <= now:
            assert verdict.status is ShareStatus.EXPIRED
            return
        if record.owner + record.reference in self.released:
            assert verdict.status is ShareStatus.RELEASED
            return
        if before.get(record.address(number), record.size(number)) != record.size(number):
            assert verdict.status is ShareStatus.BAD
            return
        is_held = key in self.records and self.masks[key[0]] >> number & 1
        if is_held and not verdict.is_new:
            assert verdict.status is ShareStatus.HELD
            return
        cost = 0 if key in self.records else RECORD
        cost += 0 if record.address(number) in before else max(SHARE, record.size(number))
        is_full = cost and self.cost() + cost > index.capacity_bytes
        if verdict.status in (ShareStatus.FULL, ShareStatus.LOW_RANK):
            assert is_full
            return
        assert (verdict.status is ShareStatus.HELD) == (record.address(number) in before)
        insertion = index.insert(record, number, now, is_written=not verdict.is_new)
        assert insertion.status is ShareStatus.STORED
        victims = {each[0] for each in insertion.gone.records}
        assert bool(victims) == bool(is_full)
        if victims:
            self.check_victims(victims, record)
        for each in insertion.gone.records:
            self.forget(each)
        old = self.records.get(key)
        if old is None or self.order(record) >= self.order(old):
            self.records[key] = record
        self.masks[key[0]] = self.masks.get(key[0], 0) | 1 << number
        self.gone(before, insertion.gone)
        assert index.bytes_used <= index.capacity_bytes

    def check_victims(self, victims, record):
        assert self.asks_work
        stripe_id = record.stripe_id
        newcomer = self.rank_of(record)
        if stripe_id in self.masks:
            newcomer = max(newcomer, self.rank(stripe_id))
        assert stripe_id not in victims
        ranks = {each: self.rank(each) for each in self.masks if each != stripe_id}
        top = max(ranks[each] for each in victims)
        assert top < newcomer
        assert all(value >= top for each, value in ranks.items() if each not in victims)

    def gone(self, before, gone):
        """What was to be dropped is just what nothing holds any more."""
        after = self.shares()
        assert sorted(gone.addresses) == sorted(each for each in before if each not in after)

    def end(self, keys, gone, before):
        assert sorted(gone.records) == sorted(keys)
        for key in keys:
            self.forget(key)
        self.gone(before, gone)

    def check(self):
        index, shares = self.index, self.shares()
        assert index.bytes_used == self.cost()
        assert len(index) == len(shares)
        for n in range(8):
            assert index.holds(address(n)) == shares.get(address(n))
        for stripe_id, mask in self.masks.items():
            record, held = index.stripe(stripe_id)
            assert held == mask
            kept = [r for key, r in self.records.items() if key[0] == stripe_id]
            assert sorted(r.data for r in kept) == sorted(r.data for r in index.records(stripe_id))
            assert record.expires_ms == max(r.expires_ms for r in kept)
        ids = [each for n in range(256) for each in index.stripes_in(n)]
        assert sorted(ids) == sorted(self.masks)


STRIPES = ((0, 1), (1, 2), (2, 2), (3, 0), (4, 5), (5,), (6, 7, 0))
offers = st.tuples(
    st.just("offer"), st.sampled_from(STRIPES), st.integers(0, 2), st.integers(0, 2),
    st.sampled_from(TIMES), st.sampled_from((3_600, 86_400, 2 * 86_400)),
)  # fmt: skip
operations = st.one_of(
    offers,
    offers,
    offers,
    st.tuples(st.just("release"), st.integers(0, 2)),
    st.tuples(st.just("lost"), st.integers(0, 7)),
    st.tuples(st.just("wait"), st.integers(1, DAY)),
)


@given(st.lists(operations, max_size=40), st.booleans(), st.integers(2, 9))
def test_whatever_happens_the_count_is_exact(steps, asks_work, room):
    index = (open_index if asks_work else closed_index)(room * (SHARE + RECORD))
    model, now = Model(index, asks_work), NOW + DAY
    for step in steps:
        before = model.shares()
        if step[0] == "offer":
            _, addresses, number, upload, at, ttl = step
            record = stripe(addresses, upload=upload, at=NOW + at, ttl=ttl, size=1)
            model.offer(record, number % record.n, now)
        elif step[0] == "release":
            word = release(upload=step[1])
            keys = [key for key in model.records if key[2] == word.reference]
            model.released.add(word.owner + word.reference)
            count, gone = index.release(word)
            assert count == len(keys)
            model.end(keys, gone, before)
        elif step[0] == "lost":
            lost = address(step[1])
            gone = index.lost(lost)
            for key, record in model.records.items():
                for i in range(record.n):
                    if record.address(i) == lost:
                        model.masks[key[0]] &= ~(1 << i)
            keys = [key for key in model.records if not model.masks[key[0]]]
            model.end(keys, gone, before)
        else:
            now += step[1]
            keys = [key for key, record in model.records.items() if record.expires_ms <= now]
            model.end(keys, index.expire(now), before)
        model.check()
        assert all(hybrid_ms(r.time) + r.ttl * 1000 > now or step[0] != "wait"
                   for r in model.records.values())  # fmt: skip


def test_memory_of_a_share():
    """Beside its record, with one record and one share a stripe."""
    index = closed_index(1 << 40)
    records = [stripe(range(6 * n, 6 * n + 6), k=4, upload=n // 200) for n in range(10_000)]
    tracemalloc.start()
    for record in records:
        index.insert(record, 3, NOW)
    used = tracemalloc.get_traced_memory()[0] / len(records)
    tracemalloc.stop()
    assert used < 400


def test_a_share_in_many_stripes_is_let_go_of_as_fast_as_in_one():
    """Whose stripes have a share in common must not cost a search through all of them each."""
    compared = []

    class Counted(HeldStripe):
        __slots__ = ()
        __hash__ = HeldStripe.__hash__

        def __eq__(self, other):
            compared.append(other)
            return self is other

    table = StripeTable(lambda stripe: 0.0)
    records = [stripe((1, n), size=10) for n in range(2, 400)]
    for record in records:
        held = Counted(record.stripe_id)
        table._slices[record.stripe_id[-1]][record.stripe_id] = held
        table.add(record.stripe_id, record, 1)
    for record in reversed(records):
        table.remove(table.get(record.stripe_id))
    assert len(compared) < 10 * len(records)
    assert (table.shares, table.bytes_used) == (0, 0)
