"""The command `dave`: verbs, help, exit codes, and what a one-shot command loads."""

import errno
import os
import subprocess
import sys

import pytest

from dave.errors import Unreachable
from dave_cli import main as cli

NOT_NEEDED = ("asyncio", "multiprocessing", "construct", "click", "dataclasses", "uvloop")


def test_help_names_every_verb(capsys):
    assert cli.main(["--help"]) == 0
    printed = capsys.readouterr().out
    for verb in cli.COMMANDS:
        assert f"\n  {verb} " in printed
    assert cli.main([]) == 2


@pytest.mark.parametrize("verb", cli.COMMANDS)
def test_every_verb_explains_itself(verb, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main([verb, "--help"])
    assert caught.value.code == 0
    assert f"usage: dave {verb}" in capsys.readouterr().out


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == "dave 0.1.0\n"


def test_a_verb_that_is_none(capsys):
    assert cli.main(["gte"]) == 2
    assert "did you mean `dave get`?" in capsys.readouterr().err
    assert cli.main(["zzz"]) == 2
    assert "see `dave help`" in capsys.readouterr().err


@pytest.mark.parametrize(
    "args",
    [
        ["put"],
        ["get"],
        ["get", "k", "--quorum", "two"],
        ["run", "--sync", "often"],
        ["rm", "a", "b"],
    ],
)
def test_wrong_usage_names_the_next_command(args, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(args)
    assert caught.value.code == 2
    assert f"Try: dave {args[0]} --help" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (Unreachable("no answer"), 3, "dave: no answer\n"),
        (FileNotFoundError(errno.ENOENT, "No such file", "x"), 2, "dave: x: No such file\n"),
        (KeyboardInterrupt(), 130, "dave: stopped\n"),
    ],
)
def test_errors_become_words_and_exit_codes(error, code, words, monkeypatch, capsys):
    def fails(_verb, _args):
        raise error

    monkeypatch.setattr(cli, "_run", fails)
    assert cli.main(["get"]) == code
    assert capsys.readouterr().err == words


def test_a_reader_that_has_seen_enough(home, node):
    command = [sys.executable, "-m", "dave_cli", "status", "--data", str(node.data)]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        command, stdout=write, stderr=subprocess.PIPE, env=home.env(), check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_get_loads_only_what_it_needs(home, node):
    uri = home.dave("put", "k", "v", "--ttl", "1h", "--edge", node.address).out.strip()
    code = (
        "import sys; from dave_cli.main import main; "
        f"code = main(['get', {uri!r}, '--edge', {node.address!r}]); print(); "
        f"print([name for name in {NOT_NEEDED!r} if name in sys.modules]); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=home.env(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "v\n[]\n"), done.stderr
