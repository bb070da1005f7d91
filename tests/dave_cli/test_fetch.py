"""`dave fetch`: where it writes, and what it says. Small private values are entries, so one node is
enough here; files are in test_files.py."""

import os

import pytest

import dave
from dave.crypto import hashes
from dave.edge.keyfile import Key
from dave.errors import UsageError
from dave.uri import format_link, split_link
from dave_cli.fetch import default_path

OWNER = "a" * 52


@pytest.mark.parametrize(
    ("name", "path"),
    [("k", "k"), (f"dave://{OWNER}/k", "k"), (f"dave://{OWNER}/films%2Fone.mkv", "one.mkv"),
     (f"dave://{OWNER}/a%2Fb%2F#link", "b"), ("films/one", "one")],
)  # fmt: skip
def test_the_last_part_of_the_key_is_the_name(tmp_path, monkeypatch, name, path):
    monkeypatch.chdir(tmp_path)
    assert str(default_path(name)) == path
    (tmp_path / path).touch()
    with pytest.raises(UsageError, match="is there already: give --out PATH"):
        default_path(name)


@pytest.mark.parametrize(
    "key", ["..", "a/..", "a/.", "/", "a%00b", ".bashrc", "a/.ssh", "a%1B[2Jb"]
)
def test_keys_that_are_no_names(key):
    with pytest.raises(UsageError, match="give --out PATH"):
        default_path(f"dave://{OWNER}/{key.replace('/', '%2F')}")


@pytest.fixture
def shared(node, tmp_path):
    """A private value: its owner's key file, its name and the link to it."""
    key = Key.generate()
    key.save(tmp_path / "owner.key")
    with dave.connect_sync(node.address, key=key) as d:
        uri = d.put("secret/note", b"mine", ttl=3600, private=True).uri
    link_key = hashes.private_key(key.seed, hashes.entry_id_of(key.owner, b"secret/note"))
    return tmp_path / "owner.key", uri, format_link(key.owner, b"secret/note", link_key)


def test_a_link_opens_what_is_private(home, node, shared, tmp_path):
    _, _, link = shared
    out = tmp_path / "out"
    done = home.dave("fetch", link, "--out", out, "--edge", node.address, "--json")
    assert done.code == 0
    assert out.read_bytes() == b"mine"
    assert (done.json["path"], done.json["size"], done.json["written"]) == (str(out), 4, 4)
    assert home.dave("get", link, "--edge", node.address) == (0, "mine", "")


def test_without_its_key_it_stays_closed(home, node, shared, tmp_path):
    key_file, uri, link = shared
    done = home.dave("fetch", uri, "--out", tmp_path / "out", "--edge", node.address)
    assert (done.code, done.out) == (2, "")
    assert "is private: only its owner's key opens it" in done.err
    done = home.dave("get", uri, "--edge", node.address)
    assert (done.code, done.out) == (2, "")
    wrong = link[:-2] + ("qa" if link[-2] != "q" else "aa")
    done = home.dave("get", wrong, "--edge", node.address)
    assert (done.code, done.out) == (2, "")
    assert "this key does not open it" in done.err
    assert home.dave("get", link[:-1], "--edge", node.address).code == 2
    done = home.dave("get", uri, "--key", key_file, "--edge", node.address)
    assert done == (0, "mine", "")
    assert os.listdir(tmp_path).count("out.part") == 0


def test_ranges_of_values(home, node, shared):
    _, _, link = shared
    assert home.dave("get", link, "--range", "1-2", "--edge", node.address).out == "in"
    for bad in ("4-", "x", "2-1"):
        done = home.dave("get", link, "--range", bad, "--edge", node.address)
        assert (done.code, done.out) == (2, "")


def test_absent_is_exit_code_1(home, node, shared, tmp_path):
    _, _, link = shared
    uri, secret = split_link(link)
    absent = f"{uri}x#{secret}"
    for verb in ("fetch", "get"):
        done = home.dave(verb, absent, "--out", tmp_path / "out", "--edge", node.address)
        assert done.code == 1
        assert "nothing stands under" in done.err
        assert secret not in done.err
    assert not (tmp_path / "out").exists()
