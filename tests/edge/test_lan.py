"""Nodes that find each other by multicast: real sockets on the loopback, real processes, and where
the machine allows two namespaces with a link that is cut and comes back."""

import asyncio
import subprocess
from random import Random

import pytest

from dave.crypto.network import network
from dave.edge.lan import Lan, voices
from dave.edge.limits import MEETS_PENDING_MAX
from dave.limits import BUCKET_CONTACTS, LAN_PORT
from dave.wire.beacon import Beacon
from tests.places import places
from tests.processes import PATIENCE_SECONDS, until, until_async

KEY = network("lan test", b"sixteen bytes ok").key
FROM = "10.1.2.3", LAN_PORT


class Listener:
    """One node's beacons and ears, and whom it would ask."""

    def __init__(self, port, key=KEY, known=0, seed=None):
        self.met = []
        rng = Random(seed if seed is not None else port)
        self.lan = Lan(key, ("127.0.0.1", port), rng, self.met.append, lambda: known)
        self.task = asyncio.ensure_future(self.lan.run())

    async def close(self):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        self.lan.close()

    def hear(self, port, source=FROM, key=KEY):
        self.lan._hear(Beacon.make(port, Random(port).randbytes(16), key).encode(), source)

    @property
    def waiting(self):
        """Addresses that will be asked."""
        return list(self.lan._pending)


def with_listeners(test, *ports, **options):
    async def run():
        listeners = [Listener(port, **options) for port in ports]
        try:
            await test(*listeners)
        finally:
            for listener in listeners:
                await listener.close()

    asyncio.run(asyncio.wait_for(run(), PATIENCE_SECONDS))


def test_all_of_a_network_on_one_machine_hear_each_other_and_not_themselves():
    async def test(*all_three):
        for one in all_three:
            others = {("127.0.0.1", port) for port in (1001, 1002, 1003)}
            others.remove(("127.0.0.1", one.lan._port))
            await until_async(lambda one=one, others=others: others <= {*one.met})
            assert {*one.met} == others

    with_listeners(test, 1001, 1002, 1003)


def test_other_networks_are_not_heard():
    async def test(one):
        stranger = Listener(1002, key=network("lan test").key)
        friend = Listener(1003)
        try:
            await until_async(lambda: one.met and stranger.lan.sent > 1)
        finally:
            await stranger.close()
            await friend.close()
        assert {*one.met} == {("127.0.0.1", 1003)}

    with_listeners(test, 1001)


@pytest.mark.parametrize(
    "data", [b"", bytes(36), b"\1\6" + bytes(34), Beacon.make(5, bytes(16), KEY).encode() + b"\0"]
)
def test_what_is_no_beacon_is_ignored(data):
    async def test(one):
        one.lan._hear(data, FROM)
        assert (one.waiting, one.lan.heard) == ([], 0)

    with_listeners(test, 1001)


def test_who_is_not_on_the_local_network_is_ignored():
    async def test(one):
        one.hear(1424, ("8.8.8.8", LAN_PORT))
        assert one.waiting == []
        one.hear(1424, ("fe80::1%nowhere", LAN_PORT, 0, 9999))
        one.hear(1424, FROM)
        assert one.waiting == [("fe80::1%9999", 1424), ("10.1.2.3", 1424)]

    with_listeners(test, 1001)


def test_a_flood_of_beacons_has_a_few_addresses_tried():
    async def test(one):
        for port in range(1, 5000):
            one.hear(port)
        assert len(one.waiting) <= MEETS_PENDING_MAX + 1
        assert one.lan.heard == 4999

    with_listeners(test, 1001)


def test_an_address_heard_twice_is_tried_once():
    async def test(one):
        one.hear(1424)
        one.hear(1424)
        assert one.waiting == [("10.1.2.3", 1424)]

    with_listeners(test, 1001)


def test_in_a_crowd_a_few_ask_a_newcomer():
    tried = []

    async def test(one):
        one.hear(1424)
        tried.append(len(one.waiting))

    for seed in range(200):
        with_listeners(test, 1001, known=20 * BUCKET_CONTACTS, seed=seed)
    assert 5 <= sum(tried) <= 40, "one in ten"


def test_a_node_on_one_address_speaks_from_that_and_others_not_from_the_loopback():
    assert list(voices("127.0.0.1")) == [("127.0.0.1", 0)]
    assert {voice.source for voice in voices("::1")} == {"::1"}
    assert not any(voice.source.startswith("127.") for voice in voices("0.0.0.0"))


# --- Processes -------------------------------------------------------------------------------


def test_three_nodes_find_each_other_without_an_edge(home):
    secret = home.folder / "secret"
    home.dave("keygen", "--network", "--out", secret)
    ours = "--lan", "--secret-file", secret
    nodes = [home.start(*ours, data=name) for name in "abc"]
    stranger = home.start("--lan", "--network", "other", data="d")
    for node in nodes:
        until(lambda node=node: node.status()["peers"] == 2)
    put = home.dave("put", "k", "v", "--secret-file", secret, "--edge", nodes[0].address)
    for node in nodes:
        got = home.dave("get", put.out.strip(), "--secret-file", secret, "--edge", node.address)
        assert got.out == "v"
    assert stranger.status()["peers"] == 0
    assert "looking for nodes on the local network" in nodes[0].stderr
    assert nodes[0].status()["lan"]["beacons_heard"] > 0
    assert " heard" in home.dave("status", "--data", nodes[0].data).out


def ip(end, *args):
    """Change the network of a namespace; its device has its name."""
    command = [*end.prefix, "ip", *args, "dev", end.prefix[-1]]
    subprocess.run(command, check=True, capture_output=True)


def start(home, secret, ends):
    """A node at each end; on the loopback where there are no namespaces."""
    return [
        home.start("--lan", "--secret-file", secret, data=f"n{i}", prefix=end.prefix,
                   listen=":0" if end.prefix else "127.0.0.1:0")
        for i, end in enumerate(ends)
    ]  # fmt: skip


def test_over_ipv6_where_there_is_no_ipv4(home):
    secret = home.folder / "secret"
    home.dave("keygen", "--network", "--out", secret)
    with places() as ends:
        ends *= 1 if len(ends) > 1 else 2
        for end in ends:
            if end.prefix:
                ip(end, "-4", "address", "flush")
        nodes = start(home, secret, ends)
        for end, node in zip(ends, nodes, strict=True):
            until(lambda node=node: node.status()["peers"] == 1)
            [peer] = node.ask("peers")["peers"]
            assert peer["address"].startswith("[fe80::" if end.prefix else "127.0.0.1:")


def test_what_was_written_while_cut_off_merges_later(home):
    secret = home.folder / "secret"
    home.dave("keygen", "--network", "--out", secret)
    with places() as ends:
        is_apart = len(ends) > 1
        ends *= 1 if is_apart else 2  # without namespaces there is nothing to cut
        nodes = start(home, secret, ends)
        sides = list(zip(ends, nodes, strict=True))
        for node in nodes:
            until(lambda node=node: node.status()["peers"] == 1)
        if is_apart:
            for end in ends:
                ip(end, "link", "set", "down")
            for node in nodes:
                until(lambda node=node: node.status()["peers"] == 0)
        names = [
            home.dave("put", f"from {i}", f"{i}", "--unlisted", "--secret-file", secret,
                      "--edge", node.address, prefix=end.prefix).out.strip()
            for i, (end, node) in enumerate(sides)
        ]  # fmt: skip
        if is_apart:
            for end in ends:
                ip(end, "link", "set", "up")
        for node in nodes:
            # They find each other by a probe or a beacon, then pull.
            until(lambda node=node: node.status()["entries"] == 2, 3 * PATIENCE_SECONDS)
        for i, name in enumerate(names):
            for end, node in sides:
                got = home.dave("get", name, "--secret-file", secret, "--edge", node.address,
                                prefix=end.prefix)  # fmt: skip
                assert got.out == f"{i}"
