"""`dave ls`: names, sizes and time left, for people and for programs."""

import json
import subprocess
import sys

import pytest

import dave
from dave_cli import main
from dave_cli.ls import shown
from tests.processes import PATIENCE_SECONDS


def test_names_are_listed_in_order_with_size_and_time_left(home, node):
    edge = ("--edge", node.address)
    for name, value, ttl in (("b", "x" * 1200, "30d"), ("a/1", "22", "12h"), ("a/2", "", "90s")):
        assert home.dave("put", name, value, "--ttl", ttl, *edge).code == 0
    done = home.dave("ls", *edge)
    assert (done.code, done.err) == (0, "")
    lines = [line.split() for line in done.out.splitlines()]
    assert [(size, name) for size, _, name in lines] == [("2", "a/1"), ("0", "a/2"), ("1,200", "b")]
    assert [left for _, left, _ in lines][::2] == ["12h", "30d"]
    some = home.dave("ls", "--prefix", "a/", *edge).out.splitlines()
    assert [line.split()[-1] for line in some] == ["a/1", "a/2"]


def test_anybody_can_list_an_owners_names(home, node):
    edge = ("--edge", node.address)
    key = dave.Key.generate()
    with dave.connect_sync(node.address, key=key) as d:
        d.put(b"\xff\x07", b"v", ttl=3600)
    for owner in (key.name, f"dave://{key.name}", f"dave://{key.name}/"):
        done = home.dave("ls", owner, "--json", *edge)
        assert done.code == 0
        assert done.json["uri"] == f"dave://{key.name}/%FF%07"
        assert (done.json["owner"], done.json["size"]) == (key.name, 1)
        assert 3500 < done.json["seconds_left"] <= 3600
    assert home.dave("ls", key.name, *edge).out.split()[-1] == r"\xff\x07"


def test_no_names_are_exit_code_1_and_said(home, node):
    edge = ("--edge", node.address)
    nobody = dave.Key.generate().name
    done = home.dave("ls", nobody, *edge)
    assert (done.code, done.out) == (1, "")
    assert f"{nobody} has no listed names" in done.err
    home.dave("put", "k", "v", "--ttl", "1h", *edge)
    done = home.dave("ls", "--prefix", "x", *edge)
    assert (done.code, "begin with 'x'" in done.err) == (1, True)
    assert home.dave("rm", "k", *edge).code == 0
    assert home.dave("ls", *edge).code == 1


def test_what_cannot_be_listed(home, node):
    edge = ("--edge", node.address)
    assert "no key yet" in home.dave("ls", *edge).err
    assert home.dave("ls", "no owner", *edge).code == 2
    done = home.dave("ls", dave.Key.generate().name, "--edge", "127.0.0.1:9", "--timeout", "0.3")
    assert (done.code, done.out) == (3, "")


def test_a_directory_that_is_cut_is_shown_and_said(monkeypatch, capsys, home, node):
    key = dave.Key.generate()
    with dave.connect_sync(node.address, key=key) as d:
        d.put_many([(f"name {n}", b"v") for n in range(12)], ttl=3600)
    monkeypatch.setattr("dave.edge.directory_reader.DIRECTORY_PAGES_MAX", 1)
    assert main.main(["ls", key.name, "--edge", node.address]) == 1
    out, err = capsys.readouterr()
    assert 0 < out.count("name ") < 12
    assert err == "dave: not all names: the directory could not be read within 1 pages\n"
    assert len(home.dave("ls", key.name, "--edge", node.address).out.splitlines()) == 12


def test_commands_at_once_lose_none_of_each_others_names(home, node):
    home.dave("keygen")
    command = [sys.executable, "-m", "dave_cli", "put", "--edge", node.address, "--ttl", "1h"]
    running = [
        subprocess.Popen([*command, f"name {n}", "v"], env=home.env(), stderr=subprocess.PIPE,
                         stdout=subprocess.DEVNULL)
        for n in range(6)
    ]  # fmt: skip
    said = [process.communicate(timeout=PATIENCE_SECONDS)[1].decode() for process in running]
    assert [process.returncode for process in running] == [0] * 6, said
    assert not [line for line in said if "warning" in line]
    lines = home.dave("ls", "--json", "--edge", node.address).out.splitlines()
    assert [json.loads(line)["key"] for line in lines] == [f"name {n}" for n in range(6)]


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (b"plain name", "plain name"),
        ("é\\".encode(), "é\\\\"),
        (b"a\nb\x1b[1m", r"a\nb\x1b[1m"),
        (b"\xff", r"\xff"),
        ("\u202e".encode(), r"\u202e"),
    ],
)
def test_what_a_terminal_must_not_see_is_escaped(key, text):
    assert shown(key) == text
