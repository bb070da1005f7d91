"""The table that `--explain` prints: who was asked, in order, and what came of it."""

import sys
from collections.abc import Iterable
from typing import Any

COLUMNS = ("hop", "path", "node", "address", "ms", "trust", "answer")
_RIGHT = frozenset(("hop", "path", "ms", "trust"))


def print_trace(trace: Iterable[Any]) -> None:
    """Print the steps of an operation to standard error."""
    for line in table(trace):
        print(line, file=sys.stderr)


def table(trace: Iterable[Any]) -> list[str]:
    """The steps (dave.node.candidate.Step) as aligned lines under a line of titles."""
    rows = [COLUMNS, *map(_row, trace)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    return [
        "  ".join(
            cell.rjust(width) if title in _RIGHT else cell.ljust(width)
            for title, cell, width in zip(COLUMNS, row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _row(step: Any) -> tuple[str, ...]:
    from dave.edge.addresses import format_address

    return (
        str(step.hop),
        str(step.path),
        "edge" if step.id is None else f"{step.id:016x}",
        format_address(step.address),
        f"{step.rtt_ns / 1e6:.2f}" if step.rtt_ns else "-",
        "-" if step.trust is None else f"{step.trust:.2f}",
        step.outcome,
    )
