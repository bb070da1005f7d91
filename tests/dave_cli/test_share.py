"""`dave share`: only the whole link opens what it leads to."""

import pytest


def test_a_folder_and_a_link(home, node, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "one.jpg").write_bytes(bytes(range(256)) * 2000)
    edge = ("--edge", node.address)
    done = home.dave("share", folder, "--ttl", "1h", *edge)
    link = done.out.strip()
    assert (done.code, link.count("#"), "/photos#" in link) == (0, 1, True), done
    assert "whoever knows the name" not in done.err
    got = home.dave("fetch", link, "--out", tmp_path / "got", *edge)
    assert got.code == 0, got
    assert (tmp_path / "got" / "one.jpg").read_bytes() == (folder / "one.jpg").read_bytes()
    without = home.dave(
        "fetch",
        link.partition("#")[0],
        "--out",
        tmp_path / "no",
        *edge,
        XDG_CONFIG_HOME=str(tmp_path),
    )
    assert without.code == 2
    flipped = link[:-3] + ("a" if link[-3] != "a" else "b") + link[-2:]
    wrong = home.dave("fetch", flipped, "--out", tmp_path / "no", *edge)
    assert wrong.code == 2
    assert not (tmp_path / "no").exists()
    assert home.dave("rm", "photos", *edge).code == 0
    assert home.dave("fetch", link, "--out", tmp_path / "no", *edge).code == 1


def test_what_is_small_and_another_name(home, node, tmp_path):
    (tmp_path / "note.txt").write_bytes(b"for you only")
    edge = ("--edge", node.address)
    done = home.dave("share", tmp_path / "note.txt", "--name", "n", "--ttl", "1h", "--json", *edge)
    assert set(done.json) == {"link", "uri", "size", "expires"}
    assert (done.json["size"], done.json["link"].split("#")[0]) == (12, done.json["uri"])
    assert done.json["uri"].endswith("/n")
    got = home.dave("fetch", done.json["link"], "--out", tmp_path / "got", *edge)
    assert got.code == 0, got
    assert (tmp_path / "got").read_bytes() == b"for you only"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("no-such-file",), "no-such-file: No such file"),
        ((".", "--name", "dave://x/y"), "--name takes a key of yours"),
        ((".", "--name", ""), "1 to 255"),
        ((".", "--ttl", "10y"), "366 days"),
        ((".", "--code", "9"), "write K/N"),
    ],
)
def test_bad_input(home, node, args, words):
    done = home.dave("share", *args, "--edge", node.address)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
