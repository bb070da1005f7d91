"""What the simulator itself costs: seconds of a core per virtual second, and memory per node.

These two figures are measured on the machine that runs them; the run itself is still a function of
its seed.
"""

import resource
import sys
import time

from dave.crypto.network import network
from dave.testing.world import World
from sim.figures import Figure, at_least, at_most
from sim.history import History
from sim.tables import grow

SETTLE_SECONDS = 180
QUIET_SECONDS = 120
BUSY_SECONDS = 60
NODES_FULL = 10_000
SECRET = b"a simulated secret"


def run(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """Two quiet minutes, then a minute with a put and a get each second."""
    world = World(seed, network("speed", SECRET))
    started = time.process_time()
    grow(world, nodes)
    world.run(SETTLE_SECONDS)
    settled, before = time.process_time(), world.delivered
    world.run(QUIET_SECONDS)
    quiet, quiet_packets = time.process_time() - settled, world.delivered - before
    busy, busy_packets = _busy(world)
    return world, [
        at_least("virtual seconds in a second of one core, quiet", QUIET_SECONDS / quiet, 10),
        Figure("microseconds per packet, quiet", 1e6 * quiet / quiet_packets),
        Figure("virtual seconds in a second of one core, busy", BUSY_SECONDS / busy),
        Figure("microseconds per packet, busy", 1e6 * busy / busy_packets),
        Figure("milliseconds of a core per node to start", 1000 * (settled - started) / nodes),
    ]


def _busy(world: World) -> tuple[float, int]:
    """Seconds of a core that a put and a get each second take, and their packets."""
    history = History(world)
    owner = world.owner()
    started, before = time.process_time(), world.delivered
    for number in range(BUSY_SECONDS):
        entry = owner.entry(b"%d" % number, b"value", world.time())
        history.put(world.any_node(world.rng), entry)
        history.get(world.any_node(world.rng), entry.id)
        world.run(1)
    ended = time.process_time() - started, world.delivered - before
    history.collect()
    return ended


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
