"""Rows of what stands: all of them are found, and known by what their stripes hold."""

import pytest

from dave.edge.files.rows import KnownRows, rows_of
from dave.edge.files.upload_journal import fingerprint_of
from dave.errors import NetworkError, NotWhole
from tests.edge.fake_shares import FakeShares
from tests.edge.file_stripes import sealed, story
from tests.edge.stored_files import content, store

BLOCK = 256 << 10


@pytest.mark.parametrize("size", [0, 1, 4 * BLOCK, 40 * BLOCK])
@pytest.mark.parametrize("room", [1000, 400])
def test_each_stripe_of_every_level(size, room):
    async def run(driver):
        shares = FakeShares(6)
        root = store(shares, content(size), room=room)
        rows = [row async for row in rows_of(root, driver, shares)]
        ids = {key[0] for node in shares.nodes for key in node.records}
        assert {row.stripe_id for row in rows} == ids

    story(run)


def test_a_manifest_that_cannot_be_read():
    async def run(driver):
        shares = FakeShares(6)
        root = store(shares, content(40 * BLOCK), room=400)
        for node in shares.nodes:
            node.shares.clear()
        with pytest.raises((NotWhole, NetworkError)):
            [row async for row in rows_of(root, driver, shares)]

    story(run)


def test_rows_are_known_by_the_keys_of_their_blocks(monkeypatch):
    known, rows = KnownRows(), [sealed(5000, seed=seed).row for seed in range(4)]
    monkeypatch.setattr("dave.edge.files.rows.KNOWN_ROWS_MAX", 3)
    for row in rows:
        known.add(row)
    prints = [fingerprint_of(b"".join(row.keys)) for row in rows]
    assert [known.row(each) for each in prints] == [*rows[:3], None]
    assert len(known) == 3
    known.close()
