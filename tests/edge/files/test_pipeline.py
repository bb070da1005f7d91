"""The pipeline: its parts alone. All of it together: test_put.py."""

import pytest

from dave.edge.files.pipeline import InFlight, Maker, Pipeline
from dave.edge.files.place import Placer
from dave.edge.files.rows import KnownRows
from dave.edge.files.source import BytesSource
from dave.edge.files.upload_journal import UploadJournal
from dave.files.blocks import convergent
from dave.files.code import Code
from dave.files.tree import plan
from dave.wire.share_status import ShareStatus
from tests.edge.fake_shares import FakeShares
from tests.edge.file_puts import BLOCK, content
from tests.edge.file_stripes import KEY, UPLOAD, sealed, story


@pytest.fixture
def journal(tmp_path):
    made = UploadJournal(tmp_path, KEY.owner, bytes(32))
    made.start(UPLOAD)
    yield made
    made.close()


@pytest.fixture
def known():
    made = KnownRows()
    yield made
    made.close()


def maker(driver, journal, known):
    return Maker(KEY, driver.core.network, UPLOAD, convergent(KEY.seed), journal, known)


def pipeline(driver, shares, journal, known, in_flight, told, room=1000):
    placer = Placer(shares, driver, driver.core.network, 0)
    return Pipeline(
        driver, maker(driver, journal, known), placer, journal, Code(4, 6), room,
        lambda done, sent: told.append((done, sent)), in_flight,
    )  # fmt: skip


def test_room_is_there_for_one_at_least():
    room = InFlight(10)
    assert room.take(25)
    assert not room.take(1)
    room.give(25)
    assert [room.take(5), room.take(5), room.take(1)] == [True, True, False]


def test_a_stripe_is_new_or_known_or_stored(journal, known):
    async def run(driver):
        data = content(3 * BLOCK)
        blocks = [data[i : i + BLOCK] for i in range(0, len(data), BLOCK)]
        made = maker(driver, journal, known)
        new = made.prepare(blocks, 0, 0)
        assert (new.is_known, new.record.reference) == (False, UPLOAD.reference)
        assert new.row == sealed(3 * BLOCK).row
        known.add(new.row)
        again = made.prepare(blocks, 0, 0)
        assert (again.is_known, again.row) == (True, new.row)
        assert [bytes(make()) for make in again.shares] == [bytes(each) for each in new.shares]
        journal.stored(new.fingerprint, new.row.encode())
        stored = made.prepare(blocks, 0, 7)
        assert (stored.is_known, stored.record, stored.row) == (True, None, new.row)

    story(run)


def test_a_row_of_another_code_is_not_what_is_wanted(journal, known):
    async def run(driver):
        data = content(3 * BLOCK)
        blocks = [data[i : i + BLOCK] for i in range(0, len(data), BLOCK)]
        known.add(sealed(3 * BLOCK, code=(4, 5)).row)
        prepared = maker(driver, journal, known).prepare(blocks, 0, 0)
        assert (prepared.is_known, prepared.row.shape.n) == (False, 5)

    story(run)


@pytest.mark.parametrize("size", [0, 1, 9 * BLOCK, 60 * BLOCK])
@pytest.mark.parametrize("room", [1000, 400])
def test_levels_grow_while_the_content_is_read(journal, known, size, room):
    async def run(driver):
        shares, told, in_flight = FakeShares(6), [], InFlight()
        made = pipeline(driver, shares, journal, known, in_flight, told, room)
        root = await made.run(BytesSource(content(size)), UPLOAD.reference)
        assert (root.size, root.levels) == (size, len(plan(size, 4, 6, room)))
        assert [done for done, _ in told] == [
            min(size, stripe * 4 * BLOCK) for stripe in range(1, -(-size // (4 * BLOCK)) + 1)
        ]
        assert made.tally().stripes == journal.rows
        assert in_flight.take(1 << 40), "all room was given back"

    story(run)


def test_room_is_given_back_when_it_fails(journal, known):
    async def run(driver):
        shares, in_flight = FakeShares(6), InFlight()
        for node in shares.nodes:
            node.refuses = ShareStatus.FULL
        made = pipeline(driver, shares, journal, known, in_flight, [])
        with pytest.raises(Exception, match="full at 6 nodes"):
            await made.run(BytesSource(content(40 * BLOCK)), UPLOAD.reference)
        await driver.sleep(0)
        assert in_flight.take(1 << 40)

    story(run)


def test_slow_nodes_are_given_fewer_stripes(journal, known, monkeypatch):
    async def run(driver):
        monkeypatch.setattr("dave.edge.files.pipeline.UPLOAD_STRIPE_SECONDS", 0.0)
        shares = FakeShares(6)
        made = pipeline(driver, shares, journal, known, InFlight(), [])
        await made.run(BytesSource(content(1) * (40 * BLOCK)), UPLOAD.reference)
        assert shares.most_under_way <= 4 * 6
        assert made._window == 1.0

    story(run)
