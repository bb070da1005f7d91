"""Datagrams leave through the socket of their address family."""

import select

import pytest

from dave.edge.transport import client_sockets, send_all
from dave.edge.udp import UdpSocket


@pytest.fixture
def sockets():
    made = [UdpSocket.bind("127.0.0.1", 0), UdpSocket.bind("::1", 0)]
    yield made
    for socket in made:
        socket.close()


def received(socket):
    assert select.select([socket], [], [], 10)[0]
    return socket.receive()


def test_each_family_has_its_socket(sockets):
    v4, v6 = sockets
    send_all(sockets, [(b"four", v4.address), (b"six", v6.address)])
    assert received(v4) == [(b"four", v4.address)]
    assert received(v6) == [(b"six", v6.address)]
    send_all(sockets, [])


def test_a_family_without_a_socket_is_an_error_counted_not_raised(sockets):
    v4, v6 = sockets
    send_all([v4], [(b"six", v6.address), (b"four", v4.address)])
    assert received(v4) == [(b"four", v4.address)]
    assert v4.errors + v4.queue_drops == 1
    send_all([], [(b"nowhere", v4.address)])


def test_a_client_can_reach_either_family(sockets):
    made = client_sockets()
    try:
        assert [socket.address[0] for socket in made] == ["0.0.0.0", "::"]
        send_all(made, [(b"hello", socket.address) for socket in sockets])
        assert [received(socket)[0][0] for socket in sockets] == [b"hello", b"hello"]
    finally:
        for socket in made:
            socket.close()
