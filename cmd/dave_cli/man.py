"""`make build`: the files below share/ that a package brings: man pages and completions.

    python -m dave_cli.man FOLDER

All are made of the parsers, so that nothing is said twice. For those who package Dave; not a verb
of the command `dave`.
"""

import sys
from argparse import Action, RawDescriptionHelpFormatter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from dave import __version__
from dave_cli.completion import script
from dave_cli.main import COMMANDS, Parser, command, make_parser

COMPLETIONS = {
    "bash": "bash-completion/completions/dave",
    "zsh": "zsh/site-functions/_dave",
    "fish": "fish/vendor_completions.d/dave.fish",
}
"""Where each shell looks for them, below share/."""

OVERVIEW = """\
.SH SYNOPSIS
.B dave
.I COMMAND
.RI [ OPTIONS ]
.SH DESCRIPTION
Dave is a peer-to-peer key-value store over UDP. Anyone can run a node; nobody owns the network.
You sign an entry, stamp it with proof of work and hand it to the nodes whose ids lie nearest to it.
.PP
Start a node with
.BR "dave run" ,
or see five of them at work with
.BR "dave demo" .
Your first
.B dave put
makes your key.
"""

OUTLOOK = """\
.SH EXIT STATUS
.TP
.B 0
done
.TP
.B 1
not found, or not stored by enough nodes
.TP
.B 2
wrong usage or input
.TP
.B 3
no node answers, or only nodes of another network
.SH ENVIRONMENT
.TP
.B DAVE_EDGE
nodes to talk to, HOST:PORT with blanks between, where there is no \\-\\-edge
.TP
.B DAVE_PASSPHRASE
the passphrase of a key file, where there is no terminal to ask at
.TP
.BR DAVE_DATA ", " DAVE_TTL " ..."
one for each setting: the file that
.B dave config \\-\\-init
writes names them
.TP
.B NO_COLOR
if set, no bold prompt in
.B dave shell
.SH FILES
Below the user's folders, by the XDG rules:
.TP
.I ~/.config/dave/owner.key
your key; keep a copy: it alone can change what you put
.TP
.I ~/.config/dave/config.toml
settings, see
.BR dave\\-config (1)
.TP
.I ~/.local/share/dave
the node's folder: its key, its journal, its shares of files
.TP
.I ~/.local/state/dave/shell_history
what was typed in
.B dave shell
"""


def main(folder: Path) -> None:
    """Write all of it below `folder`."""
    for name, text in files():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def files() -> Iterator[tuple[str, str]]:
    """Path below share/ and content of each file."""
    yield "man/man1/dave.1", overview()
    for verb in COMMANDS:
        yield f"man/man1/dave-{verb}.1", page(verb)
    for shell, path in COMPLETIONS.items():
        yield path, script(shell) + "\n"


def overview() -> str:
    """dave(1)."""
    rows = [
        f".TP\n.BR dave\\-{verb} (1)\n{_escaped(summary)}\n"
        for verb, (_, summary) in COMMANDS.items()
    ]
    head = _head("dave", "a peer-to-peer key-value store over UDP")
    return "".join([head, OVERVIEW, ".SH COMMANDS\n", *rows, OUTLOOK])


def page(verb: str) -> str:
    """dave-VERB(1)."""
    parser = make_parser(verb)
    examples, notes = _epilog(command(verb).EPILOG)
    arguments = [action for action in parser._actions if not action.option_strings]
    options = [action for action in parser._actions if action.option_strings]
    parts = [
        _head(f"dave-{verb}", COMMANDS[verb][1]),
        f".SH SYNOPSIS\n.nf\n{_escaped(_usage(parser))}\n.fi\n",
        f".SH DESCRIPTION\n{_escaped(parser.description or '')}\n",
        f".PP\n{_escaped(notes)}\n" if notes else "",
        _table("ARGUMENTS", arguments),
        _table("OPTIONS", options),
        f".SH EXAMPLES\n.nf\n{_escaped(examples)}\n.fi\n",
        ".SH SEE ALSO\n.BR dave (1)\n",
    ]
    return "".join(parts)


def _head(name: str, summary: str) -> str:
    title = _escaped(name.upper())
    return (
        f'.TH {title} 1 "" "dave {__version__}" "Dave"\n'
        # Neither hyphens that nobody wrote, nor blanks that stretch a line.
        f".nh\n.ad l\n.SH NAME\n{_escaped(name)} \\- {_escaped(summary)}\n"
    )


def _usage(parser: Parser) -> str:
    parser.formatter_class = partial(RawDescriptionHelpFormatter, width=79)
    return parser.format_usage().removeprefix("usage: ").replace("\n       ", "\n").strip()


def _table(title: str, actions: list[Action]) -> str:
    rows = []
    for action in actions:
        value = action.metavar or ("" if action.nargs == 0 else action.dest.upper())
        names = ", ".join(action.option_strings)
        text = _escaped(f"{names} {value}".strip())
        about = _escaped((action.help or "") % vars(action))
        rows.append(f".TP\n.B {text}\n{about}\n")
    return f".SH {title}\n{''.join(rows)}" if rows else ""


def _epilog(text: str) -> tuple[str, str]:
    """The examples, which are indented, and what is said after them."""
    lines = text.splitlines()
    return (
        "\n".join(line[2:] for line in lines if line.startswith("  ")),
        "\n".join(line for line in lines if not line.startswith("  ") and line != "examples:"),
    )


def _escaped(text: str) -> str:
    """As roff takes it literally: backslashes, hyphens that are to be copied, lines that would be
    requests."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    text = text.replace("`", "\\(ga").replace("^", "\\(ha").replace("~", "\\(ti")
    return "\n".join(f"\\&{line}" if line[:1] == "." else line for line in text.split("\n"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
