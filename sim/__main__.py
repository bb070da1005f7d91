"""`python -m sim SCENARIO [--nodes N] [--seed N] [--json FILE]`: run one scenario and say how it
went. Exit code 0 if every figure reached its goal, 1 if not, 2 for wrong usage."""

import argparse
import json
import sys
from pathlib import Path
from random import SystemRandom

from sim.figures import Run
from sim.scenarios import SCENARIOS, run


def main(arguments: list[str] | None = None) -> int:
    """Run the scenario that the command line names; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sim", description="Simulate a Dave network.")
    parser.add_argument("scenario", choices=sorted(SCENARIOS))
    parser.add_argument("--nodes", type=int, help="how many nodes; 3 or more")
    parser.add_argument("--seed", type=int, help="a run is a function of its seed; default: random")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args(arguments)
    if options.nodes is not None and options.nodes < 3:
        parser.error("--nodes must be 3 or more")
    seed = SystemRandom().getrandbits(32) if options.seed is None else options.seed
    # First, so that a run that fails or never ends can be repeated.
    print(f"scenario {options.scenario}, seed {seed}", flush=True)
    ended = run(options.scenario, seed, options.nodes)
    _print(ended)
    if options.json is not None:
        options.json.write_text(json.dumps(ended.report(), indent=2) + "\n", "utf-8")
    return 0 if ended.ok else 1


def _print(ended: Run) -> None:
    for figure in ended.figures:
        mark = {True: "ok", False: "MISSED", None: ""}[figure.ok]
        print(f"{figure.name:45} {figure.value:12g}  {figure.goal or '':12} {mark}")
    print(f"trace {ended.world.trace_hash()}")


if __name__ == "__main__":
    sys.exit(main())
