"""Shares between real nodes and real clients: many at a time, a node that dies, one that lies."""

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

import dave
from dave.drops import Drop
from dave.edge.connect import parse_edge
from dave.edge.files.shares import Shares
from dave.edge.keyfile import save_network_secret
from dave.errors import ShareCorrupt, ShareLacking, Unreachable
from dave.node.requests import Peer
from dave.wire.share_status import ShareStatus
from tests.edge.share_nodes import NETWORK, node_at, stripes_for
from tests.processes import until, until_async

SECONDS = 60
SIZE = 60_000


def peer_of(node):
    key = node.core.identity
    return Peer(parse_edge(node.address).address, key.public_key, key.nonce, key.id)


@asynccontextmanager
async def cluster(folder, count, **options):
    """That many nodes which know each other, a client, and its Shares."""
    async with AsyncExitStack() as stack:
        nodes = []
        for i in range(count):
            edges = [nodes[0].address] if nodes else []
            node = node_at(folder / f"n{i}", *edges, **options)
            nodes.append(await stack.enter_async_context(node))
        await met(*nodes)
        d = await stack.enter_async_context(dave.connect(nodes[0].address, **NETWORK))
        yield nodes, d, Shares(d._driver)


async def met(*nodes):
    end = time.monotonic() + SECONDS
    while any(len(node.core.table) < len(nodes) - 1 for node in nodes):
        assert time.monotonic() < end, "they never met"
        await asyncio.sleep(0.02)


def jobs(d, peers, stripes, size=SIZE):
    maker = stripes_for(d._driver.core)
    made = [maker.stripe(4, size) for _ in range(stripes)]
    return [
        (peers[(i + j) % len(peers)], record, j, shares[j])
        for i, (record, shares) in enumerate(made)
        for j in range(4)
    ]


async def put_all(shares, offers):
    outcomes = await asyncio.gather(*(shares.put(*offer, SECONDS) for offer in offers))
    return [outcome.status for outcome in outcomes]


async def get_all(shares, offers):
    return await asyncio.gather(
        *(shares.fetch(peer, record.address(number), SECONDS) for peer, record, number, _ in offers)
    )


def test_a_thousand_shares_through_three_nodes(tmp_path):
    async def story():
        async with cluster(tmp_path, 3) as (nodes, d, shares):
            peers = await shares.nearest(1 << 63, 20, SECONDS)
            assert {peer.id for peer in peers} == {node.core.id for node in nodes}
            assert peers == sorted(peers, key=lambda peer: peer.id ^ 1 << 63)
            offers = jobs(d, peers, 250)
            assert await put_all(shares, offers) == [ShareStatus.STORED] * 1000
            assert sum(len(node.core.shares.index) for node in nodes) == 1000
            assert await get_all(shares, offers) == [share for *_, share in offers]
            assert await put_all(shares, offers) == [ShareStatus.HELD] * 1000
            record, peer = offers[0][1], offers[0][0]
            ids = [bytes(32), record.stripe_id]
            nothing, held = await shares.held(peer, ids, SECONDS)
            assert (nothing, held[0]) == (None, record)
            release = stripes_for(d._driver.core).release()
            dropped = [await shares.release(peer, release, SECONDS) for peer in peers]
            assert dropped == [250] * 3
            with pytest.raises(ShareLacking):
                await shares.fetch(peer, record.address(0), SECONDS)

    asyncio.run(story())


def test_shares_outlive_the_process_that_took_them(home):
    """What was acknowledged is there after a kill -9 in the middle, and the rest gets there."""
    options = ("--network", "shares", "--sync", "always")
    secret = home.folder / "secret"
    save_network_secret(secret, NETWORK["secret"])
    node = home.start(*options, "--secret-file", str(secret), data="n0")
    host, port = node.host_port
    again = []

    async def story():
        async with dave.connect(node.address, **NETWORK) as d:
            shares = Shares(d._driver)
            peers = await shares.nearest(0, 1, SECONDS)
            offers = jobs(d, peers, 40, 200_000)
            tasks = [asyncio.create_task(shares.put(*offer, SECONDS)) for offer in offers]
            await until_async(lambda: sum(task.done() for task in tasks) >= 20)
            node.kill()
            outcomes = [outcome.status for outcome in await asyncio.gather(*tasks)]
            stored = [status is ShareStatus.STORED for status in outcomes]
            assert 20 <= sum(stored) < 160
            assert outcomes.count(ShareStatus.NO_ANSWER) == 160 - sum(stored)
            again.append(home.start(
                *options, "--secret-file", str(secret), listen=f"{host}:{port}", data="n0"
            ))  # fmt: skip
            acknowledged = [offer for offer, ok in zip(offers, stored, strict=True) if ok]
            got = await get_all(shares, acknowledged)
            assert got == [share for *_, share in acknowledged]
            statuses = await put_all(shares, offers)
            assert set(statuses) <= {ShareStatus.STORED, ShareStatus.HELD}
            assert await get_all(shares, offers) == [share for *_, share in offers]

    asyncio.run(story())
    until(lambda: again[0].status()["files"]["shares"] == 160)


def test_a_corrupting_node_is_found(tmp_path):
    async def story():
        async with cluster(tmp_path, 3) as (nodes, d, shares):
            peers = [peer_of(node) for node in nodes]
            offers = jobs(d, peers, 6)
            assert await put_all(shares, offers) == [ShareStatus.STORED] * 24
            bad = nodes[1]
            read = bad.core.shares.effects.read

            def corrupting(address, offset, count, done):
                def flipped(data, now):
                    done(bytes((data[0] ^ 1,)) + data[1:], now)

                read(address, offset, count, flipped)

            bad.core.shares.effects.read = corrupting
            got = await asyncio.gather(
                *(shares.fetch(peer, r.address(i), SECONDS) for peer, r, i, _ in offers),
                return_exceptions=True,
            )
            for (peer, _, _, share), result in zip(offers, got, strict=True):
                if peer.id == bad.core.id:
                    assert isinstance(result, ShareCorrupt)
                    assert bad.address in str(result)
                else:
                    assert result == share
            core = d._driver.core
            assert core.drops.counts[Drop.SHARE_CORRUPT] == 8
            assert core.trust.evidence(bad.core.id).broken > 7
            assert core.trust.evidence(nodes[0].core.id) is None

    asyncio.run(story())


def test_nobody_there(tmp_path):
    async def story():
        async with cluster(tmp_path, 1) as (nodes, d, shares):
            offers = jobs(d, [peer_of(nodes[0])], 1)
            nobody = Peer(("127.0.0.1", 1), bytes(32), bytes(8), 5)
            core, record = d._driver.core, offers[0][1]
            outcome = await shares.put(nobody, *offers[0][1:], 2)
            assert outcome.status in (ShareStatus.NO_ANSWER, ShareStatus.TIMED_OUT)
            assert not outcome.is_stored
            with pytest.raises(Unreachable):
                await shares.fetch(nobody, record.address(0), 2)
            with pytest.raises(Unreachable):
                await shares.held(nobody, [record.stripe_id], 2)
            assert core.uploads._lanes == {}

    asyncio.run(story())


def test_who_stops_waiting_is_not_told(tmp_path):
    async def story():
        async with cluster(tmp_path, 1) as (nodes, d, shares):
            peer = peer_of(nodes[0])
            offers = jobs(d, [peer], 10)
            tasks = [asyncio.create_task(shares.put(*offer, SECONDS)) for offer in offers]
            await asyncio.sleep(0)
            for task in tasks[::2]:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes[::2])
            assert [o.status for o in outcomes[1::2]] == [ShareStatus.STORED] * 20
            fetches = [
                asyncio.create_task(shares.fetch(peer, r.address(i), SECONDS))
                for _, r, i, _ in offers
            ]
            await asyncio.sleep(0)
            for task in fetches[::2]:
                task.cancel()
            got = await asyncio.gather(*fetches[1::2])
            assert got == [share for *_, share in offers[1::2]]

    asyncio.run(story())


def test_the_blocking_client_has_shares_too(tmp_path, home):
    secret = home.folder / "secret"
    save_network_secret(secret, NETWORK["secret"])
    node = home.start("--network", "shares", "--secret-file", str(secret), data="n0")
    with dave.connect_sync(node.address, **NETWORK) as d:
        driver = d._driver
        shares = Shares(driver)

        async def story():
            peers = await shares.nearest(0, 5, SECONDS)
            record, made = stripes_for(driver.core).stripe(4, 200_000)
            for i, share in enumerate(made):
                outcome = await shares.put(peers[0], record, i, share, SECONDS)
                assert outcome.status is ShareStatus.STORED
            return [await shares.fetch(peers[0], a, SECONDS) for a in record.addresses] == made

        assert driver.run(story())
