"""The table keeps to Prometheus's conventions, and tells what happened."""

import asyncio
from time import monotonic_ns

import dave
from dave.edge.metrics import METRICS, Kind, View
from dave.histogram import Histogram
from dave.limits import SHARDS
from tests.processes import until_async

BY_NAME = {metric.name: metric for metric in METRICS}


def read(node, *names, cores=None):
    view = View(node, cores or (node.core,), monotonic_ns())
    return [BY_NAME[name].read(view) for name in names]


def test_names_are_told_once_and_end_as_their_kind_asks():
    assert len(BY_NAME) == len(METRICS)
    for metric in METRICS:
        assert metric.name.startswith("dave_")
        assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER), metric.name
        assert metric.name.endswith("_info") == (metric.kind is Kind.INFO), metric.name
        assert metric.text.endswith("."), metric.name
        if metric.kind is Kind.HISTOGRAM:
            assert metric.name.endswith("_seconds")


def test_each_can_be_read_and_its_labels_are_few(tmp_path):
    async def story(capacity):
        config = dave.Config(listen="127.0.0.1:0", data=tmp_path / f"{capacity}", capacity=1 << 20,
                             blob_capacity=capacity)  # fmt: skip
        async with dave.Node(config) as node:
            for metric in METRICS:
                value = read(node, metric.name)[0]
                if value is None:
                    assert not capacity or metric.name == "dave_clock_ahead_seconds"
                elif metric.kind is Kind.INFO:
                    assert all(isinstance(each, str) for each in value.values())
                elif metric.label:
                    assert 2 <= len(value) <= SHARDS
                    kinds = {isinstance(each, Histogram) for each in value.values()}
                    assert kinds == {metric.kind is Kind.HISTOGRAM}
                else:
                    assert isinstance(value, Histogram) == (metric.kind is Kind.HISTOGRAM)

    for capacity in (0, 1 << 20):
        asyncio.run(story(capacity))


def test_they_tell_what_happened(tmp_path):
    async def story():
        config = dave.Config(listen="127.0.0.1:0", data=tmp_path, capacity=1 << 20)
        async with (
            dave.Node(config) as node,
            dave.connect(node.address, key=dave.Key.generate()) as client,
        ):
            await client.put("a", b"1", ttl=60, listed=False)
            assert await client.get("a") is not None
            assert await client.get("b") is None
            await check(node, client)

    async def check(node, client):
        shards, gets, puts, took, synced, sent = read(
            node, "dave_stored_entries", "dave_gets_total", "dave_puts_total",
            "dave_put_seconds", "dave_journal_sync_seconds", "dave_udp_sent_bytes_total",
        )  # fmt: skip
        assert sum(shards.values()) == 1
        assert gets["found"] >= 1
        assert gets["absent"] >= 1
        assert (puts["stored"], len(took)) == (1, 1)
        assert len(synced) >= 1
        assert sent > 0
        own, times, hashes = read(
            node, "dave_own_gets_total", "dave_own_get_seconds", "dave_stamp_hashes_total",
            cores=(node.core, client.core),
        )  # fmt: skip
        assert own == {"found": 1, "absent": 1, "failed": 0}
        assert len(times) == 2
        assert hashes > 0
        await until_async(lambda: len(read(node, "dave_loop_lag_seconds")[0]))

    asyncio.run(story())


def test_peers_are_counted_by_the_trust_they_earned(tmp_path):
    async def story():
        config = dave.Config(listen="127.0.0.1:0", data=tmp_path / "a", capacity=1 << 20)
        async with dave.Node(config) as node:
            other = config._replace(data=tmp_path / "b", edges=[node.address])
            async with dave.Node(other) as second:
                await until_async(lambda: len(node.core.table) and len(second.core.table))
                names = "dave_active_nodes", "dave_trusted_nodes", "dave_clock_ahead_seconds"
                await until_async(lambda: read(node, names[2])[0] is not None)
                alive, trust, ahead = read(node, *names)
                assert (alive, trust["untested"]) == (1, 1)
                assert abs(ahead) < 60
                peer = second.core.id
                for _ in range(100):
                    node.core.trust.kept(peer, monotonic_ns())
                assert read(node, names[1]) == [{"untested": 0, "low": 0, "middle": 0, "high": 1}]
                for _ in range(400):
                    node.core.trust.broke(peer, monotonic_ns())
                assert read(node, names[1])[0]["low"] == 1

    asyncio.run(story())


def test_every_failure_of_a_handshake_has_its_name(tmp_path):
    async def story():
        config = dave.Config(listen="127.0.0.1:0", data=tmp_path, capacity=1 << 20)
        async with dave.Node(config) as node:
            failed = node.core.tally.failed
            for i in range(len(failed)):
                failed[i] = i + 1
            found = read(node, "dave_handshakes_total")[0]
            assert sorted(found.values()) == [0, 0, *range(1, len(failed) + 1)]

    asyncio.run(story())
