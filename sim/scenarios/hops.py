"""How many steps a lookup takes, against the number of nodes.

A step is one question and its answer; a node in the asker's own table is one step away. Tables are
filled at one stroke (tables.py), since only the lookups are measured here. They are those of puts,
each from another node to a random place.
"""

from math import log2
from random import Random

from dave.crypto.network import network
from dave.names import place_of
from dave.node.results import PutResult
from dave.testing.world import World
from sim.figures import Figure, at_least, at_most
from sim.history import History
from sim.tables import fill_tables

SIZES = (100, 300, 1000, 3000, 10_000)
SECRET = b"a simulated secret"


def run(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """Sizes up to `nodes`, 60 lookups each."""
    return _run(seed, nodes, 60)


def run_full(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """Sizes up to `nodes`, 300 lookups each."""
    return _run(seed, nodes, 300)


def _run(seed: int, nodes: int, lookups: int) -> tuple[World, list[Figure]]:
    sizes = [size for size in SIZES if size < nodes] + [nodes]
    figures: list[Figure] = []
    before: World | None = None
    points = []
    for size in sizes:
        world = World(seed, network("hops", SECRET))
        if before is not None:
            world.note(before.trace_hash().encode())
        mean, found = _measure(world, size, lookups)
        points.append((size, mean))
        figures += [
            at_most(f"mean steps, {size} nodes", mean, 1 + log2(size) / 6),
            at_least(f"nearest node found, {size} nodes", found, 0.99),
        ]
        before = world
    assert before is not None
    for size, mean in points:
        before.record("measured", size, mean)
        before.record("goal: 1 + log2(n) / 6", size, 1 + log2(size) / 6)
    return before, figures


def _measure(world: World, size: int, lookups: int) -> tuple[float, float]:
    """Mean steps to the node nearest to a place, and the share of lookups that found it."""
    for _ in range(size):
        world.add_node([], keeps_house=False)
    fill_tables(world.nodes, Random(world.rng.getrandbits(64)), world.now)
    owner = world.owner()
    askers = world.rng.sample(world.nodes, min(lookups, size))
    history = History(world)
    for number, host in enumerate(askers):
        history.put(host, owner.entry(b"%d" % number, b"", world.time()))
        world.run(0.05)
    history.collect()
    steps, found = 0, 0
    for written in history.written:
        place = place_of(written.entry.id)
        others = (host.node.id for host in world.nodes if host is not written.host)
        nearest = min(others, key=lambda node_id: node_id ^ place)
        hops = hops_to(nearest, written.result)
        steps += hops or 0
        found += hops is not None
    return steps / max(found, 1), found / len(history.written)


def hops_to(node_id: int, result: PutResult) -> int | None:
    """Steps to a node; None if it was not asked. Who was never looked for stood in the table."""
    asked = [step.hop + 1 for step in result.trace if step.id == node_id]
    if asked:
        return min(asked)
    return 1 if any(outcome.id == node_id for outcome in result.outcomes) else None
