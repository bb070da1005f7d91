"""Who holds what: asked of many stripes at once, of the dead only at last, and looked up once where
the network is small."""

import asyncio

import pytest

from dave.edge.files.share_locator import ShareLocator
from dave.edge.files.share_nodes import DEAD, GOOD, LATE, ShareNodes
from dave.errors import Unreachable
from dave.share_limits import STRIPES_ASKED_MAX
from dave.wire.stripe import place_of_stripe
from tests.edge.drivers import asyncio_driver
from tests.edge.fake_shares import FakeShares
from tests.edge.stored_files import content, store


def story(told, count=6, stripes=3):
    """Run `told` with a locator, fake shares and the rows of a file of small stripes."""

    async def run():
        shares = FakeShares(count)
        rows = [
            store(shares, content(10, seed=seed), 2, 6, room=1 << 20).top_rows()[0]
            for seed in range(stripes)
        ]
        with asyncio_driver() as driver:
            nodes = ShareNodes()
            locator = ShareLocator(driver, shares, nodes)
            try:
                await told(locator, shares, rows, nodes, driver)
            finally:
                locator.close()

    asyncio.run(run())


def count_calls(shares, name):
    calls, real = [], getattr(shares, name)

    async def counted(*args):
        calls.append(args)
        return await real(*args)

    setattr(shares, name, counted)
    return calls


def test_many_stripes_are_asked_for_together():
    async def told(locator, shares, rows, nodes, driver):
        asked = count_calls(shares, "held")
        found = await asyncio.gather(*(locator.holders(row.stripe_id) for row in rows))
        assert len(asked) == 6 * 2
        assert all(len(ids) <= STRIPES_ASKED_MAX for _, ids, _ in asked)
        for row, holders in zip(rows, found, strict=True):
            assert {number for number, _ in holders} == set(range(row.shape.n))
            for number, peer in holders:
                assert row.addresses[number] in shares.node(peer).shares

    story(told, stripes=STRIPES_ASKED_MAX + 3)


def test_a_small_network_is_looked_up_once():
    async def told(locator, shares, rows, nodes, driver):
        looked = count_calls(shares, "nearest")
        for row in rows:
            near = await locator.nearest(row.stripe_id, 4)
            place = int.from_bytes(row.stripe_id[:8], "big")
            assert near == sorted(near, key=lambda peer: peer.id ^ place)
            assert len(near) == 4
        assert len(looked) == 1

    story(told)


def test_a_large_network_is_looked_up_for_each_stripe():
    async def told(locator, shares, rows, nodes, driver):
        looked = count_calls(shares, "nearest")
        for row in rows:
            await locator.nearest(row.stripe_id, 4)
        assert len(looked) == len(rows)

    story(told, count=40)


def test_the_dead_are_asked_only_at_last():
    async def told(locator, shares, rows, nodes, driver):
        (dead,) = await shares.nearest(place_of_stripe(rows[0].stripe_id), 1, 1.0)
        nodes.silent(nodes.of(dead), driver.now())
        asked = count_calls(shares, "held")
        assert dead not in [peer for _, peer in await locator.holders(rows[0].stripe_id)]
        assert len(asked) == 5
        found = await locator.holders(rows[0].stripe_id, ask_dead=True)
        assert dead in [peer for _, peer in found]

    story(told)


def test_who_is_silent_says_nothing_and_is_dead():
    async def told(locator, shares, rows, nodes, driver):
        await locator.nearest(rows[0].stripe_id, 6)
        shares.nodes[0].is_down = True
        found = await locator.holders(rows[0].stripe_id)
        assert shares.nodes[0].peer not in [peer for _, peer in found]
        assert len(found) >= rows[0].shape.n - 1
        assert nodes.of(shares.nodes[0].peer).standing(driver.now()) == DEAD

    story(told)


def test_nobody_there():
    async def told(locator, shares, rows, nodes, driver):
        for node in shares.nodes:
            node.is_down = True
        with pytest.raises(Unreachable):
            await locator.holders(rows[0].stripe_id)

    story(told)


def test_a_greeting_tells_the_living_from_those_who_are_waited_for():
    async def told(locator, shares, rows, nodes, driver):
        reach = shares._reach

        async def hang(peer):
            if peer == shares.nodes[2].peer:
                await asyncio.get_running_loop().create_future()
            return await reach(peer)

        shares._reach = hang
        shares.nodes[1].is_down = True
        asked = count_calls(shares, "held")
        peers = [node.peer for node in shares.nodes]
        judged = []
        for _ in range(2):
            locator.greet(peers, 0.05, judged.append)
        assert await locator.answers(peers[2]), "until it is judged nobody knows better"
        assert judged == [nodes.of(peers[2])]
        assert not await locator.answers(peers[1])
        judged[0].late += 1
        standings = [nodes.of(peer).standing(driver.now()) for peer in peers]
        assert standings == [GOOD, DEAD, LATE, GOOD, GOOD, GOOD]
        assert len(asked) == 6

    story(told)
