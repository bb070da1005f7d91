"""The real disk does what its docstrings say."""

import errno
import os
import resource
import subprocess
import sys

import pytest

from dave.edge.disk import Disk


def test_create_write_read_truncate_rename_remove(tmp_path):
    disk, path = Disk(), tmp_path / "a"
    handle = disk.create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    disk.write(handle, b"one")
    disk.write(handle, b"two" * 1_000_000)
    disk.sync(handle)
    disk.close(handle)
    pieces = list(disk.pieces(path))
    assert b"".join(pieces) == b"one" + b"two" * 1_000_000
    assert max(map(len, pieces)) <= 1 << 20
    with pytest.raises(FileExistsError):
        disk.create(path)
    disk.truncate(path, 2)
    disk.rename(path, tmp_path / "b")
    disk.sync_folder(tmp_path)
    assert disk.names(tmp_path) == ["b"]
    assert b"".join(disk.pieces(tmp_path / "b")) == b"on"
    disk.remove(tmp_path / "b")
    assert disk.names(tmp_path) == []


def test_a_write_is_completed_when_the_system_takes_it_in_parts(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, bytes(data[:3])))
    handle = Disk().create(tmp_path / "a")
    Disk().write(handle, b"0123456789")
    Disk().close(handle)
    assert (tmp_path / "a").read_bytes() == b"0123456789"


FULL = """
import resource, signal, sys
from pathlib import Path
from dave.edge.journal_file import JournalFile
from dave.edge.journal_writer import Sync
from dave.store.journal import entry_record
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
done = []
journal = JournalFile(Path(sys.argv[1]), Sync.ALWAYS, lambda records: 0,
                      lambda tickets, ok: done.extend((t, ok) for t in tickets), lambda error: None)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
for i in range(100):
    journal.append(entry_record(i, bytes(1000)), i)
    if i % 7 == 0:
        while len(done) <= i:
            pass
journal.close()
print(sum(ok for _, ok in done), len(done), journal.failure.errno)
assert [t for t, _ in done] == list(range(100))
assert sorted(done, key=lambda d: not d[1]) == done, "nothing is committed after a failure"
"""


def test_a_file_that_may_not_grow_is_a_sticky_failure_and_restart_is_clean(tmp_path):
    from dave.edge.journal_file import JournalFile
    from dave.edge.journal_writer import Sync

    run = [sys.executable, "-c", FULL, str(tmp_path)]
    out = subprocess.run(run, capture_output=True, text=True, timeout=60, check=True)
    committed, reported, code = map(int, out.stdout.split())
    assert (reported, code) == (100, errno.EFBIG)
    assert 1 <= committed <= 18
    found = []
    journal = JournalFile(
        tmp_path, Sync.ALWAYS, lambda r: found.extend(r) or 0, lambda t, ok: None, print
    )
    journal.close()
    assert [r.sequence for r in found][:committed] == list(range(committed))
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
