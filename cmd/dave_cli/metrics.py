"""`make protocol`: keeps the table of docs/metrics.md equal to dave/edge/metrics.py.

    python -m dave_cli.metrics FILE

For those who work on Dave; not a verb of the command `dave`.
"""

import sys
from pathlib import Path

from dave.edge.metrics import as_markdown

MARK = "<!-- The table is written by `make protocol`. -->\n"


def updated(text: str) -> str:
    """The document with the table after MARK, where it ends. Raises ValueError without MARK."""
    begin, mark, _ = text.partition(MARK)
    if not mark:
        raise ValueError(f"the document lacks the line {MARK.strip()}")
    return f"{begin}{mark}\n{as_markdown()}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(updated(path.read_text(encoding="utf-8")), encoding="utf-8")
