"""The table of docs/metrics.md is that of the code."""

from pathlib import Path

import pytest

from dave_cli.metrics import updated

ROOT = Path(__file__).parents[2]


def test_the_document_is_up_to_date():
    text = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    assert updated(text) == text, "run `make protocol`"
    assert updated(text.replace("| counter |", "| gauge |")) == text


def test_a_document_without_the_mark():
    with pytest.raises(ValueError, match="lacks the line"):
        updated("nothing")
