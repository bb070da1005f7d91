"""What the doctor finds: one line about one thing, and one command that mends it."""

from enum import IntEnum
from typing import Any, NamedTuple


class Level(IntEnum):
    """How bad it is."""

    OK = 0
    WARNING = 1
    """It works, and could work better, or something could not be told."""
    PROBLEM = 2
    """It does not work, or soon will not."""


class Finding(NamedTuple):
    """One thing looked at."""

    check: str
    """What was looked at, in a word or two; the same in every run."""
    level: Level
    text: str
    mend: str = ""
    """A command, or what to do; empty where nothing is to be done."""

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "check": self.check,
            "level": self.level.name.lower(),
            "text": self.text,
            "mend": self.mend or None,
        }


def ok(check: str, text: str) -> Finding:
    """As it should be."""
    return Finding(check, Level.OK, text)


def warning(check: str, text: str, mend: str) -> Finding:
    """Not as it should be; it works."""
    return Finding(check, Level.WARNING, text, mend)


def problem(check: str, text: str, mend: str) -> Finding:
    """It does not work."""
    return Finding(check, Level.PROBLEM, text, mend)
