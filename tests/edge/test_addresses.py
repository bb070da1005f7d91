"""Addresses as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.edge.addresses import (
    _preferred,
    format_address,
    parse_address,
    resolve,
    split_address,
)
from dave.errors import NetworkError, UsageError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1:80", ("192.0.2.1", 80)),
        ("192.0.2.1", ("192.0.2.1", 1424)),
        (" 192.0.2.1:65535 ", ("192.0.2.1", 65535)),
        ("[::1]:80", ("::1", 80)),
        ("[::1]", ("::1", 1424)),
        ("::1", ("::1", 1424)),
        ("2001:DB8:0:0::1", ("2001:db8::1", 1424)),
        ("[::ffff:192.0.2.1]:80", ("192.0.2.1", 80)),
        ("localhost:80", ("127.0.0.1", 80)),
    ],
)
def test_parsed(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text, 1424) == address


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "names no host"),
        (":80", "names no host"),
        ("*:80", "names no host"),
        ("192.0.2.1:0", "port above 0"),
        ("192.0.2.1:65536", "no port"),
        ("192.0.2.1:-1", "no port"),
        ("192.0.2.1:", "no port"),
        ("192.0.2.1:http", "no port"),
        ("192.0.2.1:\u0661", "no port"),
        ("[::1]80", "no address"),
        ("[::1", "no address"),
        ("[]:80", "no address"),
        ("1424", "write ':1424'"),
    ],
)
def test_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse_address(text, 1424)


@pytest.mark.parametrize("host", ["1.2.3.4.5", "a..b", "no-such-host.invalid", "::g"])
def test_unknown_hosts(host: str) -> None:
    with pytest.raises(NetworkError, match="check the name"):
        resolve(host, 80)


def test_listening_texts_keep_wildcards_and_port_zero() -> None:
    assert split_address(":80", 1424) == ("", 80)
    assert split_address("*", 1424) == ("*", 1424)
    assert split_address("192.0.2.1:0", 1424) == ("192.0.2.1", 0)


@given(ip=st.ip_addresses(), port=st.integers(1, 65535))
def test_format_is_read_back(ip: object, port: int) -> None:
    address = resolve(str(ip), port)[0]
    assert parse_address(format_address(address), 1) == address


def test_localhost_is_where_nodes_listen() -> None:
    four, six, far = ("127.0.0.1", 5), ("::1", 5), ("192.0.2.1", 5)
    assert _preferred([six, four]) == four
    assert _preferred([six]) == six
    assert _preferred([six, far]) == six
    assert _preferred([far, four]) == far


@given(st.text(max_size=40))
def test_any_text_splits_or_is_refused(text: str) -> None:
    try:
        _, port = split_address(text, 1424)
    except UsageError:
        return
    assert 0 <= port <= 65535
