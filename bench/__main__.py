"""`python -m bench [NAME...] [--json FILE]`: runs the measurements and prints a table.

Each module bench/NAME.py has `run()`, which returns rows: {"bench", "case", "value", "unit",
"reference", "ratio", "goal", "ok"}; reference, ratio, goal and ok are None where there is none. A
goal that is missed is shown, and is no failure: speed depends on the machine. Exit 0 unless a
bench crashes (1) or is unknown (2).
"""

import argparse
import importlib
import json
import os
import platform
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

Row = dict[str, Any]
COLUMNS = ("bench", "case", "value", "unit", "reference", "ratio", "goal", "ok")
RIGHT = frozenset(("value", "reference", "ratio", "goal"))


def main(arguments: list[str]) -> int:
    """Run the benches named in `arguments`, or all; returns the exit status."""
    known = bench_names()
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there as well")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in known]
    if unknown:
        print(f"no bench {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    print(machine(), flush=True)
    # Told to end, end what was started too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rows: list[Row] = []
    crashed = False
    for name in options.names or known:
        try:
            rows += importlib.import_module(f"bench.{name}").run()
        except Exception:
            print(f"bench {name} crashed:", file=sys.stderr)
            traceback.print_exc()
            crashed = True
    print(table(rows))
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 1 if crashed else 0


def bench_names() -> list[str]:
    """The modules of this folder that measure something: those with a `run`."""
    return sorted(
        path.stem
        for path in Path(__file__).parent.glob("*.py")
        if not path.stem.startswith("_") and "\ndef run(" in path.read_text(encoding="utf-8")
    )


def machine() -> str:
    """The processor, how many cores of it we may use, and this Python."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        model = next(
            (line.split(":", 1)[1].strip() for line in lines if "model name" in line), model
        )
    has_affinity = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return f"{model}, {cores} cores, {platform.python_implementation()} {platform.python_version()}"


def table(rows: list[Row]) -> str:
    """The rows as aligned text."""
    texts = [COLUMNS, *(tuple(_text(row[column]) for column in COLUMNS) for row in rows)]
    widths = [max(len(text[i]) for text in texts) for i in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in RIGHT else cell.ljust(width)
            for cell, width, column in zip(text, widths, COLUMNS, strict=True)
        ).rstrip()
        for text in texts
    )


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "NO"
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 1_000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
