"""The door: edges, pins, networks, and IPv6."""

import socket
import threading
import time

import pytest

import dave
from dave.edge.connect import parse_edge
from dave.edge.keyfile import load_network_secret

TIMEOUT = 10.0
AT_ONCE = TIMEOUT / 2
"""What could be told at once must not wait for the time-out."""


def refusal(edge, **options):
    """What a get through `edge` raises, told at once."""
    with dave.connect_sync(edge, key=dave.Key.generate(), **options) as d:
        started = time.monotonic()
        with pytest.raises(dave.DaveError) as caught:
            d.get("k", timeout=TIMEOUT)
        assert time.monotonic() - started < AT_ONCE
        started = time.monotonic()
        with pytest.raises(type(caught.value)):
            d.put("k", b"v", ttl=60, timeout=TIMEOUT)
        assert time.monotonic() - started < AT_ONCE
    return caught.value


def test_another_network_is_told_at_once(node):
    for options in ({"network": "elsewhere"}, {"secret": bytes(16)}):
        error = refusal(node.address, **options)
        assert isinstance(error, dave.OtherNetwork)
        assert "check --network and --secret-file" in str(error)
        assert node.address in str(error)


def test_another_secret_is_told_at_once(home):
    home.dave("keygen", "--network", "--out", home.folder / "secret")
    secret = load_network_secret(home.folder / "secret")
    private = home.start("--secret-file", home.folder / "secret")
    with dave.connect_sync(private.address, key=dave.Key.generate(), secret=secret) as d:
        receipt = d.put("k", b"v")
        assert (receipt.stored, receipt.work_hashes) == (1, 0)
        assert d.get("k").value == b"v"
    assert isinstance(refusal(private.address, secret=bytes(32)), dave.OtherNetwork)
    assert isinstance(refusal(private.address), dave.OtherNetwork)


def test_a_pinned_key(node):
    pinned = f"{node.address}#{node.status()['key']}"
    with dave.connect_sync(pinned, key=dave.Key.generate()) as d:
        assert d.put("k", b"v", ttl=60).stored == 1
    error = refusal(f"{node.address}#{dave.Key.generate().name}")
    assert isinstance(error, dave.OtherNetwork)
    assert "another node key than the one pinned" in str(error)


def test_one_good_edge_among_bad_ones_is_enough(node):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        edges = [f"127.0.0.1:{deaf.getsockname()[1]}", node.address]
        with dave.connect_sync(edges, key=dave.Key.generate()) as d:
            assert d.put("k", b"v", ttl=60).stored == 1
            assert d.get("k").value == b"v"


def test_ports_where_no_node_listens():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        edge = f"127.0.0.1:{tcp.getsockname()[1]}"
        with (
            dave.connect_sync(edge, key=dave.Key.generate()) as d,
            pytest.raises(dave.Unreachable, match=edge),
        ):
            d.get("k", timeout=0.5)


def test_a_port_that_answers_junk():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as junk:
        junk.bind(("127.0.0.1", 0))
        edge = f"127.0.0.1:{junk.getsockname()[1]}"
        heard = []

        def answer():
            while (datagram := junk.recvfrom(2000))[0] != b"end":
                heard.append(datagram[0])
                for reply in (b"", b"\x01", b"HTTP/1.1 400 Bad Request", datagram[0], bytes(101)):
                    junk.sendto(reply, datagram[1])

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            with (
                dave.connect_sync(edge, key=dave.Key.generate()) as d,
                pytest.raises(dave.Unreachable, match=edge),
            ):
                d.get("k", timeout=0.8)
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
                end.sendto(b"end", junk.getsockname())
            thread.join()
        assert heard


def test_ipv6(home):
    first = home.start(listen="[::1]:0")
    second = home.start("--edge", first.address, data="second", listen="[::1]:0")
    assert first.address.startswith("[::1]:")
    with dave.connect_sync(second.address, key=dave.Key.generate()) as d:
        d.put("k", b"v", ttl=60)
        assert d.get("k").value == b"v"


@pytest.mark.parametrize(
    ("edge", "words"),
    [
        ([], "no edge"),
        ("127.0.0.1:0", "port above 0"),
        ("127.0.0.1:65536", "is no port"),
        ("127.0.0.1:1424#short", "a node's key has 52 characters"),
        ("[::1", "is no address"),
    ],
)
def test_edges_that_cannot_be(edge, words):
    with pytest.raises(dave.UsageError, match=words):
        dave.connect_sync(edge)


def test_an_edge_that_does_not_resolve():
    with pytest.raises(dave.NetworkError, match="cannot find the host"):
        dave.connect_sync("no-such-host.invalid")


def test_networks_that_cannot_be():
    with pytest.raises(dave.UsageError, match="16"):
        dave.connect_sync(secret=b"short")
    with pytest.raises(dave.UsageError):
        dave.connect_sync(network="")


def test_an_edge_as_text():
    key = dave.Key.generate()
    assert parse_edge("127.0.0.1") == (("127.0.0.1", 1424), None, None, None)
    assert parse_edge(f"[::1]:9#{key.name}") == (("::1", 9), key.owner, None, None)
