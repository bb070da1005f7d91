"""The kinds of values that settings have: how each is written on a command line, in the environment
and in TOML, and what is allowed. Parsers raise ValueError in words that say what to write."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from dave.limits import CAPACITY_BYTES_MIN

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}
SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
TRUE = ("1", "true", "yes", "on")
FALSE = ("0", "false", "no", "off")


class Kind(NamedTuple):
    """How a value is read."""

    parse: Callable[[str], Any]
    """Of text; raises ValueError."""
    types: tuple[type, ...] = (str,)
    """What TOML may have in its place; a number is read as if it stood in quotes."""
    wanted: str = "text in quotes"
    """What that is, in words."""
    is_list: bool = False
    """In TOML an array, or one; words in the environment; a flag that may be repeated."""
    choices: tuple[str, ...] = ()

    def of_variable(self, text: str) -> Any:
        """The value of an environment variable. Raises ValueError."""
        return [self.parse(word) for word in text.split()] if self.is_list else self.parse(text)

    def of_toml(self, value: Any) -> Any:
        """The value that TOML has. Raises ValueError."""
        if self.is_list:
            values = value if isinstance(value, list) else [value]
            return [self._of_one(each) for each in values]
        return self._of_one(value)

    def _of_one(self, value: Any) -> Any:
        if type(value) not in self.types:
            raise ValueError(f"{_shown(value)} is not {self.wanted}")
        return self.parse(str(value))


def text(written: str) -> str:
    """Any text but none."""
    if not written.strip():
        raise ValueError("it is empty")
    return written


def path(written: str) -> Path:
    """The path of a file or folder; ~ is the home folder."""
    return Path(text(written)).expanduser()


def seconds(written: str) -> float:
    """A time-out: seconds, above 0 and at most a day."""
    try:
        value = float(written)
    except ValueError:
        value = 0.0
    if not 0 < value <= 86_400:
        raise ValueError(f"{written!r} is no time in seconds, above 0 and at most 86400")
    return value


def count(written: str) -> int:
    """A whole number, 1 or more."""
    if not written.isascii() or not written.isdecimal() or not int(written):
        raise ValueError(f"{written!r} is no number from 1 on")
    return int(written)


def duration(written: str) -> int:
    """A lifetime: 90, 90s, 15m, 12h, 30d, 4w, 1y; in seconds. Its range is the entry's to check."""
    number, unit = (written[:-1], written[-1:]) if written[-1:].lower() in UNITS else (written, "s")
    try:
        return int(float(number) * UNITS[unit.lower()])
    except (ValueError, OverflowError):
        raise ValueError(
            f"{written!r} is no lifetime: write a number and s, m, h, d, w or y, such as 30d"
        ) from None


def half_life(written: str) -> float:
    """A length of time above 0, as lifetimes are written; in days."""
    value = duration(written) / 86_400
    if not 0 < value <= 36_600:
        raise ValueError(f"{written!r} is not above 0 and at most 100 years")
    return value


def size(written: str) -> int:
    """A size in bytes: 500M, 2G, 1048576."""
    plain = written.upper().removesuffix("B").removesuffix("I")
    number, unit = (plain[:-1], plain[-1:]) if plain[-1:] in "KMGT" else (plain, "")
    try:
        value = float(number) * SIZES[unit]
        if not math.isfinite(value) or value < 0:
            raise ValueError
        return int(value)
    except (ValueError, KeyError):
        raise ValueError(f"{written!r} is no size: write 500M or 2G") from None


def capacity(written: str) -> int:
    """A size of at least CAPACITY_BYTES_MIN."""
    value = size(written)
    if value < CAPACITY_BYTES_MIN:
        raise ValueError(f"{written!r} is less than {CAPACITY_BYTES_MIN >> 20}M")
    return value


def switch(written: str) -> bool:
    """On or off."""
    if written.lower() in TRUE + FALSE:
        return written.lower() in TRUE
    raise ValueError(f"{written!r} is not true or false")


def one_of(*choices: str) -> Kind:
    """One of a few words."""

    def parse(written: str) -> str:
        if written not in choices:
            raise ValueError(f"{written!r} is not one of {', '.join(choices)}")
        return written

    return Kind(parse, wanted=f"one of {', '.join(choices)}", choices=choices)


def number(least: int, most: int) -> Kind:
    """A whole number in a range."""

    def parse(written: str) -> int:
        if not written.isascii() or not written.isdecimal() or not least <= int(written) <= most:
            raise ValueError(f"{written!r} is not a whole number from {least} to {most}")
        return int(written)

    return Kind(parse, (int,), f"a whole number from {least} to {most}")


TEXT = Kind(text)
TEXTS = Kind(text, wanted="text in quotes, or an array of such", is_list=True)
PATH = Kind(path)
SECONDS = Kind(seconds, (int, float), "a number of seconds")
COUNT = Kind(count, (int,), "a whole number from 1 on")
DURATION = Kind(duration, (str, int), 'a lifetime such as "30d"')
HALF_LIFE = Kind(half_life, (str,), 'a length of time such as "7d"')
SIZE = Kind(size, (str, int), 'a size such as "500M" or "2G"')
CAPACITY = Kind(capacity, (str, int), 'a size such as "500M" or "2G"')
SWITCH = Kind(switch, (bool,), "true or false")


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)
