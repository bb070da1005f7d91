"""Folders as tar streams: what the standard library reads back is what was there."""

import io
import os
import socket
import tarfile

import pytest

from dave.edge.files import folder_pack
from dave.edge.files.folder_pack import pack, packed_size
from dave.errors import FileChanged, UsageError


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "made"
    (made / "b" / "deep").mkdir(parents=True)
    (made / "empty").mkdir(mode=0o750)
    (made / "b" / "file").write_bytes(b"x" * 1000)
    (made / "b-").write_bytes(b"")
    (made / "a").write_bytes(bytes(range(256)) * 4096)
    (made / ("n" * 200 + " é")).write_bytes(b"long name")
    os.symlink("../outside", made / "link")
    os.chmod(made / "a", 0o754)
    os.utime(made / "a", ns=(1, 1_700_000_000_123_456_789))
    os.utime(made / "b", ns=(1, 1_600_000_000_000_000_000))
    return made


def test_names_modes_times_and_links_come_back(folder):
    stream = b"".join(pack(str(folder)))
    assert len(stream) == packed_size(str(folder))
    with tarfile.open(fileobj=io.BytesIO(stream)) as tar:
        members = {member.name: member for member in tar}
        assert list(members) == [
            "a", "b", "b/deep", "b/file", "b-", "empty", "link", "n" * 200 + " é",
        ]  # fmt: skip
        assert tar.extractfile("a").read() == (folder / "a").read_bytes()
        assert tar.extractfile("b-").read() == b""
    assert members["a"].mode == 0o754
    assert members["a"].pax_headers["mtime"] == "1700000000.123456789"
    assert members["b"].mtime == 1_600_000_000
    assert (members["empty"].isdir(), members["empty"].mode) == (True, 0o750)
    assert (members["link"].issym(), members["link"].linkname) == (True, "../outside")
    assert {(m.uid, m.gid, m.uname, m.gname) for m in members.values()} == {(0, 0, "", "")}


def test_a_name_that_is_no_text(tmp_path):
    name = os.fsencode(tmp_path) + b"/\xff\xfe"
    with open(name, "wb") as file:
        file.write(b"v")
    with tarfile.open(fileobj=io.BytesIO(b"".join(pack(str(tmp_path))))) as tar:
        assert [os.fsencode(member.name) for member in tar] == [b"\xff\xfe"]


def test_the_same_folder_is_the_same_stream(folder):
    assert list(pack(str(folder))) == list(pack(str(folder)))


def test_an_empty_folder_is_an_empty_archive(tmp_path):
    assert b"".join(pack(str(tmp_path))) == bytes(1024)
    assert packed_size(str(tmp_path)) == 1024


def test_what_cannot_be_read_is_named_before_anything_is_put(folder, monkeypatch):
    refused = str(folder / "b" / "file")
    monkeypatch.setattr(
        folder_pack.os, "access", lambda path, mode: path != refused or mode != os.R_OK
    )
    with pytest.raises(UsageError, match="b/file cannot be read: nothing was put"):
        packed_size(str(folder))


def test_neither_file_nor_folder_nor_link(folder, monkeypatch):
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("sock")
    with pytest.raises(UsageError, match="sock is neither a file"):
        packed_size(str(folder))
    os.unlink("sock")
    os.mkfifo("pipe")
    with pytest.raises(UsageError, match="pipe is neither a file"):
        packed_size(str(folder))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda path: path.unlink(), "a: No such file"),
        (lambda path: path.write_bytes(bytes(100)), "a shrank"),
        (lambda path: path.write_bytes(bytes(2_000_000)), "a grew"),
        (lambda path: (path.unlink(), os.symlink("/etc/passwd", path)), "a: "),
    ],
)
def test_a_file_that_changes_in_between_is_named(folder, change, words):
    pieces = pack(str(folder))
    next(pieces)  # the header of "a" has been made
    change(folder / "a")
    with pytest.raises(FileChanged, match=words):
        list(pieces)


def test_a_folder_that_is_not_there():
    with pytest.raises(UsageError, match="no-such-folder cannot be read"):
        packed_size("no-such-folder")
