"""Real nodes mend real files: a share damaged on disk, and what died with a node."""

import asyncio
import time
from random import Random
from types import SimpleNamespace

import pytest

from dave.edge.status import status_of
from dave.files.code import Code
from dave.names import hybrid_time
from dave.node.shares import audits, stripe_repair, stripe_watch
from dave.testing.owner import Owner
from sim import stripes
from tests.edge.files.test_shares import SECONDS, cluster, met
from tests.edge.share_nodes import node_at
from tests.processes import until_async

SHARE_BYTES = 100_000


@pytest.fixture
def hurried(monkeypatch):
    """Nobody waits for long."""
    monkeypatch.setattr(stripe_watch, "STRIPE_SETTLE_SECONDS", 0)
    monkeypatch.setattr(stripe_watch, "STRIPE_LOOK_SECONDS", 0.2)
    monkeypatch.setattr(stripe_watch, "SHARE_AUDIT_SECONDS", 0.1)
    monkeypatch.setattr(stripe_watch, "SHARE_LEAF_SECONDS", 0.1)
    monkeypatch.setattr(audits, "SHARE_LEAF_SECONDS", 0.1)
    monkeypatch.setattr(stripe_repair, "STRIPE_SETTLE_SECONDS", 0.2)
    monkeypatch.setattr(stripe_repair, "STRIPE_GRACE_SECONDS", 0.2)
    monkeypatch.setattr(stripe_repair, "STRIPE_TURN_SECONDS", 1)


async def put(d, shares, seed=1):
    """A stripe of which any two of three shares suffice, its shares at the nearest nodes."""
    rng = Random(seed)
    now = hybrid_time(time.time_ns() // 1_000_000)
    world = SimpleNamespace(rng=rng, time=lambda: now)
    owner = Owner(rng, d._driver.core.network)
    stripe = stripes.make(world, owner, Code(2, 3), SHARE_BYTES, 86_400)
    peers = await shares.nearest(stripe.place, 3, SECONDS)
    for i, peer in enumerate(peers):
        outcome = await shares.put(peer, stripe.record, i, stripe.shares[i], SECONDS)
        assert outcome.is_stored
    return stripe


def holders(nodes, stripe, number):
    """The nodes that hold a share, and have it on disk."""
    address = stripe.record.address(number)
    return [node for node in nodes if node.core.shares.index.holds(address) is not None]


def test_a_share_that_is_lost_here_is_rebuilt_here(tmp_path):
    async def story():
        async with cluster(tmp_path, 3) as (nodes, d, shares):
            stripe = await put(d, shares)
            for number in range(3):
                (node,) = holders(nodes, stripe, number)
                service = node.core.shares
                service.effects.drop(service.index.lost(stripe.record.address(number)))
                node._runner.flush()
                await until_async(lambda n=number: holders(nodes, stripe, n) != [])
                assert holders(nodes, stripe, number) == [node]
                peer = next(p for p in await shares.nearest(stripe.place, 3, SECONDS)
                            if p.id == node.core.id)  # fmt: skip
                came = await shares.fetch(peer, stripe.record.address(number), SECONDS)
                assert came == stripe.shares[number]

    asyncio.run(story())


def test_a_file_damaged_on_the_disk_is_found_by_an_audit_and_mended(tmp_path, hurried):
    async def story():
        async with cluster(tmp_path, 3) as (nodes, d, shares):
            stripe = await put(d, shares)
            (node,) = holders(nodes, stripe, 1)
            (file,) = tmp_path.rglob(stripe.record.address(1).hex())
            good = file.read_bytes()
            damaged = bytearray(good)
            damaged[1000] ^= 1
            file.write_bytes(damaged)
            await until_async(lambda: node.core.upkeep.repair.mended == 1)
            await until_async(lambda: file.exists() and file.read_bytes() == good)
            assert holders(nodes, stripe, 1) == [node]
            upkeep = status_of(node)["upkeep"]
            assert (upkeep["mended"], upkeep["lacking"], upkeep["audits_broken"]) == (1, 0, 0)

    asyncio.run(story())


def test_what_died_with_a_node_is_rebuilt_at_another(tmp_path, hurried):
    async def story():
        async with cluster(tmp_path, 4) as (nodes, d, shares):
            async with node_at(tmp_path / "dying", nodes[0].address) as dying:
                await met(*nodes, dying)
                made = []
                while not made or not any(holders([dying], made[-1], i) for i in range(3)):
                    made.append(await put(d, shares, len(made)))

            def whole():
                held = [[holders(nodes, each, i) for i in range(3)] for each in made]
                return all(all(each) for each in held) and held

            for held in await until_async(whole):
                assert len({node.address for each in held for node in each}) >= 3
            await until_async(lambda: sum(node.core.upkeep.repair.rebuilt for node in nodes))

    asyncio.run(story())
