"""What a scenario measures, and how it is printed."""

from collections.abc import Callable
from typing import Any, NamedTuple

from dave.testing.world import World


class Figure(NamedTuple):
    """One measured number. `goal` says what it should be, for a person; `ok` whether it is, or
    None where there is no goal."""

    name: str
    value: float
    goal: str | None = None
    ok: bool | None = None


def at_least(name: str, value: float, least: float) -> Figure:
    """A figure that should be `least` or more."""
    return Figure(name, value, f">= {least:g}", value >= least)


def at_most(name: str, value: float, most: float) -> Figure:
    """A figure that should be `most` or less."""
    return Figure(name, value, f"<= {most:g}", value <= most)


def exactly(name: str, value: float, wanted: float) -> Figure:
    """A figure that should be `wanted`."""
    return Figure(name, value, f"= {wanted:g}", value == wanted)


class Run(NamedTuple):
    """A scenario that has ended."""

    scenario: str
    world: World
    figures: list[Figure]

    @property
    def ok(self) -> bool:
        """Whether no figure missed its goal."""
        return all(figure.ok is not False for figure in self.figures)

    def report(self) -> dict[str, Any]:
        """The run as JSON has it (DESIGN section 11), with the points of its plot if it has one."""
        report: dict[str, Any] = {
            "scenario": self.scenario,
            "seed": self.world.seed,
            "nodes": len(self.world.nodes) + self.world.ring_nodes,
            "figures": [figure._asdict() for figure in self.figures],
            "trace_hash": self.world.trace_hash(),
        }
        if self.world.series:
            report["series"] = self.world.series
        return report


Scenario = Callable[[int, int], tuple[World, list[Figure]]]
"""Called with a seed and a number of nodes."""
