"""The little of Markdown that all parts need."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table. Cells may hold Markdown; what would end one is escaped."""
    lines = [_row(head), _row(["---"] * len(head)), *(_row(row) for row in rows)]
    return "\n".join(lines)


def one_line(text: str | None) -> str:
    """A docstring as one paragraph; nothing for none."""
    return " ".join((text or "").split())


def code(text: str) -> str:
    """Text in a code span; text that has a backtick itself too."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}" if text else ""


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
