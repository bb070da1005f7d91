"""One node per data folder, whatever became of the last one."""

import os
import subprocess
import sys

import pytest

from dave.edge.folder import DataFolder
from dave.errors import FolderLocked, StoreError

HOLD = """
import sys
from dave.edge.folder import DataFolder
folder = DataFolder(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_is_made_private_and_says_where_things_are(tmp_path):
    with DataFolder(tmp_path / "a" / "b") as folder:
        assert folder.path.stat().st_mode & 0o777 == 0o700
        assert folder.journal.is_dir()
        assert folder.journal.stat().st_mode & 0o777 == 0o700
        assert folder.node_key == folder.path / "node.key"
        assert folder.control_socket == folder.path / "control.sock"
        assert (folder.path / "lock").stat().st_mode & 0o777 == 0o600


def test_another_process_holds_it_until_it_is_killed(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(FolderLocked, match=rf"process {holder.pid};.*--data"):
            DataFolder(tmp_path)
    finally:
        holder.kill()
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()
    with DataFolder(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_closing_lets_the_next_in_and_may_be_repeated(tmp_path):
    first = DataFolder(tmp_path)
    with pytest.raises(FolderLocked, match=str(os.getpid())):
        DataFolder(tmp_path)
    first.close()
    first.close()
    DataFolder(tmp_path).close()


def test_a_path_that_cannot_be_a_folder_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="--data DIR"):
        DataFolder(tmp_path / "file")
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "journal").write_text("")
    with pytest.raises(StoreError, match="cannot use"):
        DataFolder(tmp_path / "x")
    (tmp_path / "x" / "journal").unlink()
    DataFolder(tmp_path / "x").close()
