"""The scenarios by name, and how many nodes each takes unless told."""

from sim.figures import Run, Scenario
from sim.scenarios import basics, colluders, flood, lossy

SCENARIOS: dict[str, tuple[Scenario, int]] = {
    "basics": (basics.run, 12),
    "colluders": (colluders.run, 2000),
    "lossy": (lossy.run, 8),
    "flood": (flood.run, 3),
}


def run(name: str, seed: int, nodes: int | None = None) -> Run:
    """Run a scenario. Raises KeyError for a name not in SCENARIOS."""
    scenario, nodes_default = SCENARIOS[name]
    world, figures = scenario(seed, nodes_default if nodes is None else nodes)
    return Run(name, world, figures)
