"""Bad luck between an upload, its journal and the entry: what a standing name leads to is never let
go of, and nothing is acknowledged that has gone meanwhile."""

import errno

import pytest

from dave.edge.files.put import FilePut
from dave.edge.files.upload_journal import UploadJournal
from dave.errors import Conflict, NotStored, UsageError
from dave.files.code import Code
from dave.wire.share_status import ShareStatus
from tests.edge.file_puts import BLOCK, content, putter, story

STRIPE = 4 * BLOCK
DATA = content(6 * STRIPE)


class Killed(BaseException):
    """The client ends here."""


async def killed_after_its_entry(p, monkeypatch, data=DATA, **options):
    """A put whose entry stands, and whose journal was not removed any more."""
    with monkeypatch.context() as patch:
        patch.setattr(UploadJournal, "remove", lambda journal: _kill())
        with pytest.raises(Killed):
            await p.put(data, **options)
    assert await p.read() == data


def _kill():
    raise Killed


async def cut_short(p):
    """A put of which a part is stored."""
    p.shares.failing_after = 24
    with pytest.raises(ConnectionAbortedError):
        await p.put(DATA)
    p.shares.failing_after = None


def test_killed_after_its_entry_then_other_options_that_fail(node, tmp_path, monkeypatch):
    async def run():
        async with putter(node, tmp_path) as p:
            await killed_after_its_entry(p, monkeypatch)
            for each in p.shares.nodes:
                each.refuses = ShareStatus.READ_ONLY
            with pytest.raises(NotStored):
                await p.put(DATA, ttl=7200)
            assert await p.read() == DATA, "it stands still, so it must be there"

    story(run)


def test_killed_after_its_entry_then_the_same_again(node, tmp_path, monkeypatch):
    async def run():
        async with putter(node, tmp_path) as p:
            await killed_after_its_entry(p, monkeypatch)
            sent = p.shares.taken_bytes
            await p.put(DATA)
            assert (await p.read(), p.shares.taken_bytes) == (DATA, sent)
            assert {key[2] for n in p.shares.nodes for key in n.records} == {
                (await p.root()).reference
            }

    story(run)


@pytest.mark.parametrize("by", ["a new version", "a removal"])
def test_killed_after_its_entry_then_replaced_by_another_device(node, tmp_path, monkeypatch, by):
    async def run():
        async with putter(node, tmp_path / "one") as p:
            await killed_after_its_entry(p, monkeypatch)
            if by == "a removal":
                old = (await p.root()).reference
                await p.client.delete("file", uploads=tmp_path / "two")
                for each in p.shares.nodes:
                    each.release(p.key.owner, old)
            else:
                await p.put(content(STRIPE, 2), uploads=tmp_path / "two")
            await p.put(DATA)
            assert await p.read() == DATA, "what the other device has released is put anew"

    story(run)


def test_what_an_earlier_attempt_has_stored_may_have_gone(node, tmp_path):
    async def run():
        async with putter(node, tmp_path) as p:
            await cut_short(p)
            for each in p.shares.nodes:  # they made room for others
                each.shares.clear()
                each.records.clear()
            await p.put(DATA)
            assert await p.read() == DATA

    story(run)


def test_what_stands_is_read_once_no_other_command_can_change_it(node, tmp_path, monkeypatch):
    standing = FilePut._standing

    async def locked(self):
        with pytest.raises(UsageError, match="is being put already"):
            UploadJournal(tmp_path, self._key.owner, self._entry_id)
        return await standing(self)

    async def run():
        async with putter(node, tmp_path) as p:
            monkeypatch.setattr(FilePut, "_standing", locked)
            await p.put(DATA)
            with pytest.raises(Conflict):
                await p.put(DATA, cas=0)
            assert not list(tmp_path.iterdir()), "where nothing was begun, nothing is left"

    story(run)


def test_it_goes_on_by_its_code_where_a_node_has_gone(node, tmp_path):
    async def run():
        async with putter(node, tmp_path) as p:
            await cut_short(p)
            p.shares.nodes[0].is_down = True
            [reference] = {key[2] for n in p.shares.nodes for key in n.records}
            receipt = await p.put(DATA)
            assert receipt.file.code == (4, 6), "not the one that five nodes would begin with"
            assert (await p.root()).reference == reference
            p.shares.nodes[1].is_down = True
            assert await p.read() == DATA

    story(run)


def test_what_an_earlier_attempt_has_stored_is_counted(node, tmp_path):
    async def run():
        async with putter(node, tmp_path) as p:
            p.shares.nodes[0].refuses = ShareStatus.READ_ONLY
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(FilePut, "_put_entry", lambda *_: _kill())
                with pytest.raises(Killed):
                    await p.put(DATA, code=Code(4, 6))
            p.shares.nodes[0].refuses = None
            sent = p.shares.taken_bytes
            tally = (await p.put(DATA, code=Code(4, 6))).file
            assert p.shares.taken_bytes == sent
            assert (tally.reused, tally.stripes) == (7, 7)
            assert (tally.spare, tally.nodes) == (1, 5)

    story(run)


def test_what_is_replaced_is_released_everywhere_in_a_large_network(node, tmp_path):
    async def run():
        async with putter(node, tmp_path, 80) as p:
            code = Code(4, 6)
            await p.put(content(40 * STRIPE), code=code)
            await p.put(content(STRIPE, 2), code=code)
            left = {key[2] for n in p.shares.nodes for key in n.records}
            assert left == {(await p.root()).reference}

    story(run)


def test_no_room_to_remember_what_stands_is_no_obstacle(node, tmp_path, monkeypatch):
    async def run():
        async with putter(node, tmp_path) as p:
            await p.put(DATA)
            sent = p.shares.taken_bytes
            monkeypatch.setattr("dave.edge.files.rows.KnownRows.add", _full)
            await p.put(DATA)
            assert (await p.read(), p.shares.taken_bytes) == (DATA, sent)

    story(run)


@pytest.mark.parametrize("failing", ["stored", "remove", "sync"])
def test_a_journal_that_cannot_be_written_ends_no_upload(node, tmp_path, monkeypatch, failing):
    async def run():
        async with putter(node, tmp_path) as p:
            start = UploadJournal.start

            def begun(journal, upload):
                start(journal, upload)
                monkeypatch.setattr(UploadJournal, failing, _full)

            monkeypatch.setattr("dave.edge.files.upload_journal.UPLOAD_SYNC_SECONDS", 0.0)
            monkeypatch.setattr(UploadJournal, "start", begun)
            await p.put(DATA)
            assert await p.read() == DATA

    story(run)


def _full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")
