"""The shared words: places and hybrid times."""

from random import Random, SystemRandom

from hypothesis import given
from hypothesis import strategies as st

from dave import names

MS48 = st.integers(0, 2**48 - 1)
COUNT = st.integers(0, 2**16 - 1)


def test_place_is_the_first_8_bytes_big_endian() -> None:
    assert names.place_of(b"\x01" + bytes(31)) == 1 << 56
    assert names.place_of(bytes(7) + b"\x01" + b"\xff" * 24) == 1


@given(MS48, COUNT, MS48, COUNT)
def test_hybrid_times_order_by_milliseconds_then_count(a: int, i: int, b: int, j: int) -> None:
    first, second = names.hybrid_time(a, i), names.hybrid_time(b, j)
    assert (first < second) == ((a, i) < (b, j))
    assert names.hybrid_ms(first) == a
    assert first < 2**64


def test_units() -> None:
    assert names.SECOND == 1000 * names.MS == 10**9


def test_both_sources_of_randomness_fit() -> None:
    sources: list[names.Rng] = [Random(1), SystemRandom()]
    for rng in sources:
        assert len(rng.randbytes(5)) == 5
        assert 0 <= rng.random() < 1
        assert rng.randrange(1) == 0
        assert rng.getrandbits(8) < 256
