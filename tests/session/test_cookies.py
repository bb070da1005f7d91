"""A cookie is good for its address, for two to four minutes."""

from random import Random

from dave.limits import COOKIE_SECRET_SECONDS
from dave.names import SECOND
from dave.session.cookies import NO_COOKIE, Cookies

PERIOD = COOKIE_SECRET_SECONDS * SECOND
A = ("192.0.2.1", 1424)


def test_good_in_this_period_and_the_next_only() -> None:
    cookies = Cookies(Random(1))
    cookie = cookies.make(A, 0)
    assert cookies.check(cookie, A, PERIOD - 1)
    assert cookies.check(cookie, A, PERIOD)
    assert cookies.check(cookie, A, 2 * PERIOD - 1)
    assert not cookies.check(cookie, A, 2 * PERIOD)


def test_a_pause_of_periods_forgets_both_secrets() -> None:
    cookies = Cookies(Random(1))
    cookie = cookies.make(A, 0)
    assert not cookies.check(cookie, A, 5 * PERIOD)


def test_bound_to_host_port_and_node() -> None:
    cookies = Cookies(Random(1))
    cookie = cookies.make(A, 0)
    assert not cookies.check(cookie, ("192.0.2.1", 1425), 0)
    assert not cookies.check(cookie, ("192.0.2.3", 1424), 0)
    assert not cookies.check(cookie, ("2001:db8::1", 1424), 0)
    assert not Cookies(Random(2)).check(cookie, A, 0)
    assert not cookies.check(NO_COOKIE, A, 0)
    assert not cookies.check(bytes((cookie[0] ^ 1,)) + cookie[1:], A, 0)
