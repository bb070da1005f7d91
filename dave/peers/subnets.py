"""Which addresses belong together, and which are not on the public Internet.

Whoever has one address usually has its whole subnet, so limits count per /24 of IPv4 and per /48 of
IPv6. Both questions are asked about every packet, so that the answers are cached, boundedly.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from dave.limits import SUBNETS_CACHED

_PRIVATE_4 = tuple(
    IPv4Network(text)
    for text in (
        "127.0.0.0/8",  # loopback, RFC 1122
        "10.0.0.0/8",  # RFC 1918
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",  # link-local, RFC 3927
        "100.64.0.0/10",  # behind a carrier's NAT, RFC 6598
    )
)
_BROADCAST = IPv4Address("255.255.255.255")
_PRIVATE_6 = (
    IPv6Network("::1/128"),  # loopback, RFC 4291
    IPv6Network("fc00::/7"),  # unique local, RFC 4193
    IPv6Network("fe80::/10"),  # link-local, RFC 4291
)


@lru_cache(SUBNETS_CACHED)
def subnet(host: str) -> bytes:
    """The /24 or /48 of an IP literal: family (4 or 6), then 3 or 6 bytes of prefix.

    An IPv4 address wrapped into IPv6 counts as IPv4; a scope is ignored. Raises ValueError for
    what is no IP literal.
    """
    ip = _parse(host)
    return bytes((ip.version,)) + ip.packed[: 3 if ip.version == 4 else 6]


@lru_cache(SUBNETS_CACHED)
def is_private(host: str) -> bool:
    """Whether an IP literal is a loopback, private or link-local address: one that means nothing
    to a node elsewhere. Raises ValueError for what is no IP literal.

    The ranges are listed here because those of the standard library's `is_private` differ between
    Python releases, and include documentation and test networks.
    """
    ip = _parse(host)
    if isinstance(ip, IPv4Address):
        return any(ip in network for network in _PRIVATE_4)
    return any(ip in network for network in _PRIVATE_6)


@lru_cache(SUBNETS_CACHED)
def is_unicast(host: str) -> bool:
    """Whether an IP literal can be one machine's: not unspecified, multicast or broadcast. Raises
    ValueError for what is no IP literal."""
    ip = _parse(host)
    return not (ip.is_multicast or ip.is_unspecified or ip == _BROADCAST)


def _parse(host: str) -> IPv4Address | IPv6Address:
    if ":" not in host:
        return IPv4Address(host)
    ip = IPv6Address(host.partition("%")[0])
    return ip.ipv4_mapped or ip
