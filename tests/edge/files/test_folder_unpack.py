"""What is unpacked is what was packed; what would do harm is refused, and leaves nothing."""

import os
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.edge.files import folder_unpack
from dave.edge.files.folder_pack import pack
from dave.edge.files.folder_unpack import FolderTarget
from dave.errors import FolderRefused, UsageError


def member(name, content=None, **fields):
    """A header and its content: a file if there is some, else a folder."""
    info = tarfile.TarInfo(name)
    info.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
    info.mode = 0o755 if content is None else 0o644
    info.mtime = 1_000_000_000
    for field, value in fields.items():
        setattr(info, field, value)
    info.size = len(content or b"")
    return info, content or b""


def link(name, to):
    return member(name, b"", type=tarfile.SYMTYPE, linkname=to)


def packed(*members, ended=True):
    made = bytearray()
    for info, content in members:
        made += info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
        made += content + bytes(-len(content) % 512)
    return bytes(made) + bytes(1024 if ended else 0)


def unpack(path, stream, identity="one", step=1000):
    target = FolderTarget(path, identity)
    try:
        for at in range(target.start, len(stream), step):
            target.write(stream[at : at + step])
        target.finish()
    finally:
        target.stop()
    return target


HONEST = packed(
    member("a", mode=0o750),
    member("a/empty", b"", mode=0o600),
    member("a/deep", mode=0o500),
    member("a/deep/file", b"x" * 100_000, mode=0o4755),
    link("a/deep/up", "../empty"),
    member("b", b"12", pax_headers={"mtime": "1234567890.123456789"}),
    member("b\udcff", b"not UTF-8"),
    member("Ä" * 120, b"a name for a pax header"),
)


def test_its_name_is_on_the_disk_when_it_is_finished(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append((os.fstat(fd), os.listdir(tmp_path))))
    unpack(tmp_path / "out", HONEST)
    last, names = synced[-1]
    assert os.path.samestat(last, os.stat(tmp_path))
    assert names == ["out"]


def test_names_modes_times_and_links_as_they_were(tmp_path):
    path = tmp_path / "out"
    unpack(path, HONEST)
    assert sorted(os.listdir(tmp_path)) == ["out"]
    assert sorted(os.listdir(path)) == sorted(["a", "b", "b\udcff", "Ä" * 120])
    assert (path / "a/deep/file").read_bytes() == b"x" * 100_000
    modes = {name: os.lstat(path / name).st_mode & 0o7777 for name in ("a", "a/empty", "a/deep")}
    assert modes == {"a": 0o750, "a/empty": 0o600, "a/deep": 0o500}
    assert os.lstat(path / "a/deep/file").st_mode & 0o7777 == 0o755
    assert os.readlink(path / "a/deep/up") == "../empty"
    assert {os.lstat(path / name).st_mtime for name in ("a", "a/deep", "a/deep/up")} == {1e9}
    assert (path / "b").stat().st_mtime_ns == 1_234_567_890_123_456_789


def test_times_before_1970_and_between_seconds(tmp_path):
    folder, times = tmp_path / "in", [-1, -500_000_000, -1_500_000_001, -2_000_000_000, 0, 7]
    folder.mkdir()
    for number, when in enumerate(times):
        (folder / str(number)).write_bytes(b"")
        os.utime(folder / str(number), ns=(when, when))
    unpack(tmp_path / "out", b"".join(pack(str(folder))))
    got = [(tmp_path / "out" / str(number)).stat().st_mtime_ns for number in range(len(times))]
    assert got == times


def test_nothing_is_made_that_others_may_write_to(tmp_path):
    unpack(tmp_path / "out", packed(member("a", mode=0o777), member("a/x", b"1", mode=0o6777)))
    modes = [os.lstat(tmp_path / name).st_mode & 0o7777 for name in ("out/a", "out/a/x")]
    assert modes == [0o755, 0o755]


def test_what_cannot_fit_the_disk_is_not_begun(tmp_path):
    with pytest.raises(UsageError, match="make room"):
        FolderTarget(tmp_path / "out", "one", 1 << 60)


def test_an_empty_folder_over_an_empty_folder(tmp_path):
    (tmp_path / "out").mkdir()
    unpack(tmp_path / "out", packed())
    assert os.listdir(tmp_path / "out") == []


HOSTILE = {
    "absolute": packed(member("/tmp/x", b"1")),
    "up": packed(member("../x", b"1")),
    "up inside": packed(member("a"), member("a/../../x", b"1")),
    "through a link": packed(link("a", "b"), member("b"), member("a/x", b"1")),
    "over a link": packed(link("a", "b"), member("a", b"1")),
    "the folder as a link": packed(link(".", "/tmp")),
    "the folder as a file": packed(member("./", b"1", type=tarfile.REGTYPE)),
    "no such folder": packed(member("a/x", b"1")),
    "in a file": packed(member("a", b"1"), member("a/x", b"1")),
    "hard link": packed(member("x", b"", type=tarfile.LNKTYPE, linkname="/etc/passwd")),
    "device": packed(member("x", b"", type=tarfile.CHRTYPE)),
    "pipe": packed(member("x", b"", type=tarfile.FIFOTYPE)),
    "sparse": packed(member("x", b"", type=tarfile.GNUTYPE_SPARSE)),
    "twice": packed(member("x", b"1"), member("x", b"2")),
    "a folder twice": packed(member("x"), member("x")),
    "a zero in its name": packed(member("x", b"", pax_headers={"path": "a\0b"})),
    "deep": packed(*[member("/".join("d" * n)) for n in range(1, 12)]),
    "time": packed(member("x", b"", mtime=float("1e300"))),
    "long header": packed(member("x", b"", pax_headers={"comment": "c" * 100_000})),
    "global header": tarfile.TarInfo.create_pax_global_header({"comment": "c"}) + HONEST,
    "chain of headers": b"".join(
        tarfile.TarInfo._create_pax_generic_header({"a": "b"}, tarfile.XHDTYPE, "utf-8")
        for _ in range(2000)
    ),
    "no end": packed(member("x", b"1"), ended=False),
    "cut off": packed(member("x", b"1" * 5000))[:4000],
    "nothing": b"",
    "noise": bytes(range(256)) * 8,
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_would_do_harm_is_refused_and_leaves_nothing(tmp_path, monkeypatch, case):
    monkeypatch.setattr(folder_unpack, "FOLDER_DEPTH_MAX", 10)
    with pytest.raises(FolderRefused):
        unpack(tmp_path / "out", HOSTILE[case])
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "to", ["/etc/passwd", "..", "a/../..", "a/..", "../../x", "x/../../../etc", "", "a/b/../../.."]
)
def test_links_that_could_lead_out_are_left_out_and_told_of(tmp_path, to):
    target = unpack(tmp_path / "out", packed(member("f", b"1"), link("l", to)))
    assert os.listdir(tmp_path / "out") == ["f"]
    assert target.skipped == [f"'l' -> {to!r}"]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([".", "..", "a", "b/..", "../a"])))
)
def test_no_chain_of_links_leads_out(tmp_path_factory, links):
    tmp_path = tmp_path_factory.mktemp("links")
    names = dict(links)
    members = [member("d"), *[link(f"d/{name}", to) for name, to in names.items()]]
    unpack(tmp_path / "out", packed(*members))
    inside = os.path.realpath(tmp_path / "out")
    for name in os.listdir(tmp_path / "out/d"):
        at = os.path.realpath(tmp_path / "out/d" / name)
        assert os.path.commonpath((at, inside)) == inside


def test_what_is_in_the_way_stays(tmp_path):
    path = tmp_path / "out"
    path.write_text("mine")
    with pytest.raises(UsageError, match="is no folder"):
        FolderTarget(path, "one")
    path.unlink()
    path.mkdir()
    (path / "mine").write_text("mine")
    with pytest.raises(UsageError, match="something in it"):
        FolderTarget(path, "one")
    with pytest.raises(UsageError, match="make it first"):
        FolderTarget(tmp_path / "no" / "out", "one")
    assert os.listdir(tmp_path) == ["out"]


def test_two_at_a_time_do_not_mix(tmp_path):
    target = FolderTarget(tmp_path / "out", "one")
    with pytest.raises(UsageError, match="another dave"):
        FolderTarget(tmp_path / "out", "one")
    target.stop()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("until", range(512, len(HONEST), 5120))
def test_what_was_interrupted_goes_on_at_the_last_whole_member(tmp_path, until):
    path = tmp_path / "out"
    first = FolderTarget(path, "one")
    first.write(HONEST[:until])
    first.stop()
    assert not path.exists()
    again = unpack(path, HONEST)
    assert again.start <= until
    assert again.start or until < 20_000
    assert not again.started_anew
    assert (path / "a/deep/file").read_bytes() == b"x" * 100_000
    assert os.lstat(path / "a").st_mtime == 1e9
    assert os.lstat(path / "a/deep").st_mode & 0o777 == 0o500
    assert os.listdir(tmp_path) == ["out"]


def test_a_part_of_something_else_is_thrown_away(tmp_path):
    path = tmp_path / "out"
    first = FolderTarget(path, "one")
    first.write(HONEST[:-600])
    first.stop()
    again = unpack(path, packed(member("other", b"1")), "two")
    assert again.started_anew
    assert again.start == 0
    assert os.listdir(path) == ["other"]


def test_a_part_that_is_not_ours_stays(tmp_path):
    (tmp_path / "out.part").mkdir()
    (tmp_path / "out.part" / "mine").touch()
    with pytest.raises(UsageError, match="not of an earlier fetch"):
        FolderTarget(tmp_path / "out", "one")
    assert os.listdir(tmp_path / "out.part") == ["mine"]


def test_notes_without_their_part_start_anew(tmp_path):
    first = FolderTarget(tmp_path / "out", "one")
    first.write(HONEST[:-600])
    first.stop()
    folder_unpack._empty(tmp_path / "out.part")
    (tmp_path / "out.part").rmdir()
    assert unpack(tmp_path / "out", HONEST).start == 0
    assert (tmp_path / "out/a/deep/file").read_bytes() == b"x" * 100_000
