"""What a node says of itself: what changed, once."""

import asyncio
import logging
from time import monotonic_ns

import pytest

import dave
from dave.drops import Drop
from dave.edge import report as module
from dave.edge.limits import LOG_CLOCK_SECONDS, LOG_DROPS_MIN
from dave.edge.report import Report
from dave.limits import CLOCK_VOICES
from dave.node.requests import Peer
from dave.session.session import FailReason
from tests.processes import until_async


class Clock:
    """In place of the module's `time`."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


def reported(test):
    """Runs `await test(node, report, said, clock)` with a node whose report is the test's own."""

    def run(tmp_path, clock, caplog):
        def said():
            lines = [record.getMessage() for record in caplog.records]
            caplog.clear()
            return lines

        async def story():
            config = dave.Config(listen="127.0.0.1:0", data=tmp_path / "n", capacity=1 << 20)
            async with dave.Node(config) as node:
                node._report.look = lambda: None
                caplog.set_level(logging.DEBUG, logger="dave")
                said()
                await test(node, Report(node), said, clock)

        asyncio.run(story())

    return run


async def a_second(report, said, clock, seconds=1.0):
    clock.now += seconds
    report.look()
    return [line for line in said() if "datagrams received" not in line]


@reported
async def test_nothing_is_said_while_nothing_changes(node, report, said, clock):
    for _ in range(1000):
        assert await a_second(report, said, clock) == []


@reported
async def test_nodes_that_come_and_all_that_go(node, report, said, clock):
    config = node.config._replace(data=node.world.folder.path / "b", edges=[node.address])
    async with dave.Node(config) as other:
        await until_async(lambda: len(node.core.table))
        assert (await a_second(report, said, clock))[-1] == "joined: 1 other node is known"
        assert await a_second(report, said, clock) == []
        other_id = other.core.id
    await until_async(lambda: node.core.table.get(other_id) is None)
    assert "all other nodes are lost (1 were known)" in await a_second(report, said, clock)


@reported
async def test_who_expects_others_and_knows_none_is_told_why(node, report, said, clock):
    node.core.edges = (Peer(("127.0.0.9", 9)),)
    assert await a_second(report, said, clock, 14) == []
    [line] = await a_second(report, said, clock)
    assert line == ("no other node is known, the edge cannot be used: 127.0.0.9:9; does it run, "
                    "and does UDP get through?")  # fmt: skip
    assert await a_second(report, said, clock, 3000) == []
    node.core.tally.failed[FailReason.OTHER_NETWORK] = 1
    [line] = await a_second(report, said, clock, 600)
    assert "--secret-file" in line
    node.core.tally.failed[FailReason.OTHER_NETWORK] = 0
    node.core.tally.failed[FailReason.OTHER_KEY] = 1
    [line] = await a_second(report, said, clock, 3600)
    assert "another key" in line


@reported
async def test_a_clock_that_is_wrong_and_then_right(node, report, said, clock):
    skew, far = node.core.clock_skew, LOG_CLOCK_SECONDS * 2000
    for peer in range(CLOCK_VOICES):
        skew.told(peer, far)
    assert await a_second(report, said, clock) == [
        "this clock is 60 s behind those of other nodes: set it, by NTP at best"
    ]
    assert await a_second(report, said, clock) == []
    for peer in range(CLOCK_VOICES):
        skew.told(peer, 0)
    assert await a_second(report, said, clock) == ["the clock is right again"]


@reported
async def test_many_drops_are_told_once_a_minute_the_most_frequent_first(node, report, said, clock):
    for _ in range(LOG_DROPS_MIN):
        node.core.drops.add(Drop.NO_SESSION)
    node.core.drops.add(Drop.RATE)
    assert await a_second(report, said, clock, 30) == []
    assert await a_second(report, said, clock, 30) == [
        "101 datagrams and messages were dropped within a minute: 100 no session, 1 rate"
    ]
    assert await a_second(report, said, clock, 60) == []


@reported
async def test_a_node_that_nobody_reaches_says_so(node, report, said, clock):
    node.core.is_reached = False
    [line] = await a_second(report, said, clock)
    assert line.startswith("no other node reaches this one")
    assert node.address.rpartition(":")[2] in line
    node.core.is_reached = True
    assert await a_second(report, said, clock) == ["other nodes reach this one again"]


@reported
async def test_traffic_is_a_line_a_second_for_who_asks_for_it(node, report, said, clock):
    async with dave.connect(node.address, key=dave.Key.generate()) as client:
        for i in range(20):
            await client.put(f"{i}", b"", ttl=60, listed=False)
    said()
    report.look()
    [line] = said()
    assert "20 puts" in line
    report.look()
    assert said() == []


def test_start_and_end_are_told_with_their_figures(tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="dave")

    async def story():
        config = dave.Config(listen="127.0.0.1:0", data=tmp_path, capacity=1 << 20)
        async with dave.Node(config) as node:
            async with dave.connect(node.address, key=dave.Key.generate()) as client:
                await client.put("a", b"", ttl=60, listed=False)
            return node.address

    address = asyncio.run(story())
    lines = {record.getMessage().split()[0]: record for record in caplog.records}
    assert lines["listening"].getMessage() == f"listening on {address}, network dave"
    assert lines["node"].fields["address"] == address
    ended = lines["stopped"].fields
    assert (ended["puts"], ended["entries"]) == (1, 1)
    assert ended["received_bytes"] > 0
    assert monotonic_ns() > 0
