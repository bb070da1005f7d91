"""What the doctor asks, of real nodes."""

import asyncio
import os
import socket

from dave.crypto.network import network
from dave.edge.doctor import probe
from dave.edge.doctor.probe import PACKET_SIZES
from dave.session.session import FailReason
from tests.places import places
from tests.processes import until

NETWORK = network()


def ask(*edges, of=NETWORK):
    return asyncio.run(probe.probe(edges, of))


def test_nodes_say_where_they_see_us_what_time_it_is_and_answer_all(home):
    first = home.start()
    second = home.start("--edge", first.address, data="second")
    until(lambda: first.status()["peers"] == 1 and second.status()["peers"] == 1)
    found = ask(first.address)
    (edge,) = found.edges
    assert edge.is_up
    assert (edge.asked, edge.answered, edge.packet_bytes, edge.has_tcp) == (10, 10, 1424, True)
    assert 0 < edge.rtt_ms < 2000
    assert {voice.voter for voice in found.voices} == {first.host_port, second.host_port}
    assert all(voice.seen == voice.local for voice in found.voices)
    assert len(found.clocks) == 2
    assert all(abs(clock) < 2000 for clock in found.clocks)
    assert first.status()["peers"] == 1, "nobody takes the doctor for a node"


def test_why_an_edge_cannot_be_used(node):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        dead = f"127.0.0.1:{silent.getsockname()[1]}"
        pinned = f"{node.address}#{'a' * 52}"
        found = ask(dead, pinned, "no-such-host.invalid:1", "x:y")
    assert [edge.failure for edge in found.edges[:2]] == [
        FailReason.NO_ANSWER, FailReason.OTHER_KEY,
    ]  # fmt: skip
    assert "cannot find the host" in found.edges[2].error
    assert "is no port" in found.edges[3].error
    assert not any(edge.is_up for edge in found.edges)
    (other,) = ask(node.address, of=network("other")).edges
    assert other.failure is FailReason.OTHER_NETWORK
    assert ask("no-such-host.invalid:1").voices == []


def test_the_largest_packet_that_passes_is_found(home):
    """Between two machines with a small MTU, where this one lets us make such."""
    with places() as found:
        here, there = found[0], found[-1]
        is_apart = len(found) == 2
        if is_apart:
            for place in found:
                name = place.prefix[-1]
                assert os.system(f"ip -n {name} link set dev {name} mtu 1300") == 0
        node = home.start(listen=f"{there.host}:0", prefix=there.prefix)
        done = home.dave("doctor", "--edge", node.address, "--json", prefix=here.prefix)
        assert done.code == 0, done
        (packets,) = [f for f in done.json["findings"] if f["check"] == "packets"]
        if is_apart:
            assert packets["level"] == "warning"
            assert "those of 1,232 do" in packets["text"]
        else:
            assert packets["level"] == "ok"
        assert list(PACKET_SIZES) == sorted(PACKET_SIZES, reverse=True)
