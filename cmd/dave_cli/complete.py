"""What can stand at a place of a command line: what TAB offers in `dave shell`.

The parsers say it all: an option's choices, and by the word that stands for its value whether that
is a file, a folder or a name.
"""

import glob
import os
import shlex
from argparse import Action, ArgumentParser
from collections.abc import Callable, Iterable

FILES = frozenset(("FILE", "PATH"))
FOLDERS = frozenset(("DIR",))
NAMES = frozenset(("NAME", "KEY"))
"""By metavar: what completes to a path, to a folder, to a name that stands in the network."""


def candidates(
    parser: ArgumentParser, words: list[str], text: str, names: Callable[[], Iterable[str]]
) -> list[str]:
    """What `text` can become after `words`, the words between the verb and it. `names`: the names
    known, asked for where one is due. Whole words end with a space."""
    options = {flag: action for action in parser._actions for flag in action.option_strings}
    if words and (before := options.get(words[-1])) is not None and before.nargs is None:
        return _values(before, text, names)
    if text.startswith("-"):
        return _begin(text, (flag for flag in options if flag.startswith("--")))
    positionals = [action for action in parser._actions if not action.option_strings]
    index = _count_positionals(words, options)
    return _values(positionals[index], text, names) if index < len(positionals) else []


def _count_positionals(words: list[str], options: dict[str, Action]) -> int:
    count, is_value = 0, False
    for word in words:
        if is_value:
            is_value = False
        elif (action := options.get(word)) is not None:
            is_value = action.nargs is None
        elif not word.startswith("-"):
            count += 1
    return count


def _values(action: Action, text: str, names: Callable[[], Iterable[str]]) -> list[str]:
    if action.choices is not None:
        return _begin(text, action.choices)
    if action.metavar in NAMES:
        return _begin(text, map(shlex.quote, names()))
    if action.metavar in FILES | FOLDERS:
        return _paths(text, folders_only=action.metavar in FOLDERS)
    return []


def _begin(text: str, words: Iterable[str]) -> list[str]:
    return [f"{word} " for word in words if word.startswith(text)]


def _paths(text: str, *, folders_only: bool) -> list[str]:
    found = sorted(glob.glob(f"{glob.escape(text)}*"))
    return [f"{path}/" if os.path.isdir(path) else f"{path} " for path in found
            if not folders_only or os.path.isdir(path)]  # fmt: skip
