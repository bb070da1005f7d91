"""What `dave shell` remembers, and what it had better forget."""

import stat

import pytest

from dave_cli import history
from dave_cli.history import History


def test_lines_come_back_in_order_once_each(tmp_path):
    path = tmp_path / "state" / "history"
    first = History(path)
    assert first.load() == []
    assert [first.add(line) for line in ("put a 1", "put a 1", "get a", "put a 1")] == [
        True, False, True, True,
    ]  # fmt: skip
    second = History(path)
    assert second.load() == ["put a 1", "get a", "put a 1"]
    assert not second.add("put a 1")


@pytest.mark.parametrize(
    "line",
    [
        "",
        " put pin 1234",
        "fetch dave://owner/photos#key",
        "get 'DAVE://owner/photos#key' --out x",
        "put pin 1234 --private",
        "put --private pin 1234",
    ],
)
def test_what_is_not_kept(line, tmp_path):
    kept = History(tmp_path / "history")
    assert not kept.add(line)
    assert kept.load() == []


def test_only_its_owner_reads_it(tmp_path):
    path = tmp_path / "state" / "history"
    History(path).add("get caf\udce9")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert History(path).load() == ["get caf\udce9"]


def test_the_file_stays_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(history, "LINES_MAX", 5)
    path = tmp_path / "history"
    kept = History(path)
    for n in range(11):
        kept.add(f"get {n}")
    wanted = [f"get {n}" for n in range(6, 11)]
    assert History(path).load() == wanted
    assert path.read_text().splitlines() == wanted
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_shell_without_a_place_for_it(tmp_path):
    (tmp_path / "file").touch()
    kept = History(tmp_path / "file" / "history")
    assert kept.load() == []
    assert kept.add("get a")
