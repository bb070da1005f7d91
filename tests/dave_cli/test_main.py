"""The command `dave`: verbs, help, exit codes, and what a one-shot command loads."""

import ast
import errno
import itertools
import os
import shlex
import subprocess
import sys

import pytest

from dave.errors import Unreachable
from dave_cli import main as cli

NOT_NEEDED = (
    "aiohttp", "asyncio", "concurrent.futures", "construct", "dataclasses", "email", "http",
    "inspect", "logging", "multiprocessing", "prometheus_client", "shtab",
    "sqlite3", "ssl", "tomllib", "urllib.request", "uvloop", "zfec",
)  # fmt: skip
"""Each of them takes time that a one-shot command has not got."""


def test_help_names_every_verb(capsys):
    assert cli.main(["--help"]) == 0
    printed = capsys.readouterr().out
    for verb in cli.COMMANDS:
        assert f"\n  {verb} " in printed
    assert cli.main([]) == 2


def test_help_of_a_verb(capsys):
    with pytest.raises(SystemExit):
        cli.main(["help", "put"])
    assert capsys.readouterr().out.startswith("usage: dave put")
    assert cli.main(["help", "putt"]) == 2
    assert "did you mean `dave put`?" in capsys.readouterr().err


@pytest.mark.parametrize("verb", cli.COMMANDS)
def test_help_fits_a_terminal_of_80_columns_and_has_examples_that_work(verb, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    parser = cli.make_parser(verb)
    assert [line for line in parser.format_help().splitlines() if len(line) > 80] == []
    assert all(action.help for action in parser._actions)
    first, *lines = cli.command(verb).EPILOG.splitlines()
    assert first == "examples:"
    examples = [words for line in lines if (words := example_words(line, verb)) is not None]
    assert examples
    for words in examples:
        parser.parse_intermixed_args(words)


def example_words(line, verb):
    """What an example gives to the command, without pipes and what is said beside it."""
    _, found, rest = line.partition(f"dave {verb}")
    if not line.startswith("  ") or not found:
        return None
    lexer = shlex.shlex(rest.partition("  ")[0], posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return list(itertools.takewhile(lambda word: word not in ("<", ">", "|"), lexer))


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
    assert cli.main(["--verison"]) == 2
    assert "did you mean `dave --version`?" in capsys.readouterr().err
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


def test_a_value_without_its_quotes(capsys):
    with pytest.raises(SystemExit):
        cli.main(["put", "greeting", "hello,", "world"])
    assert "world (put quotes around what has spaces)\n" in capsys.readouterr().err


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_standard_stream_that_is_closed(home, node, closed):
    edge = f"--edge {node.address}"
    for command in (f"put k v {edge}", f"get k {edge}", f"shell {edge}", "config"):
        line = f"exec {shlex.quote(sys.executable)} -m dave_cli {command} {closed}"
        done = subprocess.run(
            ["sh", "-c", line], env=home.env(), cwd=home.folder, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, (command, done)
        assert b"Traceback" not in done.stderr


def test_an_option_that_is_none(capsys):
    with pytest.raises(SystemExit):
        cli.main(["run", "--capcity", "2G"])
    assert "there is no --capcity: did you mean --capacity?\n" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["run", "--zzz"])
    assert "unrecognized arguments: --zzz\n" in capsys.readouterr().err


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


def loaded(home, *args):
    """What a command prints, and which modules it ends with."""
    code = (
        "import sys; from dave_cli.main import main; "
        f"code = main({args!r}); print(); print(sorted(sys.modules)); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=home.env(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    *printed, modules = done.stdout.splitlines()
    return printed, ast.literal_eval(modules)


def test_a_get_loads_only_what_it_needs(home, node):
    uri = home.dave("put", "k", "v", "--ttl", "1h", "--edge", node.address).out.strip()
    printed, modules = loaded(home, "get", uri, "--edge", node.address)
    assert printed == ["v"]
    assert [name for name in NOT_NEEDED if name in modules] == []


def test_help_loads_nothing_of_dave_but_its_errors(home):
    for args in (["--help"], ["--version"]):
        _, modules = loaded(home, *args)
        ours = [name for name in modules if name.partition(".")[0] in ("dave", "dave_cli")]
        assert ours == ["dave", "dave.errors", "dave_cli", "dave_cli.main"]
        assert [name for name in (*NOT_NEEDED, "json") if name in modules] == []
