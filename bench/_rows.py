"""One row of a bench's table."""

from typing import Any


def row(
    bench: str,
    case: str,
    value: float,
    unit: str,
    reference: float | None = None,
    *,
    goal: float | None = None,
    below: bool = False,
) -> dict[str, Any]:
    """A measured figure. The goal is for the ratio value / reference where there is a reference,
    else for the value; `below`: the less the better."""
    ratio = None if reference is None else value / reference
    judged = value if ratio is None else ratio
    return {
        "bench": bench,
        "case": case,
        "value": round(value, 3),
        "unit": unit,
        "reference": None if reference is None else round(reference, 3),
        "ratio": None if ratio is None else round(ratio, 3),
        "goal": goal,
        "ok": None if goal is None else (judged <= goal if below else judged >= goal),
    }
