"""`dave completion SHELL`: a script that completes commands, options and files, made of the
parsers."""

from argparse import ArgumentParser, Namespace

from dave_cli.complete import FILES, FOLDERS
from dave_cli.main import COMMANDS, Parser, make_parser

EPILOG = """\
examples:
  dave completion bash > ~/.local/share/bash-completion/completions/dave
  dave completion zsh > ~/.zfunc/_dave      in .zshrc, before compinit:
                                            fpath=(~/.zfunc $fpath)
  dave completion fish > ~/.config/fish/completions/dave.fish
Packages of Dave that bring man pages bring these files too."""

SHELLS = ("bash", "zsh", "fish")

NOTHING = {"zsh": "{:}"}
"""For what no shell can know. Zsh would else show a message in its place, and take two TABs for an
option that may stand there too."""


def add_options(parser: ArgumentParser) -> None:
    """The options of `dave completion`."""
    parser.add_argument("shell", metavar="|".join(SHELLS), choices=SHELLS, help="your shell")


def main(args: Namespace) -> int:
    """Run `dave completion`."""
    print(script(args.shell))
    return 0


def script(shell: str) -> str:
    """The script for a shell, one of SHELLS."""
    import shtab

    return shtab.complete(_whole(), shell)


def _whole() -> Parser:
    """One parser with all commands, which tells what its files are."""
    import shtab

    whole = Parser(prog="dave", allow_abbrev=False)
    whole.add_argument("-V", "--version", action="store_true", help="print the version and exit")
    commands = whole.add_subparsers(metavar="COMMAND")
    for verb, (_, summary) in COMMANDS.items():
        parser = make_parser(verb)
        # As `add_parser` would do, with the parser that there is.
        commands.add_parser(verb, help=summary, add_help=False, parents=[parser])
        for action in parser._actions:
            if action.metavar in FILES:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
            elif action.metavar in FOLDERS:
                action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
            elif not action.option_strings and action.choices is None:
                action.complete = NOTHING  # type: ignore[attr-defined]
    help_parser = commands.add_parser("help", help="tell the options of a command")
    help_parser.add_argument("command", nargs="?", choices=tuple(COMMANDS))
    return whole
