"""What `status` and `peers` say is what happened."""

import asyncio
import time
from pathlib import Path

import dave
from dave.edge.journal_file import Damage, Replay
from dave.edge.status import damage_texts, peers_of, status_of
from dave.peers.contact import Contact
from tests.processes import until_async


def test_figures_follow_what_happened(tmp_path):
    key = dave.Key.generate()

    async def story():
        config = dave.Config(listen="127.0.0.1:0", data=tmp_path / "one", capacity=1 << 20)
        async with dave.Node(config) as node:
            before = status_of(node)
            async with dave.connect(node.address, key=key) as d:
                await d.put("k", b"v", ttl=60, listed=False)
                await d.get("k")
                await d.get("absent")
            after = status_of(node)
        return node, before, after

    node, before, after = asyncio.run(asyncio.wait_for(story(), 30))
    assert (before["entries"], before["bytes_used"], before["puts"]) == (0, 0, {})
    assert (after["entries"], after["puts"], after["puts_waiting"]) == (1, {"stored": 1}, 0)
    assert after["bytes_used"] == 120 + 1 + 1 + 600
    assert (after["gets_found"], after["gets_absent"]) == (1, 1)
    assert after["bytes_capacity"] == 1 << 20
    assert after["sessions"] == 1
    assert (before["received_bytes"], before["sent_bytes"]) == (0, 0)
    assert min(after["received_bytes"], after["sent_bytes"]) > 120
    assert after["journal_bytes"] > before["journal_bytes"]
    assert (after["read_only"], after["journal_damage"], after["drops"]) == (None, [], {})
    assert (before["seen_at"], after["reached"]) == (None, True)
    assert (after["sync"], after["network"]) == ("always", "dave")
    assert (after["address"], after["key"]) == (node.address, node.public_key)


def test_peers_are_those_of_the_table(tmp_path):
    async def story():
        def config(name, *edges):
            return dave.Config(
                listen="127.0.0.1:0", data=tmp_path / name, edges=edges, capacity=1 << 20
            )

        async with (
            dave.Node(config("one")) as one,
            dave.Node(config("two", one.address)) as two,
        ):
            await until_async(lambda: len(one.core.table) and len(two.core.table))
            return two, peers_of(one)["peers"], status_of(one), status_of(two)["seen_at"]

    two, [peer], status, seen_at = asyncio.run(asyncio.wait_for(story(), 30))
    assert peer["address"] == two.address
    assert peer["key"] == two.public_key
    assert peer["id"] == f"{two.core.id:016x}"
    assert peer["rtt_ms"] is None or peer["rtt_ms"] > 0
    assert 0 <= peer["heard_seconds_ago"] < 30
    assert (peer["trust"], peer["since_seconds"]) == (None, None)
    assert (peer["kept"], peer["broken"]) == (0, 0)
    assert status["peers"] == 1
    assert (seen_at, status["reached"]) == (two.address, True)


def test_trust_is_what_promises_have_shown(tmp_path):
    async def story():
        config = dave.Config(listen="127.0.0.1:0", data=tmp_path / "one", capacity=1 << 20)
        async with dave.Node(config) as node:
            now = time.monotonic_ns()
            for number in range(1, 4):
                told = Contact(bytes([number]) * 32, bytes(8), ("10.0.0.1", number), number)
                node.core.table.add(told, now)
            for _ in range(20):
                node.core.trust.kept(1, now)
            node.core.trust.broke(2, now - 3600 * 10**9)
            return peers_of(node)["peers"]

    good, bad, new = asyncio.run(asyncio.wait_for(story(), 30))
    assert good["trust"] > 0.8
    assert (good["broken"], bad["trust"], bad["kept"], bad["broken"]) == (0, 0, 0, 1)
    assert 15 < good["kept"] < 20
    assert 3600 <= bad["since_seconds"] < 3630
    assert (new["trust"], new["since_seconds"]) == (None, None)


def test_damage_in_words():
    path = Path("folder") / "00000001.journal"
    replay = Replay(3, 0, [Damage(path, 1024, 1200)], [Damage(path, 2000, 2010)], [])
    assert damage_texts(replay) == [
        "00000001.journal: an unfinished record at the end was cut off (10 bytes)",
        "00000001.journal: bytes 1024 to 1200 are damaged and were skipped; the file is kept",
    ]
