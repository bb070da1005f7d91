"""What can stand at a place of a command line."""

import pytest

from dave_cli.complete import candidates
from dave_cli.main import make_parser

NAMES = ("colour", "counter", "my note")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net").mkdir()
    (tmp_path / "net.secret").touch()
    (tmp_path / "net" / "inner[1]").touch()


@pytest.mark.parametrize(
    ("verb", "words", "text", "wanted"),
    [
        ("put", [], "--f", ["--file "]),
        ("put", ["a", "1"], "--pr", ["--private "]),
        ("run", ["--sync"], "", ["always ", "second ", "never "]),
        ("run", ["--sync"], "s", ["second "]),
        ("run", ["--data"], "n", ["net/"]),
        ("run", ["--secret-file"], "n", ["net/", "net.secret "]),
        ("run", ["--secret-file"], "net/", ["net/inner[1] "]),
        ("run", ["--secret-file"], "net/inner[", ["net/inner[1] "]),
        ("run", ["--capacity"], "n", []),
        ("get", [], "co", ["colour ", "counter "]),
        ("get", [], "", ["colour ", "counter ", "'my note' "]),
        ("get", ["--quorum", "1"], "cou", ["counter "]),
        ("get", ["--json"], "cou", ["counter "]),
        ("get", ["colour"], "c", []),
        ("put", [], "col", ["colour "]),
        ("put", ["colour"], "c", []),
        ("keep", [], "", ["ls ", "rm "]),
        ("keep", ["rm"], "col", ["colour "]),
        ("share", [], "net.", ["net.secret "]),
    ],
)
def test_candidates(verb, words, text, wanted, folder):
    assert sorted(candidates(make_parser(verb), words, text, lambda: NAMES)) == sorted(wanted)


def test_names_are_asked_for_only_where_one_is_due():
    def never():
        raise AssertionError

    assert candidates(make_parser("get"), [], "--q", never) == ["--quorum "]
    assert candidates(make_parser("put"), ["a"], "x", never) == []
