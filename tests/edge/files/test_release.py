"""Releases reach every node that may hold a share, and never raise for who is silent."""

import pytest

from dave.crypto import sign
from dave.edge.entries import Entries
from dave.edge.files.place import Placer
from dave.edge.files.release import release_rows
from dave.wire.stripe import place_of_stripe
from tests.edge.fake_shares import FakeShares
from tests.edge.file_stripes import KEY, UPLOAD, sealed, signed, story


async def stored(driver, shares, count, **options):
    """So many stripes, placed; their rows."""
    network = driver.core.network
    placer = Placer(shares, driver, network, 0)
    made = [sealed(3000, (1, 3), seed=seed) for seed in range(count)]
    for each in made:
        await placer.place(signed(each.row, network, **options), each.shares)
    return [each.row for each in made]


async def several(rows):
    for row in rows:
        yield row


@pytest.mark.parametrize("nodes", [1, 6, 60])
def test_all_that_hold_a_share_are_told(nodes):
    async def run(driver):
        shares = FakeShares(nodes)
        rows = await stored(driver, shares, 10)
        assert sum(len(node.records) for node in shares.nodes) > 0
        other = await stored(driver, shares, 1, reference=b"o" * 16)
        released = await release_rows(
            shares, Entries(driver, KEY), KEY, UPLOAD.reference, several(rows), 5.0
        )
        assert released.records == 10 * min(3, nodes)
        assert released.silent == 0
        left = {key[0] for node in shares.nodes for key in node.records}
        assert left == {row.stripe_id for row in other}
        assert sum(len(node.shares) for node in shares.nodes) == min(3, nodes)

    story(run)


def test_who_is_silent_is_counted():
    async def run(driver):
        shares = FakeShares(6)
        rows = await stored(driver, shares, 2)
        near = shares.nearest

        async def all_known(place, count, seconds):
            shares.nodes[0].is_down = False
            peers = await near(place, count, seconds)
            shares.nodes[0].is_down = True
            return peers

        shares.nearest = all_known
        released = await release_rows(
            shares, Entries(driver, KEY), KEY, UPLOAD.reference, rows, 5.0
        )
        assert (released.nodes, released.silent) == (5, 1)
        for node in shares.nodes:
            node.is_down = True
        shares.nearest = near
        nothing = await release_rows(shares, Entries(driver, KEY), KEY, UPLOAD.reference, rows, 5.0)
        assert nothing == (0, 0, 0, False)

    story(run)


def test_it_is_signed():
    async def run(driver):
        shares, seen = FakeShares(6), []
        release = shares.release

        async def kept(peer, word, seconds):
            seen.append(word)
            return await release(peer, word, seconds)

        shares.release = kept
        rows = await stored(driver, shares, 1)
        await release_rows(shares, Entries(driver, KEY), KEY, UPLOAD.reference, rows, 5.0)
        [word] = {each.data: each for each in seen}.values()
        signed_bytes = word.signed_bytes(driver.core.network)
        assert sign.verify(KEY.owner, word.signature + signed_bytes)
        assert (word.owner, word.reference) == (KEY.owner, UPLOAD.reference)

    story(run)


def test_who_holds_a_share_that_was_mended_is_told_too():
    async def run(driver):
        shares = FakeShares(60)
        made = sealed(3000, (1, 14))
        record = signed(made.row, driver.core.network)
        near = await shares.nearest(place_of_stripe(record.stripe_id), 28, 5.0)
        shares.node(near[27]).take(record, 0, made.shares[0])
        released = await release_rows(
            shares, Entries(driver, KEY), KEY, UPLOAD.reference, [made.row], 5.0
        )
        assert released.records == 1

    story(run)
