"""PROTOCOL.md says what the declarations say."""

from pathlib import Path

import pytest

from dave.errors import UsageError
from dave.wire.tables import all_tables, updated

PROTOCOL = Path(__file__).parents[2] / "PROTOCOL.md"


def test_protocol_md_is_up_to_date():
    text = PROTOCOL.read_text("utf-8")
    assert updated(text) == text, "run `make protocol`"


def test_a_stale_table_is_rewritten():
    text = PROTOCOL.read_text("utf-8")
    stale = text.replace("| 72 | 1 | flags |", "| 73 | 1 | flags |")
    assert stale != text
    assert updated(stale) == text


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<!-- table: PING -->", "<!-- table: PINGS -->", "PING, PINGS"),
        ("<!-- table: PING -->", "", "PING"),
        (
            "<!-- table: PING -->",
            "<!-- table: PONG -->\n<!-- end -->\n<!-- table: PING -->",
            "PONG",
        ),
    ],
)
def test_marks_and_tables_must_agree(old, new, said):
    with pytest.raises(UsageError, match=said):
        updated(PROTOCOL.read_text("utf-8").replace(old, new))


def test_offsets_are_sums_of_sizes():
    rows = [line.split(" | ") for line in all_tables()["entry"].splitlines() if line[:3] != "|--"]
    numbers = [(row[0].lstrip("| "), row[1]) for row in rows if len(row) == 4][1:]
    at = 0
    for offset, size in numbers[:9]:
        assert int(offset) == at
        at += int(size) if size.isdigit() else 0
    assert at == 120
    assert numbers[9][0] == "…"
