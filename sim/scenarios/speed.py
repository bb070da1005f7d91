"""What the simulator itself costs: seconds of a core per virtual second, and memory per node.

These two figures are measured on the machine that runs them; the run itself is still a function of
its seed.
"""

import resource
import sys
import time

from dave.crypto.network import network
from sim.figures import Figure, at_least, at_most
from sim.history import History
from sim.tables import grow
from sim.world import World

SECONDS = 120
NODES_FULL = 10_000
SECRET = b"a simulated secret"


def run(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """Two virtual minutes with a put and a get each second."""
    world = World(seed, network("speed", SECRET))
    started = time.process_time()
    grow(world, nodes)
    world.run(120)
    joined = time.process_time()
    history = History(world)
    owner = world.owner()
    before = world.delivered
    for number in range(SECONDS):
        entry = owner.entry(b"%d" % number, b"value", world.time())
        history.put(world.any_node(world.rng), entry)
        history.get(world.any_node(world.rng), entry.id)
        world.run(1)
    ended = time.process_time()
    history.collect()
    packets = world.delivered - before
    return world, [
        at_least("virtual seconds in a second of one core", SECONDS / (ended - joined), 10),
        Figure("milliseconds of a core per node to start", 1000 * (joined - started) / nodes),
        Figure("packets per virtual second", packets / SECONDS),
        Figure("microseconds per packet", 1e6 * (ended - joined) / packets),
    ]


def run_memory(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """Resident memory of a network that has settled, and what 10,000 nodes would take at that."""
    before = _peak_bytes()
    world = World(seed, network("memory", SECRET))
    grow(world, nodes)
    world.run(300)
    per_node = (_peak_bytes() - before) / nodes
    return world, [
        at_most("GB that 10,000 nodes would take", per_node * NODES_FULL / 1e9, 16),
        Figure("kB per node", per_node / 1000),
        Figure("mean contacts known", sum(len(host.node.table) for host in world.nodes) / nodes),
    ]


def _peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
