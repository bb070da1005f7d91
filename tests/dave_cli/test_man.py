"""The man pages say what the parsers say, in roff without a fault."""

import os
import subprocess
import sys

import pytest

from dave_cli import man
from dave_cli.completion import SHELLS
from dave_cli.main import COMMANDS, make_parser
from tests.programs import needs


@pytest.fixture(scope="module")
def share(tmp_path_factory):
    folder = tmp_path_factory.mktemp("share")
    subprocess.run([sys.executable, "-m", "dave_cli.man", folder], check=True)
    return folder


def rendered(path):
    """What `man` shows, and what it complains of."""
    done = subprocess.run(
        [needs("man", "man-db"), "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-P", "cat", path],
        env=os.environ | {"GROFF_NO_SGR": "1", "LC_ALL": "C.UTF-8"},
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    # What is bold is struck twice.
    return "".join(c for c, after in zip(done.stdout, done.stdout[1:] + " ", strict=True)
                   if "\b" not in (c, after)), done.stderr  # fmt: skip


def test_each_file_is_where_programs_look_for_it(share):
    names = sorted(
        path.relative_to(share).as_posix() for path in share.rglob("*") if path.is_file()
    )
    assert "man/man1/dave.1" in names
    assert len(names) == len(COMMANDS) + 1 + len(SHELLS)
    assert set(man.COMPLETIONS) == set(SHELLS)
    assert all((share / path).stat().st_size > 1_000 for path in man.COMPLETIONS.values())


@pytest.mark.parametrize("verb", COMMANDS)
def test_each_command_has_a_page_with_all_that_its_parser_knows(verb, share):
    text, complaints = rendered(share / "man" / "man1" / f"dave-{verb}.1")
    assert complaints == ""
    words = " ".join(text.split())
    assert f"dave-{verb} - {COMMANDS[verb][1]}" in words
    assert f"dave {verb}" in text.partition("EXAMPLES")[2]
    for action in make_parser(verb)._actions:
        names = ", ".join(action.option_strings) or action.metavar
        assert f"\n       {names}" in text
        assert " ".join(action.help.split()) in words


def test_the_overview_names_every_command(share):
    text, complaints = rendered(share / "man" / "man1" / "dave.1")
    assert complaints == ""
    for verb, (_, summary) in COMMANDS.items():
        assert f"dave-{verb}(1)" in text
        assert summary in " ".join(text.split())


def test_what_roff_would_take_for_its_own():
    assert man._escaped(".x \\n 'a' -b ~") == "\\&.x \\en \\(aqa\\(aq \\-b \\(ti"


def test_the_same_on_every_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    narrow = man.page("put")
    monkeypatch.setenv("COLUMNS", "200")
    assert man.page("put") == narrow
