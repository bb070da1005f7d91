"""Plots of what scenarios measured, each from the JSON of its run.

    python -m sim.plots RUN.json FIGURE.png

A scenario leaves its points in `world.series`; PLOTS says how those of each scenario are shown. Of
several seeds the mean is drawn, in a band from the least to the greatest. A series whose name
begins with "goal" is what should be reached. matplotlib is needed here only (extra `figures`).
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

Point = tuple[float, float]
Report = dict[str, Any]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito (2008): told apart by everybody."""
GREY = "#666666"
SIZE_INCHES = 8, 4.5
DPI = 150


class Plot(NamedTuple):
    """How the series of one scenario are shown."""

    title: str
    x: str
    y: str
    is_log: bool = False
    is_share: bool = False
    """y is a share from 0 to 1, shown in percent."""
    y_from_zero: bool = True
    x_is_share: bool = False
    marks: tuple[tuple[str, tuple[Point, ...]], ...] = ()
    """What others published, by name: drawn as single points."""
    goal: tuple[str, float] | None = None
    """A level to stay below or above."""


S_KADEMLIA = ("S/Kademlia, d = 8 (Baumgart and Mies 2007)", ((0.2, 0.99), (0.5, 0.85)))

PLOTS: dict[str, Plot] = {
    "hops": Plot("Steps of a lookup", "nodes", "mean steps to the nearest node", is_log=True),
    "colluders": Plot(
        "Lookups among colluders",
        "share of nodes that collude",
        "lookups that succeed",
        is_share=True,
        x_is_share=True,
        marks=(S_KADEMLIA,),
    ),
    "churn": Plot(
        "Entries under churn, half-life 60 minutes",
        "hours",
        "share of entries",
        is_share=True,
        y_from_zero=False,
    ),
    "cheats": Plot("Trust over time", "hours", "mean trust score of the honest nodes"),
    "idle": Plot(
        "Load of an idle network",
        "nodes, from the least busy to the busiest (%)",
        "packets sent per second",
        goal=("goal for the mean", 0.3),
    ),
    "partition": Plot(
        "Convergence after a partition",
        "seconds since it healed",
        "entries whose replicas are identical",
        is_share=True,
    ),
    "repair": Plot(
        "Repair after 60 % of the nodes died at once",
        "minutes since",
        "entries with all their replicas",
        is_share=True,
    ),
}
PLOTS["churn-large"] = PLOTS["churn-evening"] = PLOTS["churn"]


def draw(reports: Sequence[Report], path: Path, *, is_full: bool = False) -> None:
    """Draw the plot of these runs of one scenario into a file, PNG or SVG by its name. Raises
    ValueError if there is nothing to draw, ImportError without matplotlib."""
    scenario = _scenario_of(reports)
    plot = PLOTS[scenario]
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("plots need matplotlib: install dave-kv[figures]") from error
    figure = Figure(figsize=SIZE_INCHES, dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    _draw_series(axes, merged(reports))
    for name, points in plot.marks:
        axes.plot(*zip(*points, strict=True), "kD", label=name, zorder=5)
    if plot.goal is not None:
        axes.axhline(plot.goal[1], color=GREY, linestyle="--", label=plot.goal[0])
    _dress(axes, plot)
    axes.set_title(plot.title, loc="left", fontsize=13, fontweight="bold")
    figure.supxlabel(
        _origin(scenario, reports, is_full), fontsize=7, color=GREY, x=0.99, ha="right"
    )
    figure.savefig(path)


def merged(reports: Sequence[Report]) -> dict[str, list[tuple[float, float, float, float]]]:
    """By series: (x, mean, least, greatest) over the runs."""
    found: dict[str, dict[float, list[float]]] = {}
    for report in reports:
        for name, points in report["series"].items():
            for x, y in points:
                found.setdefault(name, {}).setdefault(x, []).append(y)
    return {
        name: [(x, sum(ys) / len(ys), min(ys), max(ys)) for x, ys in sorted(by_x.items())]
        for name, by_x in found.items()
    }


def _scenario_of(reports: Sequence[Report]) -> str:
    names = sorted({str(report["scenario"]) for report in reports})
    if len(names) != 1:
        raise ValueError(f"a plot is of one scenario, not of {len(names)}")
    if names[0] not in PLOTS or not any(report.get("series") for report in reports):
        raise ValueError(f"{names[0]} has no points to draw; {', '.join(sorted(PLOTS))} have")
    return names[0]


def _draw_series(axes: Any, series: dict[str, list[tuple[float, float, float, float]]]) -> None:
    colours = iter(COLOURS * len(series))
    for name, points in series.items():
        xs, means, leasts, greatests = zip(*points, strict=True)
        if name.startswith("goal"):
            axes.plot(xs, means, color=GREY, linestyle="--", label=name)
            continue
        colour = next(colours)
        axes.plot(xs, means, color=colour, marker="o" if len(xs) < 40 else "", ms=4, label=name)
        if leasts != greatests:
            axes.fill_between(xs, leasts, greatests, color=colour, alpha=0.15, linewidth=0)


def _dress(axes: Any, plot: Plot) -> None:
    from matplotlib.ticker import PercentFormatter, ScalarFormatter

    axes.set_xlabel(plot.x)
    axes.set_ylabel(plot.y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    if plot.is_log:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(ScalarFormatter())
    if plot.is_share:
        axes.yaxis.set_major_formatter(
            PercentFormatter(1, decimals=None if not plot.y_from_zero else 0)
        )
    if plot.x_is_share:
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    if plot.y_from_zero:
        axes.set_ylim(bottom=0, top=1.03 if plot.is_share else None)
    elif plot.is_share:
        low = axes.get_ylim()[0]
        axes.set_ylim(min(low, 0.95), 1 + (1 - min(low, 0.95)) / 20)
    axes.legend(frameon=False, fontsize=9)


def _origin(scenario: str, reports: Sequence[Report], is_full: bool) -> str:
    """The command that made it, and how large the network was."""
    nodes = max(int(report["nodes"]) for report in reports)
    seeds = [report["seed"] for report in reports]
    several = f" --seeds {len(seeds)}" if len(seeds) > 1 else ""
    full = " --full" if is_full else ""
    return f"python -m sim {scenario} --seed {min(seeds)}{several}{full}    {nodes:,} nodes"


def main(arguments: list[str] | None = None) -> int:
    """Draw the plot of a run that `--json` has written."""
    parser = argparse.ArgumentParser(prog="python -m sim.plots", description="Plot a run.")
    parser.add_argument("run", type=Path, help="what --json wrote")
    parser.add_argument("figure", type=Path, help="PNG or SVG")
    parser.add_argument("--full", action="store_true", help="say that it was a full run")
    options = parser.parse_args(arguments)
    reports = json.loads(options.run.read_text("utf-8"))
    try:
        draw(reports if isinstance(reports, list) else [reports], options.figure,
             is_full=options.full)  # fmt: skip
    except ValueError as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
