"""An upload's journal: it is there after any end of the process, and a torn tail is cut."""

import errno
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.edge.files.upload_journal import Upload, UploadJournal
from dave.errors import UsageError

OWNER, ENTRY_ID = bytes(range(32)), bytes(32)
UPLOAD = Upload(b"r" * 16, 1 << 56, 3600, 4, 6, b"")
SEALED = UPLOAD._replace(random_key=b"k" * 32)


def opened(folder, entry_id=ENTRY_ID):
    return UploadJournal(folder, OWNER, entry_id)


def test_rows_are_there_when_it_is_opened_again(tmp_path):
    journal = opened(tmp_path / "uploads")
    assert journal.upload is None
    journal.start(UPLOAD)
    journal.stored(b"f" * 16, b"row one")
    journal.stored(b"g" * 16, b"row two, longer")
    journal.stored(b"f" * 16, b"row one")
    assert journal.row(b"g" * 16) == b"row two, longer"
    journal.close()
    journal.close()
    again = opened(tmp_path / "uploads")
    assert again.upload == UPLOAD
    assert (again.rows, again.row(b"f" * 16), again.row(b"h" * 16)) == (2, b"row one", None)
    assert again.each_row() == [b"row one", b"row two, longer"]
    again.start(SEALED)
    assert (again.upload, again.rows) == (SEALED, 0)
    again.close()


def test_only_the_owner_of_the_files_reads_them(tmp_path):
    journal = opened(tmp_path / "uploads")
    assert stat.S_IMODE(os.stat(journal.path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(tmp_path / "uploads").st_mode) == 0o700
    journal.close()


def test_one_name_is_put_by_one_process_at_a_time(tmp_path):
    journal, other = opened(tmp_path), opened(tmp_path, b"o" * 32)
    with pytest.raises(UsageError, match="being put already"):
        opened(tmp_path)
    journal.start(UPLOAD)
    journal.remove()
    assert os.listdir(tmp_path) == [os.path.basename(other.path)]
    after = opened(tmp_path)
    assert after.upload is None
    after.close()
    other.close()


@given(cut=st.integers(0, 400), flipped=st.none() | st.integers(0, 399))
def test_what_stands_before_damage_is_kept_and_goes_on(tmp_path_factory, cut, flipped):
    folder = tmp_path_factory.mktemp("journal")
    journal = opened(folder)
    journal.start(UPLOAD)
    ends = [os.stat(journal.path).st_size]
    rows = [bytes((number,)) * (20 + number) for number in range(6)]
    for number, row in enumerate(rows):
        journal.stored(bytes((number,)) * 16, row)
        ends.append(os.stat(journal.path).st_size)
    journal.close()
    with open(journal.path, "r+b") as file:
        data = file.read()[: max(cut, 1)]
        damage = len(data)
        if flipped is not None and flipped < len(data):
            damage = flipped
            data = data[:flipped] + bytes((data[flipped] ^ 4,)) + data[flipped + 1 :]
        file.seek(0)
        file.truncate()
        file.write(data)
    again = opened(folder)
    whole = sum(end <= damage for end in ends)
    assert (again.upload == UPLOAD) == (whole > 0)
    assert again.each_row() == rows[: max(0, whole - 1)]
    if whole:
        again.stored(b"n" * 16, b"new")
        again.close()
        assert opened(folder).each_row() == [*rows[: whole - 1], b"new"]
    again.close()


def test_it_is_synced_now_and_then(tmp_path, monkeypatch):
    journal = opened(tmp_path)
    journal.start(UPLOAD)
    assert not journal.wants_sync
    monkeypatch.setattr("dave.edge.files.upload_journal.UPLOAD_SYNC_SECONDS", 0.0)
    journal.stored(b"f" * 16, b"row")
    assert journal.wants_sync
    journal.sync()
    assert not journal.wants_sync
    journal.close()


@pytest.mark.parametrize("written", [None, 10])
def test_a_full_disk_is_said_and_harms_nothing(tmp_path, monkeypatch, written):
    journal = opened(tmp_path)
    journal.start(UPLOAD)
    journal.stored(b"f" * 16, b"row")

    def full(fd, data, offset):
        if written is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, data[:written], offset)

    real = os.pwrite
    monkeypatch.setattr("dave.edge.files.upload_journal.os.pwrite", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        journal.stored(b"g" * 16, b"another row")
    assert caught.value.filename == journal.path
    monkeypatch.undo()
    journal.stored(b"h" * 16, b"one more")
    journal.close()
    again = opened(tmp_path)
    assert again.each_row() == [b"row", b"one more"]
    again.close()
