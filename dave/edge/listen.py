"""Where a node listens: one port number, for UDP and TCP, on one address or on all of them."""

import socket
import sys
from errno import EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT
from typing import NamedTuple

from dave.edge.addresses import resolve, split_address
from dave.edge.limits import LISTEN_ATTEMPTS, PORT_DEFAULT
from dave.edge.udp import UdpSocket, bind_error, target
from dave.errors import AddressInUse
from dave.names import Address


class UdpCounts(NamedTuple):
    """What several UDP sockets have counted together; each is an attribute of UdpSocket."""

    received: int
    received_bytes: int
    sent: int
    sent_bytes: int
    kernel_drops: int
    queue_drops: int
    errors: int


class Listeners(NamedTuple):
    """Sockets bound to one port number; IPv4 first where there are both families."""

    udp: list[UdpSocket]
    tcp: list[socket.socket]
    """One per UDP socket, on the same address. Bound, so that the port is ours; not listening yet,
    so that nobody is left waiting for an accept."""

    @property
    def address(self) -> Address:
        """(host, port) of the first UDP socket."""
        return self.udp[0].address

    @property
    def counts(self) -> UdpCounts:
        """Of all UDP sockets."""
        return UdpCounts(
            *(sum(getattr(udp, name) for udp in self.udp) for name in UdpCounts._fields)
        )

    def close(self) -> None:
        """Close all of them."""
        for udp in self.udp:
            udp.close()
        for tcp in self.tcp:
            tcp.close()


def bind_listen(listen: str | None, *, coalesce: bool = True) -> Listeners:
    """Bind UDP and TCP where `listen` says: "HOST:PORT", "[IPV6]:PORT", or ":PORT" and "*:PORT" for
    all addresses of both families; None is all addresses, port 1424. A family that the machine
    lacks is left out. Port 0 takes one number that is free everywhere.

    Raises UsageError for a text that is no address, NetworkError for a name that does not resolve,
    AddressInUse for an address that is taken or not this machine's.
    """
    host, port = split_address(listen if listen is not None else ":", PORT_DEFAULT)
    hosts = _hosts(host, port)
    for _ in range(LISTEN_ATTEMPTS if port == 0 else 1):
        try:
            return _bind_all(hosts, port, coalesce)
        except AddressInUse as error:
            # A free UDP port may be taken for TCP, or on the other family: draw again.
            cause = error.__cause__
            failure = error
            if not isinstance(cause, OSError) or cause.errno != EADDRINUSE:
                break
    raise failure


def bind_tcp(listen: str, port_default: int) -> list[socket.socket]:
    """Bind TCP alone, where `listen` says; IPv4 first. Arguments and errors as in `bind_listen`."""
    host, port = split_address(listen, port_default)
    hosts = _hosts(host, port)
    for _ in range(LISTEN_ATTEMPTS if port == 0 else 1):
        try:
            return _bind_each(hosts, port)
        except AddressInUse as error:
            failure = error
    raise failure


def _hosts(host: str, port: int) -> list[str]:
    return ["0.0.0.0", "::"] if host in ("", "*") else [resolve(host, port)[0][0]]


def _bind_each(hosts: list[str], port: int) -> list[socket.socket]:
    """One socket a host, on one port; a family that the machine lacks is left out."""
    bound: list[socket.socket] = []
    missing: AddressInUse | None = None
    for host in hosts:
        try:
            bound.append(_bind_tcp((host, port)))
            port = bound[0].getsockname()[1]
        except AddressInUse as error:
            if len(hosts) == 1 or not _is_missing(error):
                for sock in bound:
                    sock.close()
                raise
            missing = error
    if missing is not None and not bound:
        raise missing
    return bound


def _bind_all(hosts: list[str], port: int, coalesce: bool) -> Listeners:
    bound = Listeners([], [])
    missing: AddressInUse | None = None
    try:
        for host in hosts:
            try:
                udp = UdpSocket.bind(host, port, coalesce=coalesce)
            except AddressInUse as error:
                if len(hosts) == 1 or not _is_missing(error):
                    raise
                missing = error
                continue
            bound.udp.append(udp)
            port = udp.address[1]
            bound.tcp.append(_bind_tcp(udp.address))
        if missing is not None and not bound.udp:
            raise missing
    except AddressInUse:
        bound.close()
        raise
    return bound


def _is_missing(error: AddressInUse) -> bool:
    """Whether the machine lacks the family."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in (EAFNOSUPPORT, EADDRNOTAVAIL)


def _bind_tcp(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if sys.platform == "win32":
            # There SO_REUSEADDR would let us take a port from whoever has it.
            exclusive = socket.SO_EXCLUSIVEADDRUSE  # type: ignore[attr-defined]
            sock.setsockopt(socket.SOL_SOCKET, exclusive, 1)
        else:
            # Connections of a run that has just ended keep the port busy for a minute.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(target(address))
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise bind_error(error, address, "TCP") from error
    return sock
