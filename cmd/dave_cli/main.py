"""The command `dave`: finds the verb, loads only what that verb needs, and turns errors into words
and exit codes.

0 done, 1 not found or not stored, 2 wrong usage or input, 3 network unreachable.
"""

import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

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
    "decode": ("decode", "print a packet, message or entry field by field"),
}
"""Each verb: its module in this package, and what it does."""


class Parser(ArgumentParser):
    """Errors of usage end with exit code 2 and the command that shows the options."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"dave: {message}\nTry: {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code."""
    args = list(sys.argv[1:] if argv is None else argv)
    try:
        if not args or args[0] in ("-h", "--help", "help"):
            print(_help())
            return 0 if args else 2
        if args[0] in ("-V", "--version"):
            from dave import __version__

            print(f"dave {__version__}")
            return 0
        if args[0] not in COMMANDS:
            return _unknown(args[0])
        return _run(args[0], args[1:])
    except KeyboardInterrupt:
        print("dave: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough; keep Python from trying again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except DaveError as error:
        print(f"dave: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"dave: {where}{error.strerror or error}", file=sys.stderr)
        return 2


def _run(verb: str, args: list[str]) -> int:
    module_name, summary = COMMANDS[verb]
    module = import_module(f"dave_cli.{module_name}")
    parser = Parser(
        prog=f"dave {verb}",
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=getattr(module, "EPILOG", None),
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.add_options(parser)
    parsed = parser.parse_intermixed_args(args)
    if "settings" in parsed:
        from dave_cli.options import resolve

        resolve(parsed)
    code: int = module.main(parsed)
    sys.stdout.flush()
    return code


def _help() -> str:
    lines = ["usage: dave COMMAND [OPTIONS]", "", "A peer-to-peer key-value store.", ""]
    lines += [f"  {verb:8} {summary}" for verb, (_, summary) in COMMANDS.items()]
    return "\n".join([*lines, "", "dave COMMAND --help tells the options of a command."])


def _unknown(verb: str) -> int:
    from difflib import get_close_matches

    close = get_close_matches(verb, COMMANDS, 1)
    hint = f"did you mean `dave {close[0]}`?" if close else "see `dave --help`"
    print(f"dave: there is no command {verb!r}: {hint}", file=sys.stderr)
    return 2
