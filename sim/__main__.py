"""Run one scenario, or `all` of them, and say how it went.

    python -m sim SCENARIO [--nodes N] [--seed N] [--seeds N] [--json FILE] [--figure FILE] [--full]

Exit code 0 if every figure reached its goal, 1 if not, 2 for wrong usage.
"""

import argparse
import gc
import json
import sys
import time
from pathlib import Path
from random import SystemRandom
from typing import Any

from sim.figures import Run
from sim.plots import PLOTS, draw
from sim.progress import Progress
from sim.scenarios import FULL, NAMES, SCENARIOS, run


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line names; returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.nodes is not None and options.nodes < 3:
        parser.error("--nodes must be 3 or more")
    if options.seeds < 1:
        parser.error("--seeds must be 1 or more")
    if options.figure is not None and options.scenario not in PLOTS:
        parser.error(f"--figure is for one of {', '.join(sorted(PLOTS))}")
    seed = SystemRandom().getrandbits(32) if options.seed is None else options.seed
    is_all = options.scenario == "all"
    names = list(FULL if options.full else SCENARIOS) if is_all else [options.scenario]
    if is_all and options.full:
        names += [name for name in SCENARIOS if name not in FULL]
    # Ten thousand nodes are millions of objects that live as long as the run: looking through them
    # at Python's usual pace costs an eighth of the time.
    gc.set_threshold(50_000, 20, 100)
    progress = Progress()
    if sys.stderr.isatty():
        progress.install()
    try:
        runs = [
            _run(name, one, options) for name in names for one in range(seed, seed + options.seeds)
        ]
    finally:
        progress.remove()
    reports = [report for report, _ in runs]
    if options.json is not None:
        written: Any = reports[0] if len(reports) == 1 else reports
        options.json.write_text(json.dumps(written, indent=2) + "\n", "utf-8")
    if options.figure is not None:
        draw(reports, options.figure, is_full=options.full)
    return 0 if all(ok for _, ok in runs) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sim", description="Simulate a Dave network.")
    parser.add_argument("scenario", choices=[*NAMES, "all"], metavar="SCENARIO",
                        help=", ".join([*NAMES, "all"]))  # fmt: skip
    parser.add_argument("--nodes", type=int, help="how many nodes; 3 or more")
    parser.add_argument("--seed", type=int, help="a run is a function of its seed; default: random")
    parser.add_argument("--seeds", type=int, default=1, help="run that many seeds, from --seed on")
    parser.add_argument("--full", action="store_true", help="the size the goals are meant for")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw a plot (PNG or SVG)")
    return parser


def _run(name: str, seed: int, options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    # First, so that a run that fails or never ends can be repeated.
    print(f"scenario {name}, seed {seed}", flush=True)
    started = time.monotonic()
    ended = run(name, seed, options.nodes, full=options.full)
    _print(ended)
    if name != options.scenario or options.seeds > 1:
        print(f"{time.monotonic() - started:.1f} s\n", flush=True)
    return ended.report(), ended.ok


def _print(ended: Run) -> None:
    for figure in ended.figures:
        mark = {True: "ok", False: "MISSED", None: ""}[figure.ok]
        print(f"{figure.name:48} {figure.value:12g}  {figure.goal or '':12} {mark}".rstrip())
    print(f"trace {ended.world.trace_hash()}")


if __name__ == "__main__":
    sys.exit(main())
