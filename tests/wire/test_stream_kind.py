"""The kinds that requests have are those that PROTOCOL.md names."""

import re
from pathlib import Path

from dave.wire.stream_kind import StreamKind

PROTOCOL = Path(__file__).parents[2] / "PROTOCOL.md"


def test_the_protocol_names_every_kind_and_no_other():
    rows = PROTOCOL.read_text("utf-8").partition("| kind | request |")[2].partition("\n\n")[0]
    told = {}
    for first, last, text in re.findall(r"\| (\d+)(?: to (\d+))? \| (.*) \|", rows):
        names = re.findall(r"\b[A-Z]{4,}\b", text)
        told |= zip(range(int(first), int(last or first) + 1), names, strict=True)
    assert told == {kind.value: kind.name for kind in StreamKind}
