"""UDP sockets on loopback, both families, with and without segmentation offload."""

import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from select import select
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dave.edge.limits import (
    GSO_BYTES_MAX,
    GSO_REFUSALS_MAX,
    GSO_SEGMENTS_MAX,
    SEND_QUEUE_DATAGRAMS_MAX,
)
from dave.edge.udp import SOL_UDP, UDP_SEGMENT, Datagram, UdpSocket, _run_end, target
from dave.errors import AddressInUse
from dave.limits import PACKET_BYTES_MAX
from dave.names import Address

Bind = Callable[..., UdpSocket]
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux socket options")
IP_RECVERR = 11
SO_NO_CHECK = 11


def has_ipv6() -> bool:
    try:
        UdpSocket.bind("::1", 0).close()
    except AddressInUse:
        return False
    return True


HOSTS = ["127.0.0.1", pytest.param("::1", marks=pytest.mark.skipif(not has_ipv6(), reason="IPv6"))]


@pytest.fixture
def bind() -> Iterator[Bind]:
    bound: list[UdpSocket] = []

    def make(host: str, port: int = 0, **options: Any) -> UdpSocket:
        bound.append(UdpSocket.bind(host, port, **options))
        return bound[-1]

    yield make
    for sock in bound:
        sock.close()


def collect(sock: UdpSocket, count: int) -> list[Datagram]:
    """What arrives, until `count` datagrams have."""
    received: list[Datagram] = []
    while len(received) < count:
        assert select([sock], [], [], 10)[0], f"{len(received)} of {count} arrived"
        received += sock.receive()
    return received


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("coalesce", [True, False])
def test_runs_arrive_whole_and_in_order(bind: Bind, host: str, coalesce: bool) -> None:
    one, two = bind(host, coalesce=coalesce), bind(host, coalesce=coalesce)
    sizes = [1200] * 100 + [7] + [60] * 70 + [61] + [0] + [60, 60, 0, 60] + [PACKET_BYTES_MAX] * 50
    payloads = [bytes([i % 251]) * size for i, size in enumerate(sizes)]
    one.send([(payload, two.address) for payload in payloads])
    assert collect(two, len(payloads)) == [(payload, one.address) for payload in payloads]
    assert two.receive() == []
    assert (one.sent, one.sent_bytes) == (len(sizes), sum(sizes))
    assert (two.received, two.received_bytes) == (len(sizes), sum(sizes))
    assert one.errors == two.errors == one.queue_drops == two.kernel_drops == 0


@linux
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("sending", [True, False])
def test_either_end_may_lack_offload(bind: Bind, host: str, sending: bool) -> None:
    one, two = bind(host, coalesce=sending), bind(host, coalesce=not sending)
    assert one.coalesces == (sending, sending)
    payloads = [bytes([i]) * 500 for i in range(90)]
    one.send([(payload, two.address) for payload in payloads])
    assert collect(two, 90) == [(payload, one.address) for payload in payloads]


@linux
@pytest.mark.parametrize("host", HOSTS)
def test_a_run_is_received_in_few_calls(bind: Bind, host: str) -> None:
    one, two = bind(host), bind(host)
    assert two.coalesces == (True, True)
    one.send([(bytes(1200), two.address)] * 50)
    # One call reads one buffer of the kernel, so a run comes whole although the limit is 1.
    assert len(two.receive(1)) > 1


def test_the_limit_stops_reading(bind: Bind) -> None:
    one, two = bind("127.0.0.1"), bind("127.0.0.1", coalesce=False)
    one.send([(bytes([i]), two.address) for i in range(100)])
    assert len(two.receive(64)) == 64
    assert len(two.receive(64)) == 36


@pytest.mark.parametrize("coalesce", [True, False])
def test_mixed_addresses(bind: Bind, coalesce: bool) -> None:
    one, *others = (bind("127.0.0.1", coalesce=coalesce) for _ in range(4))
    sent = [(bytes([i]) * 99, others[i // 3 % 3].address) for i in range(60)]
    one.send(sent)
    for other in others:
        mine = [(data, one.address) for data, to in sent if to == other.address]
        assert collect(other, len(mine)) == mine


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(runs=st.lists(st.tuples(st.integers(0, 1424), st.integers(1, 70)), max_size=6))
def test_any_sizes(bind: Bind, runs: list[tuple[int, int]]) -> None:
    one, two = UdpSocket.bind("127.0.0.1", 0), UdpSocket.bind("127.0.0.1", 0)
    try:
        payloads = [bytes([i % 256]) * size for size, count in runs for i in range(count)]
        one.send([(payload, two.address) for payload in payloads])
        assert [data for data, _ in collect(two, len(payloads))] == payloads
    finally:
        one.close()
        two.close()


@given(sizes=st.lists(st.integers(0, 65_000), min_size=1, max_size=80))
def test_a_run_is_what_one_call_can_carry(sizes: list[int]) -> None:
    sizes[0] = max(1, sizes[0])
    address = ("192.0.2.1", 1)
    end = _run_end([(bytes(size), address) for size in sizes], 0)
    run = sizes[:end]
    assert 1 <= end <= GSO_SEGMENTS_MAX
    assert sum(run) <= GSO_BYTES_MAX
    assert all(size == run[0] for size in run[:-1])
    assert 0 < run[-1] <= run[0]


@linux
def test_a_refusing_kernel_is_asked_no_more(bind: Bind) -> None:
    one, two = bind("127.0.0.1"), bind("127.0.0.1")
    # Without checksums the kernel refuses to cut a buffer into datagrams.
    one._sock.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
    for i in range(GSO_REFUSALS_MAX):
        assert one.coalesces[0]
        one.send([(bytes([i]) * 100, two.address)] * 3)
        assert len(collect(two, 3)) == 3
    assert not one.coalesces[0]
    assert one.errors == 0
    one._sock.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 0)
    one.send([(bytes(100), two.address)] * 3)
    assert len(collect(two, 3)) == 3
    assert not one.coalesces[0]


@linux
def test_refusals_count_in_a_row_only(bind: Bind) -> None:
    one, two = bind("127.0.0.1"), bind("127.0.0.1")
    for i in range(2 * GSO_REFUSALS_MAX):
        one._sock.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, i % 2)
        one.send([(bytes(100), two.address)] * 3)
    assert one.coalesces[0]


@linux
def test_a_bad_address_does_not_end_offload(bind: Bind) -> None:
    one = bind("127.0.0.1")
    for _ in range(2 * GSO_REFUSALS_MAX):
        one.send([(bytes(100), ("127.0.0.1", 0))] * 3)
    assert one.coalesces[0]
    assert one.errors == 3 * 2 * GSO_REFUSALS_MAX


@pytest.mark.parametrize(
    "address",
    [("127.0.0.1", 0), ("::1", 1424), ("255.255.255.255", 9), ("fe80::1%nosuchif", 9)],
)
@pytest.mark.parametrize("host", HOSTS)
def test_what_cannot_be_sent_is_counted(bind: Bind, host: str, address: Address) -> None:
    one, two = bind(host), bind(host)
    if (address[0] == "::1") == (host == "::1"):
        address = (address[0], 0)
    one.send([(b"lost", address), (b"sent", two.address)])
    assert collect(two, 1) == [(b"sent", one.address)]
    assert one.errors == 1


@linux
@pytest.mark.parametrize("coalesce", [True, False])
def test_icmp_errors_are_counted(bind: Bind, coalesce: bool) -> None:
    one, two, gone = (bind("127.0.0.1", coalesce=coalesce) for _ in range(3))
    one._sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    closed = gone.address
    gone.close()
    for rounds in range(1, GSO_REFUSALS_MAX + 2):
        # The error comes with the next call, whichever that is.
        one.send([(b"lost", closed)])
        assert one.receive() == []
        one.send([(b"lost", closed), (b"perhaps", two.address), (b"sent", two.address)])
        assert collect(two, 2 if coalesce else 1)[-1] == (b"sent", one.address)
        assert one.errors == 2 * rounds
    assert one.coalesces == (coalesce, coalesce)


@linux
def test_kernel_drops_are_counted(bind: Bind) -> None:
    one, two = bind("127.0.0.1", coalesce=False), bind("127.0.0.1", coalesce=False)
    two._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    received = 0
    for flood in (500, 300):
        one.send([(bytes(1000), two.address)] * flood)
        while got := two.receive():
            received += len(got)
    # The count comes with the next datagram that finds room.
    one.send([(b"last", two.address)])
    received += len(collect(two, 1))
    assert received < 801
    assert two.kernel_drops == 801 - received


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no local datagram sockets")
def test_a_full_kernel_makes_datagrams_wait(tmp_path: Path) -> None:
    # UDP on loopback never blocks; local datagram sockets do, and take the same calls.
    ours, theirs = (socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2))
    ours.bind(str(tmp_path / "ours"))
    theirs.bind(str(tmp_path / "theirs"))
    theirs.setblocking(False)
    to = cast("Address", str(tmp_path / "theirs"))
    one = UdpSocket(ours, coalesce=False)
    payloads = [i.to_bytes(2, "big") for i in range(SEND_QUEUE_DATAGRAMS_MAX)]
    one.send([(payload, to) for payload in payloads[:600]])
    assert one.wants_write
    one.send([(payload, to) for payload in payloads[600:]])
    assert one.queue_drops == 0
    got: list[bytes] = []
    while len(got) < len(payloads):
        try:
            got.append(theirs.recv(100))
        except BlockingIOError:
            assert one.wants_write
            one.flush()
    assert got == payloads
    assert not one.wants_write

    one.send([(b"x", to)] * 2000)
    assert len(one._queue) == SEND_QUEUE_DATAGRAMS_MAX
    dropped = one.queue_drops
    assert 0 < dropped < 2000 - SEND_QUEUE_DATAGRAMS_MAX
    one.send([(b"y", to)] * 5)
    assert one.queue_drops == dropped + 5
    one.close()
    assert not one.wants_write
    theirs.close()


@pytest.mark.parametrize("host", HOSTS)
def test_a_taken_port_is_named(bind: Bind, host: str) -> None:
    port = bind(host).address[1]
    with pytest.raises(AddressInUse, match=rf"UDP port .*:{port} is in use"):
        UdpSocket.bind(host, port)


@pytest.mark.parametrize("host", ["203.0.113.77", "2001:db8::77"])
def test_a_foreign_address_is_named(host: str) -> None:
    with pytest.raises(AddressInUse, match="not an address of this machine"):
        UdpSocket.bind(host, 0)


def test_both_families_share_a_port(bind: Bind) -> None:
    if not has_ipv6():
        pytest.skip("no IPv6")
    six = bind("::")
    assert bind("0.0.0.0", six.address[1]).address[1] == six.address[1]


def test_buffer_is_enlarged(bind: Bind) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        usual = plain.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    assert bind("127.0.0.1").receive_buffer_bytes >= usual


def test_scope_becomes_a_number() -> None:
    index, name = socket.if_nameindex()[0]
    assert target((f"fe80::1%{name}", 5)) == target((f"fe80::1%{index}", 5))
    assert target((f"fe80::1%{index}", 5)) == ("fe80::1", 5, 0, index)
    assert target(("::1", 5)) == ("::1", 5)


def link_local() -> tuple[str, int] | None:
    """A link-local address of this machine and its interface, from Linux's list."""
    try:
        lines = Path("/proc/net/if_inet6").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        packed, index, *_ = line.split()
        if packed.startswith("fe80"):
            return socket.inet_ntop(socket.AF_INET6, bytes.fromhex(packed)), int(index, 16)
    return None


@pytest.mark.skipif(link_local() is None, reason="no link-local address")
def test_link_local_addresses_keep_their_scope(bind: Bind) -> None:
    found = link_local()
    assert found is not None
    host = f"{found[0]}%{socket.if_indextoname(found[1])}"
    one, two = bind(host), bind(host)
    assert one.address[0] == host
    one.send([(b"question", two.address)] * 3)
    assert collect(two, 3) == [(b"question", one.address)] * 3


def test_segment_option_numbers() -> None:
    # A wrong number would be refused, and silently cost the whole gain.
    if sys.platform.startswith("linux") and hasattr(socket, "UDP_SEGMENT"):
        assert cast("Any", socket).UDP_SEGMENT == UDP_SEGMENT
    assert SOL_UDP == socket.IPPROTO_UDP
