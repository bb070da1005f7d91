"""One stripe: the wanted shares where all is well, any k where not, and an end where there are too
few."""

import asyncio

import pytest

from dave.crypto.network import network
from dave.edge.blocking import BlockingDriver
from dave.edge.connect import client_core
from dave.edge.files.share_nodes import GOOD
from dave.edge.files.stripe_fetch import ShareSource, StripeFetch
from dave.errors import NotWhole
from dave.share_limits import BLOCK_BYTES
from tests.edge.drivers import NOBODY, asyncio_driver
from tests.edge.fake_shares import FakeShares
from tests.edge.stored_files import content, store

SIZE = 3 * BLOCK_BYTES + 5


def holder(shares, row, number):
    """The node that has share `number`."""
    return next(node for node in shares.nodes if row.addresses[number] in node.shares)


def fetch(change=None, wanted=range(4), data=None, k=4, n=6):
    """Fetch a stripe after `change(shares, row)`: row, nodes, shares found, how many were asked
    for, source, time."""
    shares = FakeShares(n)
    row = store(shares, data or content(SIZE), k, n, room=1 << 20).top_rows()[0]
    if change is not None:
        change(shares, row)

    async def story():
        with asyncio_driver() as driver:
            source = ShareSource(driver, shares)
            found = await StripeFetch(source, row, wanted, "part 1 of 1").run()
            source.locator.close()
            return found, shares.fetches, source, driver.now()

    return (row, shares, *asyncio.run(story()))


def test_the_wanted_shares_and_no_others():
    row, shares, found, fetches, _, _ = fetch()
    assert sorted(found) == [0, 1, 2, 3]
    assert fetches == 4
    for number, share in found.items():
        assert share == holder(shares, row, number).shares[row.addresses[number]]


def test_a_part_of_a_stripe_takes_no_more_than_it_needs():
    _, _, found, fetches, _, _ = fetch(wanted=[2])
    assert (sorted(found), fetches) == ([2], 1)


def test_a_lacking_share_is_replaced_by_any_other():
    def lose(shares, row):
        holder(shares, row, 1).shares.pop(row.addresses[1])

    _, _, found, _, source, _ = fetch(lose)
    assert len(found) >= 4
    assert 1 not in found
    assert not source.nodes.guesses_hold


def test_a_part_of_a_stripe_of_which_the_share_is_lost_takes_k():
    def lose(shares, row):
        holder(shares, row, 1).shares.pop(row.addresses[1])

    _, _, found, _, _, _ = fetch(lose, wanted=[1])
    assert len(found) >= 4


def test_a_corrupting_node_is_known_from_then_on():
    def corrupt(shares, row):
        holder(shares, row, 2).corrupts = True

    row, shares, found, _, source, _ = fetch(corrupt)
    assert 2 not in found
    assert source.nodes.bad == [holder(shares, row, 2).peer]


def test_a_late_share_is_done_without_and_its_node_remembered():
    def hang(shares, row):
        slow, reach = holder(shares, row, 0).peer, shares._reach

        async def hanging(peer):
            if peer == slow:
                await asyncio.get_running_loop().create_future()
            return await reach(peer)

        shares._reach = hanging

    row, shares, found, _, source, now = fetch(hang)
    assert 0 not in found
    assert source.nodes.of(holder(shares, row, 0).peer).standing(now) > GOOD


def test_copies_and_equal_blocks_are_fetched_once():
    _, _, found, fetches, _, _ = fetch(data=content(100), k=1, n=3, wanted=[0])
    assert (sorted(found), fetches) == ([0, 1, 2], 1)
    _, _, found, fetches, _, _ = fetch(data=bytes(4 * BLOCK_BYTES))
    assert set(range(4)) <= set(found)
    assert fetches <= 4


def test_too_few_are_an_error_that_says_what_is_missing():
    def lose(shares, row):
        for number in range(3):
            holder(shares, row, number).corrupts = True

    with pytest.raises(NotWhole, match=r"3 of the shares that it takes, 4, .* damaged shares: 3"):
        fetch(lose)


def test_in_the_blocking_client_an_error_ends_all_that_was_asked_for():
    driver = BlockingDriver(*client_core(NOBODY, network("test", b"")))
    shares = FakeShares(6, pause=lambda: driver.sleep(0))
    row = store(shares, content(SIZE), 4, 6, room=1 << 20).top_rows()[0]
    ended = []

    async def fetch(peer, address, seconds):
        try:
            await driver.sleep(0 if address == row.addresses[3] else 60)
            raise OSError("broken")
        finally:
            ended.append(address)

    shares.fetch = fetch
    source = ShareSource(driver, shares)
    with pytest.raises(OSError, match="broken"):
        driver.run(StripeFetch(source, row, range(4), "part 1 of 1").run())
    assert sorted(ended) == sorted(row.addresses[:4])
    source.locator.close()
    driver.close()
