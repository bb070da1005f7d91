"""What the doctor finds on the disk; it changes nothing there."""

import errno
import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from dave.edge.doctor import folder
from dave.edge.doctor.finding import Level
from dave.edge.limits import SHARE_DISK_RESERVE_BYTES

Usage = namedtuple("Usage", "total used free")

STATUS = {
    "read_only": None, "state_failure": None, "files": None, "journal_damage": [],
    "state_notes": [], "entries": 3, "journal_bytes": 5_000_000,
}  # fmt: skip


def levels(findings):
    return [finding.level for finding in findings]


def test_a_good_disk(tmp_path):
    found = folder.disk(tmp_path / "not" / "yet")
    assert [finding.check for finding in found] == ["disk", "fsync"]
    assert found[0].level is Level.OK
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").touch()
    (found,) = folder.disk(tmp_path / "file" / "data")
    assert found.level is Level.PROBLEM
    assert "--data DIR" in found.mend


def test_it_never_advises_to_take_a_folder_that_is_not_daves(tmp_path, monkeypatch):
    monkeypatch.setattr(folder.os, "access", lambda place, mode: False)
    ours = tmp_path / "our data"
    (ours / "journal").mkdir(parents=True)
    (found,) = folder.disk(ours)
    assert found.mend.startswith(f"sudo chown -R $(id -un) '{ours}', or name")
    missing = tmp_path / "missing" / "dave"
    (found,) = folder.disk(missing)  # what is above it may be /var/lib
    assert found.mend.startswith(f"sudo install -d -m 700 -o $(id -un) {missing}, or name")
    (found,) = folder.disk(tmp_path)  # it may be /etc
    assert found.mend == "name another folder with --data DIR"
    file = tmp_path / "file"
    file.touch()
    (found,) = folder.disk(file)
    assert found.text == f"{file} is no folder"
    assert found.mend == "name another folder with --data DIR"
    assert "chown" not in folder.data(file, None)[0].mend


def test_a_folder_of_another_user(tmp_path, monkeypatch):
    closed = tmp_path / "closed"
    closed.mkdir()
    inside = closed / "dave"

    def unless_inside(real):
        def function(path=".", *args, **options):
            if isinstance(path, str | Path) and inside in (Path(path), *Path(path).parents):
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return real(path, *args, **options)

        return function

    for name in ("stat", "lstat", "listdir", "scandir"):
        monkeypatch.setattr(os, name, unless_inside(getattr(os, name)))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    for (found,) in (folder.disk(inside), folder.data(inside, None)):
        assert found.level is Level.PROBLEM
        assert found.mend.startswith("run this as the user whose folder it is (sudo -u), or ")


@pytest.mark.parametrize(
    ("free", "level"),
    [
        (folder.FREE_BYTES_MIN - 1, Level.PROBLEM),
        (SHARE_DISK_RESERVE_BYTES - 1, Level.WARNING),
        (SHARE_DISK_RESERVE_BYTES, Level.OK),
    ],
)
def test_little_room(monkeypatch, tmp_path, free, level):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(1 << 40, 0, free))
    assert folder.disk(tmp_path)[0].level is level


def test_a_slow_disk(monkeypatch, tmp_path):
    monkeypatch.setattr(folder, "sync_seconds", lambda path: 0.2)
    found = folder.disk(tmp_path)[1]
    assert (found.level, found.check) == (Level.WARNING, "fsync")
    assert "200.0 ms" in found.text


def test_key_files(tmp_path):
    mine, open_, gone = tmp_path / "mine", tmp_path / "open", tmp_path / "gone"
    mine.touch(0o600)
    open_.touch()
    open_.chmod(0o644)
    found = folder.keys([("a", mine), ("b", open_), ("c", gone), ("d", None), ("e", mine / "x")])
    assert levels(found) == [Level.OK, Level.PROBLEM, Level.OK, Level.PROBLEM]
    assert found[1].mend == f"chmod 600 {open_}"
    assert "mode 644" in found[1].text


def test_no_data_yet(tmp_path):
    (found,) = folder.data(tmp_path, None)
    assert (found.level, found.text) == (Level.OK, f"no journal in {tmp_path} yet")


def test_a_journal_is_read_and_left_as_it_is(home):
    node = home.start()
    for i in range(5):
        home.dave("put", f"k{i}", "v" * 500, "--edge", node.address, "--ttl", "1h")
    node.kill()
    journal = node.data / "journal"
    (path,) = journal.glob("*.journal")
    whole = path.read_bytes()
    assert levels(folder.data(node.data, None)) == [Level.OK]
    path.write_bytes(whole[:1500] + b"\xff" + whole[1501:])
    (damaged,) = folder.data(node.data, None)
    assert damaged.level is Level.WARNING
    assert "bytes are damaged" in damaged.text
    path.write_bytes(whole[:-3])
    (torn,) = folder.data(node.data, None)
    assert torn.level is Level.OK
    assert "unfinished record" in torn.text
    assert path.read_bytes() == whole[:-3]
    path.write_bytes(b"x" * 2000)
    (foreign,) = folder.data(node.data, None)
    assert foreign.level is Level.PROBLEM
    assert foreign.mend.startswith("start without it: mv ")
    path.rename(path.with_suffix(".damaged"))
    (kept,) = folder.data(node.data, None)
    assert (kept.level, kept.mend) == (Level.WARNING, f"rm {path.with_suffix('.damaged')}")


@pytest.mark.parametrize(
    ("change", "level", "word"),
    [
        ({}, Level.OK, "3 entries"),
        ({"read_only": "disk full"}, Level.PROBLEM, "disk full"),
        ({"state_failure": "no"}, Level.PROBLEM, "database"),
        ({"files": {"notes": [], "failure": "no room"}}, Level.PROBLEM, "no room"),
        ({"files": {"notes": ["set aside"], "failure": None}}, Level.WARNING, "set aside"),
        ({"journal_damage": ["bytes 3 to 4"]}, Level.WARNING, "bytes 3 to 4"),
        ({"state_notes": ["new one"]}, Level.WARNING, "new one"),
    ],
)
def test_what_a_running_node_says_of_its_data(tmp_path, change, level, word):
    (found,) = folder.data(tmp_path, STATUS | change)
    assert found.level is level
    assert word in found.text
