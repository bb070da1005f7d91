"""Stamp search against the BLAKE3 library's bulk rate on one core.

Bulk hashing is the most a core can do with BLAKE3, since the library's vector code has every lane
full: 64 bytes are one compression, and a try is one compression. Rounds are interleaved and
medians compared, so that a busy moment hits both.
"""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from blake3 import blake3

from dave.crypto import work
from dave.edge.search_helpers import load_kernel

KERNEL_GOAL = 0.9

ROUNDS = 15
BULK_BYTES = 4 << 20
KERNEL_HASHES = 1 << 21
PURE_HASHES = 1 << 15
PREFIX56 = bytes(range(56))
NO_STAMP = 1 << 256
"""A work that only the stamp 0 meets."""


def run() -> list[dict[str, Any]]:
    """Rows of {"bench", "case", "value", "unit", "reference", "ratio", "goal", "ok"}; rates are
    million hashes a second on one core. Without a kernel its value is None, and nothing fails."""
    bulk = bytes(BULK_BYTES)
    cases: dict[str, tuple[int, Callable[[], object]]] = {
        "bulk": (BULK_BYTES // 64, lambda: blake3(bulk, max_threads=1).digest()),
        "python": (PURE_HASHES, lambda: work.search(PREFIX56, NO_STAMP, 0, PURE_HASHES)),
    }
    kernel = load_kernel()
    if kernel is not None:
        search = kernel.search
        cases["kernel"] = (KERNEL_HASHES, lambda: search(PREFIX56, 0, 0, KERNEL_HASHES))
    rates = _rates(cases)
    bulk_rate = rates["bulk"]
    return [
        _row("kernel, one core", rates.get("kernel"), bulk_rate, KERNEL_GOAL),
        _row("pure Python, one core", rates["python"], bulk_rate, None),
    ]


def _rates(cases: dict[str, tuple[int, Callable[[], object]]]) -> dict[str, float]:
    """Median rate of each case, in million hashes a second."""
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, (_, call) in cases.items():
            started = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - started)
    return {name: hashes / median(seconds[name]) / 1e6 for name, (hashes, _) in cases.items()}


def _row(case: str, value: float | None, reference: float, goal: float | None) -> dict[str, Any]:
    ratio = None if value is None else value / reference
    return {
        "bench": "work",
        "case": case if value is not None else f"{case} (not built)",
        "value": None if value is None else round(value, 2),
        "unit": "Mhash/s",
        "reference": round(reference, 2),
        "ratio": None if ratio is None else round(ratio, 3),
        "goal": goal,
        "ok": None if goal is None or ratio is None else ratio >= goal,
    }
