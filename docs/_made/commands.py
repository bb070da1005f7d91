"""The command reference, from the parsers that the command line itself uses."""

import re
from argparse import SUPPRESS, Action, ArgumentParser
from collections.abc import Iterator

from dave_cli.main import COMMANDS, make_parser
from docs._made.markdown import code, one_line, table


def parsers() -> Iterator[tuple[str, ArgumentParser]]:
    """Each command's name and its parser."""
    for verb in COMMANDS:
        yield verb, make_parser(verb)


def options(parser: ArgumentParser) -> list[Action]:
    """The options of a command that have a name, without --help."""
    return [
        action
        for action in parser._actions
        if action.option_strings and action.dest != "help" and action.help != SUPPRESS
    ]


def reference() -> str:
    """Every command with its synopsis, arguments, options and examples."""
    return "\n\n".join(_command(verb, parser) for verb, parser in parsers())


def _command(verb: str, parser: ArgumentParser) -> str:
    summary = COMMANDS[verb][1]
    usage = _wrapped(parser.format_usage().removeprefix("usage: "))
    parts = [f"## dave {verb}", f"{summary[0].upper()}{summary[1:]}.", f"```text\n{usage}\n```"]
    named = options(parser)
    rows = [[code(_shown(a)), _help(parser, a)] for a in [*_positional(parser), *named]]
    if rows:
        parts.append(table(["argument or option", "meaning"], rows))
    if parser.epilog:
        parts.append(f"```text\n{parser.epilog.rstrip()}\n```")
    return "\n\n".join(parts)


def _wrapped(usage: str) -> str:
    """A synopsis in lines that fit a page, broken between options."""
    lines = [""]
    for word in re.findall(r"\[[^\]]*\]+|\S+", usage):
        if len(lines[-1]) + len(word) > 76:
            lines.append("     ")
        lines[-1] += f" {word}" if lines[-1] else word
    return "\n".join(lines)


def _positional(parser: ArgumentParser) -> list[Action]:
    return [action for action in parser._actions if not action.option_strings]


def _shown(action: Action) -> str:
    names = ", ".join(action.option_strings)
    if action.nargs == 0:
        return names
    value = action.metavar or "|".join(action.choices or ()) or action.dest
    shown = value if isinstance(value, str) else " ".join(value)
    return f"{names} {shown}".strip()


def _help(parser: ArgumentParser, action: Action) -> str:
    text = parser._get_formatter()._expand_help(action) if action.help else ""
    choices = ", ".join(code(str(c)) for c in action.choices or ())
    meaning = one_line(text).replace("<", "&lt;").replace("*", "\\*")
    return "; ".join(part for part in (meaning, choices and f"one of {choices}") if part)
