"""A file under way is PATH.part; it gets its name whole, and an interruption costs little."""

import errno
import io
import json
import os

import pytest

from dave.edge.files import target as targets
from dave.edge.files.target import FileTarget, Notes, StreamTarget, disk_full
from dave.errors import UsageError
from tests.processes import until


def test_it_gets_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "out"
    path.write_text("an older one")
    target = FileTarget(path, "one", 8)
    target.write(b"1234")
    assert path.read_text() == "an older one"
    target.write(memoryview(b"5678"))
    target.finish()
    target.stop()
    assert path.read_bytes() == b"12345678"
    assert os.listdir(tmp_path) == ["out"]


def test_an_empty_file(tmp_path):
    FileTarget(tmp_path / "out", "one", 0).finish()
    assert (tmp_path / "out").read_bytes() == b""


def stopped(path, identity, data, size=100):
    target = FileTarget(path, identity, size)
    target.write(data)
    target.stop()
    return target


def test_what_was_stopped_goes_on(tmp_path):
    path = tmp_path / "out"
    stopped(path, "one", b"1234")
    assert sorted(os.listdir(tmp_path)) == ["out.part", "out.part.json"]
    target = FileTarget(path, "one", 8)
    assert (target.start, target.started_anew) == (4, False)
    target.write(b"5678")
    target.finish()
    assert path.read_bytes() == b"12345678"
    assert os.listdir(tmp_path) == ["out"]


def test_a_part_that_is_not_ours_stays(tmp_path):
    (tmp_path / "out.part").write_text("of a browser")
    with pytest.raises(UsageError, match="not of an earlier fetch: move it away"):
        FileTarget(tmp_path / "out", "one", 8)
    assert (tmp_path / "out.part").read_text() == "of a browser"
    assert os.listdir(tmp_path) == ["out.part"]


def test_notes_without_their_part_start_anew(tmp_path):
    stopped(tmp_path / "out", "one", b"1234")
    (tmp_path / "out.part").unlink()
    target = FileTarget(tmp_path / "out", "one", 8)
    assert (target.start, target.started_anew) == (0, False)
    target.stop()
    assert os.listdir(tmp_path) == []


def test_another_version_starts_anew_and_says_so(tmp_path):
    stopped(tmp_path / "out", "one", b"1234")
    target = FileTarget(tmp_path / "out", "two", 8)
    assert (target.start, target.started_anew) == (0, True)
    target.stop()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "notes", ["", "{", "[]", '{"identity": "one"}', '{"identity": "one", "done": "x"}',
              '{"identity": "one", "done": 5}', '{"identity": "one", "done": -1}']
)  # fmt: skip
def test_notes_that_say_nothing_true_start_anew(tmp_path, notes):
    stopped(tmp_path / "out", "one", b"1234")
    (tmp_path / "out.part.json").write_text(notes)
    target = FileTarget(tmp_path / "out", "one", 8)
    assert target.start == 0
    target.stop()


def test_what_is_noted_is_what_is_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(targets, "TARGET_NOTE_BYTES", 4)
    synced = []
    monkeypatch.setattr(os, "fsync", lambda fd, real=os.fsync: (synced.append(fd), real(fd)))
    target = FileTarget(tmp_path / "out", "one", 100)
    target.write(b"123")
    notes = tmp_path / "out.part.json"
    assert json.loads(notes.read_text()) == {"identity": "one", "done": 0}
    synced.clear()
    target.write(b"456")
    until(lambda: json.loads(notes.read_text()) == {"identity": "one", "done": 6})
    assert synced
    # As after kill -9: nothing is closed, the system lets go of the lock.
    os.close(target._fd)
    assert FileTarget(tmp_path / "out", "one", 100).start == 6


def test_notes_where_a_sync_takes_long_do_not_take_all_the_time(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(targets.time, "monotonic", lambda: clock[0])
    notes, synced = Notes(tmp_path / "out", "one"), []

    def sync():
        synced.append(clock[0])
        clock[0] += 10

    for at in range(3, 200):
        clock[0] = max(clock[0], at)
        notes.note(at, sync)
        notes.wait()
    assert synced == [3, 53, 103, 153]


def test_places_where_no_file_can_be(tmp_path):
    with pytest.raises(UsageError, match="make it first"):
        FileTarget(tmp_path / "no" / "out", "one", 1)
    with pytest.raises(UsageError, match="is a folder: name the file"):
        FileTarget(tmp_path, "one", 1)
    assert os.listdir(tmp_path) == []


def test_two_at_a_time_do_not_mix(tmp_path):
    target = FileTarget(tmp_path / "out", "one", 8)
    with pytest.raises(UsageError, match="another dave"):
        FileTarget(tmp_path / "out", "one", 8)
    target.write(b"12345678")
    target.finish()
    assert (tmp_path / "out").read_bytes() == b"12345678"


def test_a_disk_without_room_is_told_before_anything_is_fetched(tmp_path):
    with pytest.raises(UsageError, match="make room, then the same command goes on"):
        FileTarget(tmp_path / "out", "one", 1 << 60)
    # Nobody holds it now.
    FileTarget(tmp_path / "out", "one", 8).stop()


def test_a_disk_that_fills_up_keeps_the_part(tmp_path, monkeypatch):
    target = FileTarget(tmp_path / "out", "one", 8)
    target.write(b"1234")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(UsageError, match="make room, then the same command goes on"):
            target.write(b"5678")
    target.stop()
    assert FileTarget(tmp_path / "out", "one", 8).start == 4


def test_other_errors_stay_what_they_are(tmp_path):
    error = OSError(errno.EIO, "Input/output error")
    assert disk_full(error, tmp_path) is error


def test_a_stream_takes_bytes_as_they_come():
    file = io.BytesIO()
    target = StreamTarget(file)
    assert target.start == 0
    target.write(b"12")
    target.write(memoryview(b"34"))
    target.finish()
    target.stop()
    assert file.getvalue() == b"1234"


def test_a_part_that_is_a_link_is_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    stopped(tmp_path / "out", "one", b"1234")
    (tmp_path / "out.part").unlink()
    (tmp_path / "out.part").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic"):
        FileTarget(tmp_path / "out", "one", 8)
    assert victim.read_text() == "mine"
