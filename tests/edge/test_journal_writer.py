"""Group commit, the three modes of sync, and failures that stay."""

import errno
import threading

import pytest

from dave.edge import journal_writer
from dave.edge.journal_writer import JournalWriter, Segment, Sync
from dave.store.journal import RECORDS_OFFSET, entry_record, scan
from tests.edge.disks import FailingDisk

KEY = bytes(32)
WAIT = 20


class Log:
    """What a writer reported, and a way to wait for it."""

    def __init__(self):
        self.done, self.failures, self.changed = [], [], threading.Condition()

    def committed(self, tickets, ok):
        with self.changed:
            self.done += [(ticket, ok) for ticket in tickets]
            self.changed.notify_all()

    def failed(self, error):
        self.failures.append(error)

    def wait(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.done) >= count, WAIT)


def writer_on(disk, tmp_path, sync=Sync.ALWAYS, name="a"):
    log = Log()
    handle = disk.create(tmp_path / name)
    return JournalWriter(disk, Segment(handle, KEY), sync, log.committed, log.failed), log


def sequences(path):
    return [r.sequence for r in scan(bytes(RECORDS_OFFSET) + path.read_bytes(), KEY)[0]]


@pytest.mark.parametrize("sync", Sync)
def test_all_that_was_appended_is_written_and_reported_in_order(tmp_path, sync):
    writer, log = writer_on(FailingDisk(), tmp_path, sync)
    for i in range(500):
        writer.append(entry_record(i, b"x" * i), i)
    writer.close()
    writer.close()
    assert log.done == [(i, True) for i in range(500)]
    assert sequences(tmp_path / "a") == list(range(500))
    assert writer.bytes_written == (tmp_path / "a").stat().st_size
    assert bool(len(writer.sync_time)) == (sync is not Sync.NEVER)


class GatedDisk(FailingDisk):
    """Holds the first sync until told."""

    def __init__(self):
        super().__init__(only=("sync",))
        self.entered, self.gate = threading.Event(), threading.Event()

    def sync(self, handle):
        self.entered.set()
        assert self.gate.wait(WAIT)
        super().sync(handle)


def test_what_came_while_a_sync_ran_shares_the_next(tmp_path):
    disk = GatedDisk()
    writer, log = writer_on(disk, tmp_path)
    writer.append(entry_record(0, b""), 0)
    assert disk.entered.wait(WAIT)
    for i in range(1, 100):
        writer.append(entry_record(i, b""), i)
    assert log.done == []
    disk.gate.set()
    writer.close()
    assert log.done == [(i, True) for i in range(100)]
    assert disk.calls == 2


def test_second_reports_before_it_syncs_and_syncs_within_its_time(tmp_path, monkeypatch):
    monkeypatch.setattr(journal_writer, "JOURNAL_SYNC_SECONDS", 0.05)
    disk = GatedDisk()
    writer, log = writer_on(disk, tmp_path, Sync.SECOND)
    writer.append(entry_record(0, b""), 0)
    log.wait(1)
    assert log.done == [(0, True)]
    assert disk.entered.wait(WAIT), "nothing else was appended, and still it syncs"
    disk.gate.set()
    writer.close()


def test_never_does_not_sync(tmp_path):
    disk = FailingDisk(only=("sync",))
    writer, _ = writer_on(disk, tmp_path, Sync.NEVER)
    writer.append(entry_record(0, b""), 0)
    writer.close()
    assert disk.calls == 0


def test_never_has_no_thread_and_reports_before_append_returns(tmp_path):
    before = threading.active_count()
    writer, log = writer_on(FailingDisk(only=("write",), at=2), tmp_path, Sync.NEVER)
    assert threading.active_count() == before
    for i in range(3):
        writer.append(entry_record(i, b""), i)
        assert len(log.done) == i + 1
    assert log.done == [(0, True), (1, False), (2, False)], "a failure is sticky here too"
    assert len(log.failures) == 1
    writer.close()
    writer.append(entry_record(3, b""), 3)
    assert len(log.done) == 3, "who is closed neither writes nor reports"


@pytest.mark.parametrize("once", [True, False])
@pytest.mark.parametrize("at", range(1, 9))
def test_the_nth_write_or_sync_fails_and_nothing_after_it_is_committed(tmp_path, at, once):
    disk = FailingDisk(at=at, once=once)
    writer, log = writer_on(disk, tmp_path)
    for i in range(6):
        writer.append(entry_record(i, b"x"), i)
        log.wait(i + 1)
    calls = disk.calls
    writer.close()
    # Each record is one write and one sync, so the failing call is that of record (at - 1) // 2.
    bad = (at - 1) // 2
    assert log.done == [(i, i < bad) for i in range(6)]
    assert [e.errno for e in log.failures] == [errno.EIO]
    assert writer.failure is log.failures[0]
    assert disk.calls == calls == at, "the disk is not touched again"
    assert sequences(tmp_path / "a")[:bad] == list(range(bad))


def test_a_sync_that_fails_later_under_second_is_sticky_too(tmp_path, monkeypatch):
    monkeypatch.setattr(journal_writer, "JOURNAL_SYNC_SECONDS", 0.0)
    disk = FailingDisk(only=("sync",), at=1)
    writer, log = writer_on(disk, tmp_path, Sync.SECOND)
    writer.append(entry_record(0, b""), 0)
    log.wait(1)
    writer.close()
    assert len(log.failures) == 1
    assert writer.failure is not None


@pytest.mark.parametrize("sync", Sync)
def test_rotation_keeps_the_order(tmp_path, sync):
    writer, log = writer_on(FailingDisk(), tmp_path, sync)
    second = Segment(writer._disk.create(tmp_path / "b"), KEY)
    for i in range(50):
        writer.append(entry_record(i, b""), i)
    assert writer.rotate(second)
    for i in range(50, 80):
        writer.append(entry_record(i, b""), i)
    writer.close()
    assert sequences(tmp_path / "a") == list(range(50))
    assert sequences(tmp_path / "b") == list(range(50, 80))
    assert log.done == [(i, True) for i in range(80)]
    assert not writer.rotate(second)


def test_a_listener_that_raises_does_not_stop_the_writer(tmp_path, caplog):
    writer, log = writer_on(FailingDisk(), tmp_path)
    real, writer._on_committed = writer._on_committed, lambda *_: 1 / 0
    writer.append(entry_record(0, b""), 0)
    assert writer.rotate(Segment(writer._disk.create(tmp_path / "b"), KEY))
    writer._on_committed = real
    writer.append(entry_record(1, b""), 1)
    writer.close()
    assert log.done == [(1, True)]
    assert "listener" in caplog.text
