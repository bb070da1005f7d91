"""One at a time, and never what has lost its name meanwhile."""

import fcntl
import os

import pytest

from dave.edge.file_lock import open_alone

MAKE = os.O_RDWR | os.O_CREAT


def test_a_file_is_had_by_one_at_a_time(tmp_path):
    path = tmp_path / "file"
    fd = open_alone(path, MAKE)
    assert os.fstat(fd).st_mode & 0o777 == 0o600
    assert not os.get_inheritable(fd)
    before = len(os.listdir("/dev/fd"))
    with pytest.raises(BlockingIOError):
        open_alone(path, MAKE)
    assert len(os.listdir("/dev/fd")) == before
    os.close(fd)
    os.close(open_alone(path, MAKE))


def test_a_folder_too(tmp_path):
    fd = open_alone(tmp_path, os.O_RDONLY)
    with pytest.raises(BlockingIOError):
        open_alone(tmp_path, os.O_RDONLY)
    os.close(fd)


@pytest.mark.parametrize("change", [os.unlink, lambda path: os.replace(f"{path}.other", path)])
def test_what_loses_its_name_before_it_is_locked_is_not_what_is_had(tmp_path, monkeypatch, change):
    path, locked, tries = tmp_path / "file", fcntl.flock, []
    for name in (path, tmp_path / "file.other"):
        name.write_bytes(b"")

    def flock(fd, how):
        if not tries:
            change(path)
        tries.append(fd)
        locked(fd, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    fd = open_alone(path, MAKE)
    assert len(tries) == 2
    assert os.path.samestat(os.fstat(fd), os.stat(path))
    os.close(fd)
