"""The scenarios by name, and how many nodes each takes unless told.

SCENARIOS are small enough for the tests; FULL, where there is one, is the size that the figures are
asked for, which `--full` and `make sim` run. A scenario returns its world and its figures; points
for a plot it leaves in `world.series`.
"""

from sim.figures import Run, Scenario
from sim.scenarios import (
    basics,
    blobs,
    cheats,
    churn,
    colluders,
    eclipse,
    flood,
    hops,
    idle,
    lossy,
    mixed,
    nat,
    partition,
    races,
    repair,
    speed,
    sybils,
    sync,
    watch,
)

SCENARIOS: dict[str, tuple[Scenario, int]] = {
    "basics": (basics.run, 12),
    "colluders": (colluders.run, 300),
    "lossy": (lossy.run, 8),
    "flood": (flood.run, 3),
    "hops": (hops.run, 1000),
    "sybils": (sybils.run, 60),
    "eclipse": (eclipse.run, 30),
    "churn": (churn.run, 40),
    "nat": (nat.run, 30),
    "idle": (idle.run, 60),
    "speed": (speed.run, 60),
    "memory": (speed.run_memory, 60),
    "cheats": (cheats.run, 12),
    "mixed": (mixed.run, 8),
    "seeds": (mixed.run_seeds, 8),
    "races": (races.run, 12),
    "partition": (partition.run, 20),
    "sync": (sync.run, 12),
    "partition-writes": (sync.run_partition, 12),
    "repair": (repair.run, 60),
    "watch": (watch.run, 12),
    "blobs": (blobs.run, 40),
}
FULL: dict[str, tuple[Scenario, int]] = {
    "partition-writes": (sync.run_partition_full, 12),
    "lossy": (lossy.run_full, 12),
    "colluders": (colluders.run_full, 10_000),
    "hops": (hops.run_full, 10_000),
    "sybils": (sybils.run_full, 400),
    "sybils-many": (sybils.run_many, 400),
    "eclipse": (eclipse.run_full, 100),
    "churn": (churn.run_full, 300),
    "churn-evening": (churn.run_evening, 300),
    "churn-large": (churn.run_large, 1000),
    "nat": (nat.run_full, 200),
    "idle": (idle.run_full, 1000),
    "speed": (speed.run, 1000),
    "memory": (speed.run_memory, 2000),
    "cheats": (cheats.run_full, 14),
    "seeds": (mixed.run_all_seeds, 8),
    "watch": (watch.run_full, 20),
    "races": (races.run_full, 20),
    "blobs": (blobs.run_full, 60),
    "life": (mixed.run_long, 8),
}
NAMES = sorted({*SCENARIOS, *FULL})


def run(name: str, seed: int, nodes: int | None = None, *, full: bool = False) -> Run:
    """Run a scenario. Raises KeyError for a name not in NAMES."""
    is_full = name in FULL and (full or name not in SCENARIOS)
    scenario, nodes_default = (FULL if is_full else SCENARIOS)[name]
    world, figures = scenario(seed, nodes_default if nodes is None else nodes)
    return Run(name, world, figures)
