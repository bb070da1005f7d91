"""The user's folders are where the environment says."""

from pathlib import Path

from dave.edge.files.upload_journal import uploads_folder
from dave.edge.user_folders import config_folder, data_folder, state_folder


def test_folders(monkeypatch, tmp_path):
    for name in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    assert config_folder() == tmp_path / "CONFIG" / "dave"
    assert data_folder() == tmp_path / "DATA" / "dave"
    assert data_folder("x") == Path("x")
    assert state_folder() == tmp_path / "STATE" / "dave"
    assert uploads_folder() == data_folder() / "uploads"
