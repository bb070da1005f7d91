"""Addresses as people write them: HOST:PORT, [IPv6]:PORT, or just a host."""

import socket
from ipaddress import IPv6Address, ip_address

from dave.errors import NetworkError, UsageError
from dave.names import Address

_HOW = "write HOST:PORT, [IPV6]:PORT or HOST"


def parse_address(text: str, default_port: int) -> Address:
    """Where `text` points to: an IP literal and a port from 1 to 65535. Names are resolved, which
    may block for seconds.

    Raises UsageError for a text that is no address, NetworkError for a name that does not resolve.
    """
    host, port = split_address(text, default_port)
    if host in ("", "*") or not port:
        raise UsageError(f"'{text}' names no host and port to talk to: {_HOW}, with a port above 0")
    return _preferred(resolve(host, port))


def format_address(address: Address) -> str:
    """HOST:PORT, with brackets around an IPv6 host; `parse_address` reads it back."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def split_address(text: str, default_port: int) -> tuple[str, int]:
    """The host (maybe empty or '*') and the port (0 to 65535) of a text, unresolved.

    Raises UsageError for a text that is no address.
    """
    text = text.strip()
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or not host or (rest and not rest.startswith(":")):
            raise UsageError(f"'{text}' is no address: {_HOW}")
        port_text = rest[1:] if rest else str(default_port)
    elif text.count(":") > 1:
        host, port_text = text, str(default_port)
    else:
        host, colon, port_text = text.partition(":")
        if not colon:
            port_text = str(default_port)
        if host.isdecimal():
            # The resolver would take a bare number for an IPv4 address.
            raise UsageError(f"'{text}' is a number, not a host; for a port alone write ':{host}'")
    is_number = port_text.isascii() and port_text.isdecimal() and len(port_text) <= 5
    if not is_number or int(port_text) > 65535:
        raise UsageError(f"'{port_text}' in '{text}' is no port: a port is a number up to 65535")
    return host, int(port_text)


def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a host, in the order the system prefers (RFC 6724); at least one.

    Raises NetworkError if there is none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        raise NetworkError(
            f"cannot find the host '{host}' ({error}): check the name, or give its IP address"
        ) from None
    addresses = [(_plain(str(at[0]), at[3] if len(at) == 4 else 0), port) for *_, at in found]
    return list(dict.fromkeys(addresses))


def is_this_machine(host: str) -> bool:
    """Whether who has this address, an IP literal, is on this machine for certain."""
    return ip_address(_plain(host, 0)).is_loopback


def _preferred(found: list[Address]) -> Address:
    """The system's first choice; but `localhost` may be ::1 first, while a node listens on
    127.0.0.1 unless told otherwise."""
    loopback = ("127.0.0.1", found[0][1])
    return loopback if found[0][0] == "::1" and loopback in found else found[0]


def _plain(host: str, scope: int) -> str:
    """One spelling per address: IPv4 never wrapped into IPv6, link-local with its scope."""
    ip = ip_address(host.partition("%")[0])
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return scoped(str(ip), scope) if scope else str(ip)


def scoped(host: str, scope: int) -> str:
    """A link-local host with its interface ('fe80::1%eth0'), by name where it has one."""
    try:
        return f"{host}%{socket.if_indextoname(scope)}"
    except OSError:
        return f"{host}%{scope}"
