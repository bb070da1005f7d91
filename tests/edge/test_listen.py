"""Listening: one port number for UDP and TCP, on one address or all of them."""

import socket

import pytest

from dave.edge.listen import bind_listen
from dave.edge.udp import UdpSocket
from dave.errors import AddressInUse, NetworkError, UsageError
from tests.edge.test_udp import collect, has_ipv6


def test_all_addresses_on_a_free_port() -> None:
    listeners = bind_listen(":0")
    try:
        ports = {udp.address[1] for udp in listeners.udp}
        ports |= {tcp.getsockname()[1] for tcp in listeners.tcp}
        assert ports == {listeners.address[1]}
        hosts = [udp.address[0] for udp in listeners.udp]
        assert hosts == (["0.0.0.0", "::"] if has_ipv6() else ["0.0.0.0"])
        assert len(listeners.tcp) == len(listeners.udp)
        client = UdpSocket.bind("127.0.0.1", 0)
        client.send([(b"hello", ("127.0.0.1", listeners.address[1]))])
        assert collect(listeners.udp[0], 1) == [(b"hello", client.address)]
        counts = listeners.counts
        assert (counts.received, counts.received_bytes, counts.sent) == (1, 5, 0)
        client.close()
    finally:
        listeners.close()


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "localhost:0"])
def test_one_address(listen: str) -> None:
    listeners = bind_listen(listen, coalesce=False)
    assert len(listeners.udp) == len(listeners.tcp) == 1
    assert listeners.address == listeners.tcp[0].getsockname()[:2]
    assert listeners.udp[0].coalesces == (False, False)
    listeners.close()


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6")
def test_one_ipv6_address() -> None:
    listeners = bind_listen("[::1]:0")
    assert listeners.address[0] == "::1"
    assert listeners.tcp[0].family == socket.AF_INET6
    listeners.close()


@pytest.mark.parametrize("listen", ["*:{}", ":{}"])
def test_the_port_asked_for_is_taken(listen: str) -> None:
    free = bind_listen(":0")
    port = free.address[1]
    free.close()
    listeners = bind_listen(listen.format(port))
    try:
        assert {udp.address[1] for udp in listeners.udp} == {port}
        with pytest.raises(AddressInUse, match=f"UDP port .*:{port} is in use"):
            bind_listen(listen.format(port))
    finally:
        listeners.close()


def test_tcp_in_use_is_named_and_frees_udp() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(AddressInUse, match=f"TCP port 127.0.0.1:{port} is in use"):
            bind_listen(f"127.0.0.1:{port}")
        UdpSocket.bind("127.0.0.1", port).close()


def test_the_other_family_in_use_is_an_error() -> None:
    if not has_ipv6():
        pytest.skip("no IPv6")
    six = UdpSocket.bind("::", 0)
    port = six.address[1]
    with pytest.raises(AddressInUse, match=rf"UDP port \[::\]:{port} is in use"):
        bind_listen(f":{port}")
    UdpSocket.bind("0.0.0.0", port).close()
    six.close()


def test_tcp_can_listen_after_all() -> None:
    listeners = bind_listen("127.0.0.1:0")
    listeners.tcp[0].listen()
    with socket.create_connection(listeners.address, timeout=5):
        pass
    listeners.close()


def test_refusals_say_why() -> None:
    with pytest.raises(AddressInUse, match="not an address of this machine"):
        bind_listen("203.0.113.77:0")
    with pytest.raises(UsageError, match="no port"):
        bind_listen("127.0.0.1:x")
    with pytest.raises(NetworkError, match="check the name"):
        bind_listen("no-such-host.invalid:0")
