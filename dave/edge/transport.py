"""What both drivers do with sockets: send through the one of the address's family."""

import socket
from collections.abc import Sequence

from dave.edge.udp import Datagram, UdpSocket, target
from dave.errors import AddressInUse
from dave.names import Address
from dave.peers.subnets import is_private


def send_all(sockets: Sequence[UdpSocket], datagrams: list[Datagram]) -> None:
    """Send datagrams through the socket of their address family."""
    if not datagrams:
        return
    if len(sockets) == 1:
        sockets[0].send(datagrams)
        return
    for sock in sockets:
        is_v6 = ":" in sock.address[0]
        mine = [datagram for datagram in datagrams if (":" in datagram[1][0]) == is_v6]
        if mine:
            sock.send(mine)


def is_at_home(sockets: Sequence[UdpSocket], edges: Sequence[Address]) -> bool:
    """Whether this process talks from loopback or private addresses only, as far as can be told
    without sending: an address to listen on, or the one the system would use towards the edges."""
    hosts = []
    for mine in sockets:
        host = mine.address[0]
        if host in ("0.0.0.0", "::"):
            towards = [edge for edge in edges if (":" in edge[0]) == (":" in host)]
            hosts += [source(edge) for edge in towards]
        else:
            hosts.append(host)
    return bool(hosts) and all(is_private(host) for host in hosts)


def source(towards: Address) -> str:
    """The address from which the system would send there."""
    family = socket.AF_INET6 if ":" in towards[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(target(towards))
        except OSError:
            return towards[0]
        return str(probe.getsockname()[0])


def client_sockets() -> list[UdpSocket]:
    """Sockets for a client: one on any port for each address family that the machine has. On all
    addresses, since an edge on this machine can name peers that are elsewhere."""
    sockets = []
    for host in ("0.0.0.0", "::"):
        try:
            sockets.append(UdpSocket.bind(host, 0))
        except AddressInUse:
            continue  # This machine lacks the family.
    return sockets
