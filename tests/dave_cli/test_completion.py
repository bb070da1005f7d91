"""Completion in real shells: what `dave completion` prints is loaded, and TAB is pressed."""

import subprocess

import pytest

from dave_cli.completion import SHELLS, script
from dave_cli.main import COMMANDS, make_parser
from tests.programs import needs
from tests.terminal import Terminal


@pytest.fixture
def desk(home):
    """A folder with the scripts, and something to complete."""
    desk = home.folder / "desk"
    (desk / "deep").mkdir(parents=True)
    (desk / "note.txt").touch()
    (desk / "zfunc").mkdir()
    (desk / "zfunc" / "_dave").write_text(script("zsh"), "utf-8")
    for shell in SHELLS:
        (desk / shell).write_text(script(shell), "utf-8")
    return desk


@pytest.mark.parametrize("shell", SHELLS)
def test_each_script_is_of_its_language_and_whole(shell, desk):
    done = subprocess.run([needs(shell), "-n", desk / shell], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    text = (desk / shell).read_text("utf-8")
    for verb in COMMANDS:
        assert verb in text
        for action in make_parser(verb)._actions:
            for option in action.option_strings:
                assert option.lstrip("-") in text


KEYS = [
    ("dave pu", "dave put"),
    ("dave put --fi", "dave put --file"),
    ("dave put x --file no", "dave put x --file note.txt"),
    ("dave run --data de", "dave run --data deep/"),
    ("dave run --sync al", "dave run --sync always"),
    ("dave keep l", "dave keep ls"),
    ("dave completion fi", "dave completion fish"),
]
"""What is typed before TAB, and what stands there after it."""


@pytest.mark.parametrize(
    ("command", "setup"),
    [
        (["bash", "--norc", "--noprofile", "-i"], "source ./bash"),
        (["zsh", "-f", "-i"], "fpath=($PWD/zfunc $fpath); autoload -U compinit; compinit -u -D"),
    ],
    ids=["bash", "zsh"],
)
def test_tab_in(command, setup, desk, home):
    needs(command[0])
    with Terminal(command, desk, home.env(PS1="$ ", PROMPT="$ ")) as terminal:
        terminal.type(f"PS1='$ '; {setup}; clear; echo ready\r")
        terminal.until(lambda lines: lines == ["ready", "$"])
        for typed, shown in KEYS:
            terminal.type(f"{typed}\t")
            terminal.until(lambda lines, shown=shown: lines[-1] == f"$ {shown}")
            terminal.type("\x15")  # Ctrl-U: an empty line again
            terminal.until(lambda lines: lines[-1] == "$")


def test_tab_in_fish(desk, home):
    asked = "; ".join(f"complete -C '{typed}'; echo -" for typed, _ in KEYS)
    done = subprocess.run(
        [needs("fish"), "--no-config", "-c", f"source ./fish; {asked}"],
        cwd=desk, env=home.env(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    offered = [
        [line.partition("\t")[0] for line in part.splitlines()] for part in done.stdout.split("-\n")
    ]
    for (_, shown), words in zip(KEYS, offered, strict=False):
        assert shown.split()[-1] in words


def test_an_unknown_shell(home):
    done = home.dave("completion", "tcsh")
    assert done.code == 2
    assert "Try: dave completion --help" in done.err
