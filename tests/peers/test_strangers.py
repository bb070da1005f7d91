"""First packets to strangers: what may go where, and when again."""

from dave.limits import (
    STRANGER_OUTSTANDING_SECONDS,
    STRANGER_SECONDS,
    STRANGERS_OUTSTANDING_MAX,
    STRANGERS_REMEMBERED_MAX,
)
from dave.names import SECOND
from dave.peers.strangers import Strangers

MINUTE = STRANGER_SECONDS * SECOND
WHILE = STRANGER_OUTSTANDING_SECONDS * SECOND
HOST = ("198.51.100.7", 1424)
OTHER_PORT = ("198.51.100.7", 9)


def test_one_packet_per_host_and_minute() -> None:
    strangers = Strangers(at_home=False)
    assert strangers.allow(HOST, 0)
    assert not strangers.allow(HOST, 1)
    assert not strangers.allow(OTHER_PORT, MINUTE - 1)
    assert strangers.allow(OTHER_PORT, MINUTE)


def test_an_answer_frees_the_host() -> None:
    strangers = Strangers(at_home=False)
    assert strangers.allow(HOST, 0)
    strangers.answered(HOST)
    assert len(strangers) == 0
    assert strangers.allow(OTHER_PORT, 1)


def test_an_answer_of_another_host_frees_nothing() -> None:
    strangers = Strangers(at_home=False)
    assert strangers.allow(HOST, 0)
    strangers.answered(("198.51.100.8", 1424))
    assert not strangers.allow(HOST, 1)


def test_outstanding_in_all() -> None:
    strangers = Strangers(at_home=False)
    for i in range(STRANGERS_OUTSTANDING_MAX):
        assert strangers.allow((f"203.0.113.{i}", 1), i)
    assert not strangers.allow(HOST, STRANGERS_OUTSTANDING_MAX)
    strangers.answered(("203.0.113.5", 1))
    assert strangers.allow(HOST, STRANGERS_OUTSTANDING_MAX)
    # One place is free again with each first packet that lapses.
    assert strangers.allow(("203.0.113.200", 1), WHILE)
    assert not strangers.allow(("203.0.113.201", 1), WHILE)


def test_dead_contacts_hold_up_newcomers_for_seconds_only() -> None:
    strangers = Strangers(at_home=False)
    dead = [(f"203.0.113.{i}", 1) for i in range(STRANGERS_OUTSTANDING_MAX)]
    assert all(strangers.allow(address, 0) for address in dead)
    assert strangers.allow(HOST, WHILE)
    assert not strangers.allow(dead[0], WHILE), "the hosts themselves are remembered for a minute"


def test_the_memory_of_hosts_is_bounded() -> None:
    strangers = Strangers(at_home=False)
    now = 0
    for i in range(STRANGERS_REMEMBERED_MAX):
        now += WHILE // STRANGERS_OUTSTANDING_MAX // 100
        strangers._outstanding.clear()
        assert strangers.allow((f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}", 1), now)
    strangers._outstanding.clear()
    assert not strangers.allow(HOST, now)


def test_at_home_private_addresses_are_free_of_the_first_limit() -> None:
    strangers = Strangers(at_home=True)
    assert all(strangers.allow(("127.0.0.1", port), 0) for port in range(1, 31))
    assert strangers.allow(("127.0.0.1", 1), 1)
    assert len(strangers) == 30
    assert strangers.allow(HOST, 2)
    assert not strangers.allow(OTHER_PORT, 2)


def test_at_home_the_limit_in_all_stands() -> None:
    strangers = Strangers(at_home=True)
    ports = range(1, 2 * STRANGERS_OUTSTANDING_MAX)
    allowed = sum(strangers.allow(("10.0.0.1", port), 0) for port in ports)
    assert allowed == STRANGERS_OUTSTANDING_MAX
    strangers.answered(("10.0.0.1", 1))
    assert strangers.allow(("10.0.0.2", 1), 1)


def test_elsewhere_private_addresses_are_limited_too() -> None:
    strangers = Strangers(at_home=False)
    assert strangers.allow(("127.0.0.1", 1), 0)
    assert not strangers.allow(("127.0.0.1", 2), 0)


def test_a_repeated_packet_counts_from_its_last_sending() -> None:
    strangers = Strangers(at_home=True)
    assert strangers.allow(("10.0.0.1", 1), 0)
    assert strangers.allow(("10.0.0.2", 1), 1)
    assert strangers.allow(("10.0.0.1", 1), WHILE // 2)
    assert strangers.allow(HOST, WHILE + 1)
    # 10.0.0.2 has lapsed, 10.0.0.1 has not.
    assert len(strangers) == 2
