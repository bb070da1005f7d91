"""The threads of shares: in order for each share, committed before they are reported."""

import errno
import os
import threading
import time

import pytest

from dave.crypto import merkle
from dave.edge.journal_writer import Sync
from dave.edge.shares.database import ShareDatabase
from dave.edge.shares.files import ShareFiles
from dave.edge.shares.writer import ShareWriter
from dave.effects import DropShares, SaveRecord, SaveRelease, WriteShare
from tests.edge.disks import FailingDisk
from tests.edge.share_making import key_of, record_of, share
from tests.edge.shares.test_database import rows

WAIT = 20


class Fixture:
    """A writer, and all that it reported."""

    def __init__(self, path, sync=Sync.ALWAYS, disk=None):
        self.changed, self.done = threading.Condition(), {}
        self.files = ShareFiles(path / "shares", disk)
        self.database = ShareDatabase(path / "shares.db", is_eager=sync is Sync.ALWAYS)
        self.writer = ShareWriter(self.files, self.database, sync, self._done)

    def _done(self, tickets):
        with self.changed:
            assert not set(dict(tickets)) & set(self.done)
            self.done.update(tickets)
            self.changed.notify_all()

    def write(self, ticket, data, mask=1, **fields):
        record = record_of(data, **fields)
        self.writer.write(WriteShare(ticket, merkle.root(data), [data], record.data, mask))
        return record

    def wait(self, *tickets):
        with self.changed:
            assert self.changed.wait_for(lambda: all(t in self.done for t in tickets), WAIT)
        return [self.done[ticket] for ticket in tickets]

    def close(self):
        self.writer.close()
        self.database.close()


@pytest.mark.parametrize("sync", Sync)
def test_what_is_reported_is_there_with_its_record(tmp_path, sync):
    f = Fixture(tmp_path, sync)
    records = [f.write(n, share(n)) for n in range(40)]
    assert all(f.wait(*range(40)))
    assert all(f.files.is_whole(merkle.root(share(n)), 3000) for n in range(40))
    f.writer.commit(SaveRecord(40, record_of(share(1), upload=2).data, 1))
    f.writer.commit(DropShares((), [key_of(records[2])]))
    f.writer.remove([merkle.root(share(2))])
    f.writer.commit(SaveRelease(41, b"o" * 32, b"r" * 16))
    assert f.wait(40, 41) == [True, True]
    assert len(rows(f.database)) == 40
    assert list(f.database.releases()) == [(b"o" * 32, b"r" * 16)]
    f.close()
    f.close()
    assert len(dict(f.files.found())) == 39
    assert f.writer.failure is None


def test_a_share_that_goes_and_comes_again_is_there(tmp_path):
    f, data = Fixture(tmp_path, Sync.NEVER), share(1)
    for n in range(50):
        f.write(n, data)
        if n < 49:
            f.writer.remove([merkle.root(data)])
    assert f.writer.check(merkle.root(data), len(data)).result(WAIT)
    f.close()
    assert f.files.is_whole(merkle.root(data), len(data))


def test_checks(tmp_path):
    f, data = Fixture(tmp_path), share(1)
    f.write(1, data)
    assert f.writer.check(merkle.root(data), len(data)).result(WAIT)
    f.files.path(merkle.root(data)).write_bytes(b"x" * 4000)
    assert not f.writer.check(merkle.root(data), len(data)).result(WAIT)
    assert not f.writer.check(bytes(32), 10).result(WAIT)
    f.close()


@pytest.mark.parametrize(("number", "is_kept"), [(errno.EMFILE, True), (errno.EIO, False)])
def test_a_share_is_given_up_for_an_error_of_its_own_only(tmp_path, monkeypatch, number, is_kept):
    f, data = Fixture(tmp_path), share(1)
    f.write(1, data)

    def fails(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(f.files, "read", fails)
    assert f.writer.check(merkle.root(data), len(data)).result(WAIT) is is_kept
    f.close()


@pytest.mark.parametrize("step", ["create", "write_pieces", "sync", "rename", "sync_folder"])
def test_a_write_that_fails_is_reported_and_the_next_succeeds(tmp_path, step):
    f = Fixture(tmp_path, disk=FailingDisk(only=(step,), at=1))
    f.write(1, share(1))
    assert f.wait(1) == [False]
    assert "injected" in f.writer.failure
    f.write(2, share(2))
    assert f.wait(2) == [True]
    assert f.writer.failure is None
    assert len(rows(f.database)) == 1
    f.close()


def test_a_commit_that_fails_is_reported(tmp_path):
    (tmp_path / "shares.db").mkdir()
    f = Fixture(tmp_path)
    f.database._database.close()
    f.write(1, share(1))
    assert f.wait(1) == [False]
    assert f.writer.failure
    f.close()


def test_sync_second_makes_durable_within_a_second(tmp_path):
    class Disk(FailingDisk):
        synced: list[str]

        def sync_file(self, path):
            self.synced.append(path.name)

    disk = Disk()
    disk.synced = []
    f = Fixture(tmp_path, Sync.SECOND, disk)
    f.write(1, share(1))
    assert f.wait(1) == [True]
    until = time.monotonic() + WAIT
    while not disk.synced and time.monotonic() < until:
        time.sleep(0.01)
    assert disk.synced == [merkle.root(share(1)).hex()]
    f.write(2, share(2))
    f.close()
    assert disk.synced[1:] == [merkle.root(share(2)).hex()], "what is left, at the end"


def test_a_sync_that_fails_later_is_said(tmp_path):
    f = Fixture(tmp_path, Sync.SECOND, FailingDisk(only=("sync",), at=1))
    f.write(1, share(1))
    assert f.wait(1) == [True]
    f.close()
    assert "injected" in f.writer.failure
