"""The price of an entry and the stamps that pay it, at their boundaries."""

from random import Random

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from dave.crypto import work
from dave.limits import ENTRY_BYTES_MAX, SURPLUS_BITS_MAX, TTL_SECONDS_MAX, WORK_MIN

WORKS = st.integers(1, 2**80)


def stamp_of(number: int) -> bytes:
    return number.to_bytes(32, "big")


def test_price_of_a_kilobyte_for_a_month_and_of_the_least() -> None:
    assert work.entry_work(1024, 30 * 86_400) == 1624 * 2_592_000 // 1024 == 4_110_750
    assert work.entry_work(121, 1) == WORK_MIN
    # 4096 * 1024 byte-seconds is where the price leaves its floor.
    assert work.entry_work(1024 - 600, 4096) == WORK_MIN
    assert work.entry_work(1024 - 600, 4097) == WORK_MIN + 1


@given(st.integers(121, ENTRY_BYTES_MAX), st.integers(1, TTL_SECONDS_MAX - 1))
def test_price_never_falls_with_size_or_lifetime(size: int, ttl: int) -> None:
    price = work.entry_work(size, ttl)
    assert WORK_MIN <= price <= work.entry_work(size + 1, ttl)
    assert price <= work.entry_work(size, ttl + 1)


def test_price_of_shares_is_a_4096th_and_one_hash_at_least() -> None:
    assert work.share_work(1 << 30, 30 * 86_400) == (1 << 30) * 2_592_000 // (4096 * 1024)
    assert work.share_work(1, 1) == work.share_work(4096 * 1024, 1) == 1
    assert work.share_work(4096 * 1024, 2) == 2


@given(WORKS)
def test_threshold_is_the_last_stamp_that_meets(price: int) -> None:
    last = work.threshold(price)
    assert work.meets(stamp_of(last), price)
    if price > 1:
        assert not work.meets(stamp_of(last + 1), price)
    else:
        assert last == 2**256 - 1


@pytest.mark.parametrize("bits", [0, 1, 8, 20, 63, 64])
def test_node_work_is_leading_zero_bits(bits: int) -> None:
    price = work.node_work(bits)
    assert work.meets(stamp_of((1 << 256 - bits) - 1), price)
    if bits:
        assert not work.meets(stamp_of(1 << 256 - bits), price)


def test_no_work_asked_is_met_by_all_and_counts_no_surplus() -> None:
    assert work.meets(b"\xff" * 32, 0)
    assert work.threshold(0) == 2**256 - 1
    assert work.surplus_bits(bytes(32), 0) == 0.0


def test_surplus_bits_count_doublings_and_are_held() -> None:
    for bits in range(SURPLUS_BITS_MAX + 1):
        exact = stamp_of((1 << 256 - 12 - bits) - 1)
        assert work.surplus_bits(exact, WORK_MIN) == pytest.approx(bits)
    assert work.surplus_bits(bytes(32), WORK_MIN) == SURPLUS_BITS_MAX
    assert work.surplus_bits(b"\xff" * 32, WORK_MIN) == 0.0


@given(st.binary(min_size=32, max_size=32), WORKS)
def test_a_stamp_with_surplus_meets(stamp: bytes, price: int) -> None:
    surplus = work.surplus_bits(stamp, price)
    assert 0.0 <= surplus <= SURPLUS_BITS_MAX
    if surplus > 1e-9:
        assert work.meets(stamp, price)


def test_search_finds_the_first_stamp_and_nothing_else() -> None:
    rng = Random(1)
    for _ in range(20):
        prefix, start = rng.randbytes(56), rng.randrange(2**63)
        stamps = [
            blake3(prefix + nonce.to_bytes(8, "little")).digest()
            for nonce in range(start, start + 600)
        ]
        good = [start + i for i, stamp in enumerate(stamps) if work.meets(stamp, 100)]
        assert work.search(prefix, 100, start, 600) == (good[0] if good else None)
        if good:
            assert work.search(prefix, 100, start, good[0] - start) is None


def test_search_reaches_the_last_nonce() -> None:
    assert work.search(bytes(56), 1, 2**64 - 1, 1) == 2**64 - 1
    assert work.search(bytes(56), 1, 0, 0) is None
