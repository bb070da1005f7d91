"""A reader of Markdown who does what it says: every fenced block marked sh, console or python is
run, in order, in one temporary home, with `dave` and `python` of this environment first on the
PATH.

    ```sh        one script, ended by the first command that fails
    ```console   lines that start with "$ " are commands, run as one script; the other lines are
                 what they print, in order, where "…" stands for anything (other lines may be
                 in between, and what is not printed fails)
    ```python    a program; `await` and `async with` outside of a function are allowed

A comment of its own line, before the block, says more:

    <!-- test: background -->                its last command is started, and runs on until all
                                             blocks are done, once it has printed its first line,
                                             which is the one that a console block shows, if any
    <!-- test: exit N -->                    it ends with exit code N

Blocks of nothing but `make` commands are left to CI, which runs them; nothing else can be skipped.
Any other block language is text.
"""

import ast
import os
import re
import select
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from dave.edge.limits import PORT_DEFAULT
from tests.processes import PATIENCE_SECONDS, Home

USUAL = f"127.0.0.1:{PORT_DEFAULT}"
USUAL_HTTP = "127.0.0.1:8080"

_BLOCK = re.compile(
    r"^(?:<!-- test: (?P<note>[^\n]*?) -->\n+)?```(?P<language>sh|console|python)\n"
    r"(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_NOTE = re.compile(r"background|exit \d+")


class Block(NamedTuple):
    """A fenced block, and what is to be done with it."""

    line: int
    language: str
    text: str
    note: str


def blocks_of(text: str) -> list[Block]:
    """The blocks of a Markdown text that are to be run."""
    found = [
        Block(text[: m.start("text")].count("\n"), m["language"], m["text"], m["note"] or "")
        for m in _BLOCK.finditer(text)
    ]
    for block in found:
        assert not block.note or _NOTE.fullmatch(block.note), f"line {block.line}: {block.note!r}"
    assert len(found) == len(re.findall(r"^```(?:sh|console|python)\b", text, re.MULTILINE))
    assert text.count("<!-- test:") == sum(bool(block.note) for block in found)
    return found


class Reader:
    """Somebody who types what the text says."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._folder = home.folder / "desk"
        self._folder.mkdir()
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self._env = home.env(PATH=path)
        self._background: list[subprocess.Popen[bytes]] = []

    def follow(self, block: Block) -> None:
        """Do what a block says; AssertionError with its output if it does not work."""
        commands, wanted = _commands(block), _wanted(block)
        if _is_for_ci(block, commands):
            return
        if block.note == "background":
            self._start(commands, wanted)
            return
        code = int(block.note.split()[1]) if block.note.startswith("exit") else 0
        if block.language == "python":
            argv = [sys.executable, "-c", _program(block.text)]
        else:
            argv = ["bash", "-euo", "pipefail", "-c", commands]
        done = subprocess.run(
            argv, cwd=self._folder, env=self._env, stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE_SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"line {block.line}: {done.stdout}"
        printed = iter(done.stdout.splitlines())
        for line in wanted:
            assert any(_shows(line, each) for each in printed), (
                f"line {block.line}: {line!r} is not in {done.stdout!r}"
            )

    def close(self) -> None:
        """End what runs in the background."""
        for process in self._background:
            process.terminate()
            try:
                process.wait(PATIENCE_SECONDS)
            finally:
                process.kill()
                process.wait()
                assert process.stdout is not None
                process.stdout.close()

    def _start(self, commands: str, wanted: list[str]) -> None:
        *first, last = [line for line in commands.splitlines() if _is_command(line)]
        script = "\n".join([*first, f"exec {last.rstrip().removesuffix('&')}"])
        process = subprocess.Popen(
            ["bash", "-euc", script], cwd=self._folder, env=self._env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )  # fmt: skip
        self._background.append(process)
        assert process.stdout is not None
        readable, _, _ = select.select([process.stdout], [], [], PATIENCE_SECONDS)
        assert readable, f"{last!r} prints nothing"
        line = process.stdout.readline().decode().rstrip("\n")
        assert line, f"{last!r} ended"
        assert not wanted or _shows(wanted[0], line), f"{last!r} prints {line!r}"


def _is_for_ci(block: Block, commands: str) -> bool:
    lines = [line for line in commands.splitlines() if _is_command(line)]
    return block.language != "python" and all(line.split()[0] == "make" for line in lines)


def _shows(shown: str, printed: str) -> bool:
    return bool(re.fullmatch(".*".join(re.escape(part) for part in shown.split("…")), printed))


def _is_command(line: str) -> bool:
    return not re.fullmatch(r"\s*(#.*)?", line)


def _commands(block: Block) -> str:
    if block.language != "console":
        return block.text
    lines = block.text.splitlines()
    # The prompt would start a line of its own after a command whose output has no line's end.
    between = "\n" if block.note == "background" else "\necho\n"
    return between.join(line[2:] for line in lines if line.startswith("$ "))


def _wanted(block: Block) -> list[str]:
    if block.language != "console":
        return []
    lines = block.text.splitlines()
    return [line for line in lines if line.strip() and not line.startswith("$ ")]


def _program(text: str) -> str:
    """A program that runs `text`, as `python -m asyncio` would take it."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    return (
        "import asyncio, inspect, types\n"
        f"code = compile({text!r}, 'page', 'exec', {flags})\n"
        "ran = types.FunctionType(code, {'__name__': '__main__'})()\n"
        "asyncio.run(ran) if inspect.iscoroutine(ran) else None\n"
    )


def moved(text: str, address: str | None = None) -> str:
    """The text with its node at `address`, or on a free port that it is told of, and its HTTP on
    another: what stands on the usual ones is elsewhere here, since several tests run at a time."""
    if address is None:
        address = f"127.0.0.1:{free_port()}"
        text = text.replace("$ dave run\n", f"$ dave run --listen {address}\n")
    return text.replace(USUAL, address).replace(USUAL_HTTP, f"127.0.0.1:{free_port()}")


def free_port() -> int:
    """A port that nobody listens on, neither by UDP nor by TCP."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            tcp.bind(("127.0.0.1", 0))
            try:
                udp.bind(tcp.getsockname())
            except OSError:
                continue  # somebody's UDP port: the system gives another one
            return int(tcp.getsockname()[1])


def run_all(text: str, home: Home) -> int:
    """Follow a text; how many blocks there were."""
    reader = Reader(home)
    try:
        blocks = blocks_of(text)
        for block in blocks:
            reader.follow(block)
        return len(blocks)
    finally:
        reader.close()
