"""Token buckets: exact counts under a clock that the test moves."""

from hypothesis import given
from hypothesis import strategies as st

from dave.limits import RATE_HOSTS_CACHED, RATE_PER_SECOND, RATE_SLOTS
from dave.names import MS, SECOND
from dave.peers.limiter import RateLimiter

SECRET = bytes(range(32))
NOW = 1_000 * SECOND


def taken(limiter: RateLimiter, host: str, now: int, tries: int) -> int:
    return sum(limiter.allow((host, port), now) for port in range(1, tries + 1))


def test_a_burst_then_the_rate() -> None:
    limiter = RateLimiter(SECRET, rate=100, burst=20)
    assert taken(limiter, "192.0.2.1", NOW, 50) == 20
    assert taken(limiter, "192.0.2.1", NOW + 10 * MS, 50) == 1
    assert taken(limiter, "192.0.2.1", NOW + 110 * MS, 50) == 10
    assert taken(limiter, "192.0.2.1", NOW + 60 * SECOND, 50) == 20


def test_defaults_are_the_limits() -> None:
    assert taken(RateLimiter(SECRET), "192.0.2.1", NOW, 1000) == 2 * RATE_PER_SECOND


def test_works_from_instant_zero() -> None:
    assert taken(RateLimiter(SECRET, rate=10, burst=3), "192.0.2.1", 0, 9) == 3


def test_a_subnet_shares_one_bucket() -> None:
    limiter = RateLimiter(SECRET, rate=100, burst=20)
    assert taken(limiter, "192.0.2.1", NOW, 20) == 20
    assert taken(limiter, "192.0.2.77", NOW, 20) == 0
    assert taken(limiter, "198.51.100.1", NOW, 20) == 20
    assert taken(limiter, "2001:db8:1::1", NOW, 20) == 20
    assert taken(limiter, "2001:db8:1:ffff::9", NOW, 20) == 0


def test_fewer_slots_take_less_room_and_are_shared_by_more() -> None:
    limiter = RateLimiter(SECRET, rate=100, burst=20, slots=1)
    assert len(limiter._full) == 1
    assert taken(limiter, "192.0.2.1", NOW, 30) == 20
    assert taken(limiter, "198.51.100.1", NOW, 30) == 0


def test_loopback_is_not_exempt() -> None:
    assert taken(RateLimiter(SECRET, rate=100, burst=5), "127.0.0.1", NOW, 20) == 5


def test_slots_depend_on_the_secret() -> None:
    hosts = [f"10.0.{i}.1" for i in range(64)]
    one, other = RateLimiter(SECRET), RateLimiter(bytes(32))
    slots = [[limiter._slot(host) for host in hosts] for limiter in (one, other)]
    assert all(0 <= slot < RATE_SLOTS for both in slots for slot in both)
    assert sum(a == b for a, b in zip(*slots, strict=True)) < 4
    assert len(set(slots[0])) > 56


def test_cache_of_hosts_is_bounded_and_forgets_no_bucket() -> None:
    limiter = RateLimiter(SECRET, rate=1, burst=2)
    assert taken(limiter, "192.0.2.1", NOW, 9) == 2
    for i in range(RATE_HOSTS_CACHED + 10):
        limiter.allow((f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}", 1), NOW)
    assert len(limiter._slots) <= RATE_HOSTS_CACHED
    assert not limiter.allow(("192.0.2.1", 1), NOW)


@given(
    rate=st.integers(1, 1000),
    burst=st.integers(1, 50),
    gaps=st.lists(st.integers(0, 2 * SECOND), max_size=100),
)
def test_never_more_than_burst_plus_rate(rate: int, burst: int, gaps: list[int]) -> None:
    limiter = RateLimiter(SECRET, rate, burst)
    now, allowed = NOW, 0
    for gap in gaps:
        now += gap
        allowed += limiter.allow(("192.0.2.1", 1), now)
        # 1/rate is cut to whole nanoseconds: one packet in 10^6 at most.
        assert allowed <= burst + (now - NOW) * rate / SECOND * 1.000001 + 1e-6
