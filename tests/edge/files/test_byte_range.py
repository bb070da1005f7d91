"""Ranges as HTTP has them, both ends included."""

import pytest

from dave.edge.files.byte_range import parse_range
from dave.errors import UsageError


@pytest.mark.parametrize(
    ("text", "within"),
    [("0-0", (0, 1)), ("0-9", (0, 10)), ("3-5", (3, 6)), ("3-99", (3, 10)), ("3-", (3, 10)),
     ("-3", (7, 10)), ("-99", (0, 10)), ("-0", (10, 10)), ("9-9", (9, 10))],
)  # fmt: skip
def test_ranges_of_ten_bytes(text, within):
    assert str(parse_range(text)) == text
    assert parse_range(text).within(10) == within


@pytest.mark.parametrize(
    "text", ["", "-", "1", "a-b", "5-3", "1-2-3", "--3", " 1-2", "+1-2", "²-3"]
)
def test_what_is_no_range(text):
    with pytest.raises(UsageError, match="is no range"):
        parse_range(text)


def test_beyond_the_end():
    with pytest.raises(UsageError, match="there are 10 bytes"):
        parse_range("10-").within(10)
    assert parse_range("-5").within(0) == (0, 0)
