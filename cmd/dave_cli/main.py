"""The command `dave`: finds the verb, loads only what that verb needs, and turns errors into words
and exit codes.

0 done, 1 not found or not stored, 2 wrong usage or input, 3 network unreachable.
"""

import gc
import os
import re
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib import import_module
from typing import Any, NoReturn

from dave.errors import DaveError

COMMANDS = {
    "demo": ("demo", "start five local nodes, put, kill one, get: see Dave work in seconds"),
    "run": ("run", "run a node until Ctrl-C"),
    "put": ("put", "store a value under a key of yours"),
    "get": ("get", "print a value"),
    "share": ("share", "put something that only a link opens, and print the link"),
    "fetch": ("fetch", "fetch the file or folder that a link leads to"),
    "watch": ("watch", "print each new version of a value, or run a command with it"),
    "check": ("check", "have the nodes that should hold an entry prove it"),
    "rm": ("rm", "delete a key of yours"),
    "ls": ("ls", "list the names that an owner has"),
    "keep": ("keep", "what the node on this machine renews for you: ls, rm"),
    "keygen": ("keygen", "make an owner's key, or a network's secret"),
    "status": ("status", "how the node on this machine is doing"),
    "peers": ("peers", "whom the node on this machine knows"),
    "config": ("config", "show all settings, and what each was set by"),
    "doctor": ("doctor", "look for what is wrong, and say what mends it"),
    "shell": ("shell", "many commands in one session, with history and completion"),
    "completion": ("completion", "print a script that completes commands in bash, zsh or fish"),
    "decode": ("decode", "print a packet, message or entry field by field"),
}
"""Each verb: its module in this package, and what it does."""


class Parser(ArgumentParser):
    """Errors of usage end with exit code 2 and the command that shows the options."""

    def error(self, message: str) -> NoReturn:
        from dave.edge.closest import closest

        flag = re.match("unrecognized arguments: (--[^ =]+)", message)
        if flag is not None and (meant := closest(flag[1], self._option_string_actions)):
            message = f"there is no {flag[1]}: did you mean {meant}?"
        elif re.match("unrecognized arguments: [^-]", message):
            message += " (put quotes around what has spaces)"
        self.exit(2, f"dave: {message}\nTry: {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code."""
    # What is imported at a start lives on; the collector would look at it some 90 times, for 5 ms.
    gc.set_threshold(20_000)
    args = list(sys.argv[1:] if argv is None else argv)
    if None in (sys.stdin, sys.stdout, sys.stderr):
        _open_closed_streams()
    try:
        return spoken(lambda: _dispatch(args))
    except BrokenPipeError:
        # Whoever read our output has seen enough; keep Python from trying again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _open_closed_streams() -> None:
    """Who starts us with a standard stream closed (`dave put ... >&-`, some supervisors) reads and
    writes nothing there; nor may a socket or a key file get its number."""
    while (spare := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(spare)
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def spoken(action: Callable[[], int]) -> int:
    """What `action` returns; of its errors those for a person become words and an exit code."""
    try:
        return action()
    except KeyboardInterrupt:
        print("dave: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        raise
    except DaveError as error:
        print(f"dave: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"dave: {where}{error.strerror or error}", file=sys.stderr)
        return 2


def command(verb: str) -> Any:
    """The module of a command: add_options, main, EPILOG."""
    return import_module(f"dave_cli.{COMMANDS[verb][0]}")


def make_parser(verb: str, prog: str | None = None) -> Parser:
    """The parser of a command. Help, man pages and completions are all made of it."""
    module, summary = command(verb), COMMANDS[verb][1]
    parser = Parser(
        prog=prog or f"dave {verb}",
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=module.EPILOG,
        formatter_class=partial(RawDescriptionHelpFormatter, width=_width()),
        allow_abbrev=False,
    )
    module.add_options(parser)
    return parser


def _width() -> int:
    """Columns for help. argparse would import shutil to find them, whether they are asked for or
    not: 2 ms at each start."""
    try:
        columns = int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size().columns
    except (ValueError, OSError):
        columns = 80
    return columns - 2


def parse(parser: ArgumentParser, args: Sequence[str]) -> Namespace:
    """The arguments of a command, with what the environment and the configuration file say."""
    parsed = parser.parse_intermixed_args(args)
    if "settings" in parsed:
        from dave_cli.options import resolve

        resolve(parsed)
    return parsed


def unknown(verb: str, known: Iterable[str], prefix: str = "dave ") -> int:
    """Say that there is no such command, and which was meant; the exit code."""
    from dave.edge.closest import closest

    close = closest(verb, known)
    hint = f"did you mean `{prefix}{close}`?" if close else f"see `{prefix}help`"
    print(f"dave: there is no command {verb!r}: {hint}", file=sys.stderr)
    return 2


def _dispatch(args: list[str]) -> int:
    if args[:1] == ["help"] and len(args) > 1:
        args = [args[1], "--help"]
    if not args or args[0] in ("-h", "--help", "help"):
        print(_help())
        return 0 if args else 2
    if args[0] in ("-V", "--version"):
        from dave import __version__

        print(f"dave {__version__}")
        return 0
    if args[0] not in COMMANDS:
        return unknown(args[0], (*COMMANDS, "--help", "--version"))
    return _run(args[0], args[1:])


def _run(verb: str, args: list[str]) -> int:
    code: int = command(verb).main(parse(make_parser(verb), args))
    sys.stdout.flush()
    return code


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = ["usage: dave COMMAND [OPTIONS]", "", "A peer-to-peer key-value store.", ""]
    lines += [f"  {verb:{width}}  {summary}" for verb, (_, summary) in COMMANDS.items()]
    lines += ["", "First steps: `dave demo`; or `dave run` here, and in another terminal"]
    lines += ["`dave put greeting hello` and `dave get greeting`."]
    return "\n".join([*lines, "`dave help COMMAND` tells the options of a command."])
