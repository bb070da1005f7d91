"""Subnets and private ranges, at their borders."""

from ipaddress import AddressValueError

import pytest

from dave.limits import SUBNETS_CACHED
from dave.peers.subnets import is_private, subnet


def test_ipv4_subnet_is_its_24() -> None:
    assert subnet("192.0.2.1") == subnet("192.0.2.254") == b"\x04\xc0\x00\x02"
    assert subnet("192.0.3.1") != subnet("192.0.2.1")


def test_ipv6_subnet_is_its_48() -> None:
    assert (
        subnet("2001:db8:1:2::3") == subnet("2001:db8:1:ffff::") == bytes.fromhex("0620010db80001")
    )
    assert subnet("2001:db8:2::") != subnet("2001:db8:1::")


def test_families_never_meet() -> None:
    assert subnet("0.0.0.0") != subnet("::")


def test_wrapped_ipv4_counts_as_ipv4() -> None:
    assert subnet("::ffff:192.0.2.9") == subnet("192.0.2.1")
    assert is_private("::ffff:10.0.0.1")
    assert not is_private("::ffff:8.8.8.8")


def test_scope_is_ignored() -> None:
    assert subnet("fe80::1%eth0") == subnet("fe80::1")
    assert is_private("fe80::1%eth0")


@pytest.mark.parametrize(
    ("host", "private"),
    [
        ("127.0.0.1", True),
        ("126.255.255.255", False),
        ("10.255.255.255", True),
        ("11.0.0.0", False),
        ("172.15.255.255", False),
        ("172.16.0.0", True),
        ("172.31.255.255", True),
        ("172.32.0.0", False),
        ("192.168.0.1", True),
        ("192.169.0.0", False),
        ("169.254.1.1", True),
        ("100.63.255.255", False),
        ("100.64.0.0", True),
        ("100.128.0.0", False),
        ("192.0.2.1", False),
        ("8.8.8.8", False),
        ("::1", True),
        ("::2", False),
        ("fd00::1", True),
        ("fbff::", False),
        ("fe80::1", True),
        ("fec0::1", False),
        ("2001:db8::1", False),
    ],
)
def test_private_ranges(host: str, private: bool) -> None:
    assert is_private(host) is private


@pytest.mark.parametrize("host", ["", "localhost", "1.2.3", "1.2.3.4.5", "::g"])
def test_names_are_refused(host: str) -> None:
    with pytest.raises(AddressValueError):
        subnet(host)
    with pytest.raises(AddressValueError):
        is_private(host)


def test_caches_are_bounded() -> None:
    for i in range(SUBNETS_CACHED + 100):
        host = f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}"
        subnet(host)
        is_private(host)
    assert subnet.cache_info().currsize == SUBNETS_CACHED
    assert is_private.cache_info().currsize == SUBNETS_CACHED
