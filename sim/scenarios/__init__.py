"""The scenarios by name, and how many nodes each takes unless told."""

from sim.figures import Run, Scenario
from sim.scenarios import basics, flood, lossy, partition, repair

SCENARIOS: dict[str, tuple[Scenario, int]] = {
    "basics": (basics.run, 12),
    "lossy": (lossy.run, 8),
    "flood": (flood.run, 3),
    "partition": (partition.run, 20),
    "repair": (repair.run, 60),
}


def run(name: str, seed: int, nodes: int | None = None) -> Run:
    """Run a scenario. Raises KeyError for a name not in SCENARIOS."""
    scenario, nodes_default = SCENARIOS[name]
    world, figures = scenario(seed, nodes_default if nodes is None else nodes)
    return Run(name, world, figures)
