"""Ranges of bytes as HTTP writes them (RFC 9110 section 14.1.1): A-B with both ends in it, "A-"
from there on, "-N" the last N bytes."""

from typing import NamedTuple

from dave.errors import UsageError


class ByteRange(NamedTuple):
    """A range, of a content of any size."""

    first: int | None
    """None: `last` counts from the end."""
    last: int | None
    """None: up to the end."""

    def within(self, size: int) -> tuple[int, int]:
        """Where it starts, and ends (exclusive), in a content of `size` bytes. Raises UsageError if
        it begins beyond the end."""
        if self.first is None:
            assert self.last is not None
            return max(0, size - self.last), size
        if self.first >= size:
            raise UsageError(f"there are {size:,} bytes, numbered from 0: none from {self.first}")
        return self.first, size if self.last is None else min(self.last + 1, size)

    def __str__(self) -> str:
        first = "" if self.first is None else self.first
        return f"{first}-{'' if self.last is None else self.last}"


def parse_range(text: str) -> ByteRange:
    """What --range means. Raises UsageError for what is no range."""
    first, dash, last = text.partition("-")
    numbers = [each for each in (first, last) if each]
    good = dash and numbers and all(each.isascii() and each.isdecimal() for each in numbers)
    if not good or (first and last and int(last) < int(first)):
        raise UsageError(
            f"{text!r} is no range: write 0-999 (the first 1,000 bytes), 1000- (all after) or "
            "-1000 (the last 1,000)"
        )
    return ByteRange(int(first) if first else None, int(last) if last else None)
