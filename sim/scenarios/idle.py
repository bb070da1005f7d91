"""A network in which nothing happens: what being a node costs."""

from random import Random

from dave.crypto.network import network
from dave.testing.links import Link
from dave.testing.world import World
from sim.figures import Figure, at_most
from sim.latency import KingLatency
from sim.tables import grow

SECRET = b"a simulated secret"


def run(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """Five minutes, after ten in which the network settles."""
    return _run(seed, nodes, minutes=5)


def run_full(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """An hour, after ten minutes in which the network settles."""
    return _run(seed, nodes, minutes=60)


def _run(seed: int, nodes: int, minutes: int) -> tuple[World, list[Figure]]:
    link = Link(delay_ms=0.5, jitter_ms=2)
    world = World(seed, network("idle", SECRET), link, latency=KingLatency(Random(seed)))
    grow(world, nodes)
    world.run(600)
    before = [(host.sent, host.sent_bytes) for host in world.nodes]
    world.run(minutes * 60)
    seconds = minutes * 60
    packets = sorted(host.sent - was[0] for host, was in zip(world.nodes, before, strict=True))
    sent = sum(host.sent_bytes - was[1] for host, was in zip(world.nodes, before, strict=True))
    for rank, count in enumerate(packets):
        world.record("packets sent", 100 * rank / len(packets), count / seconds)
    known = [len(host.node.table) for host in world.nodes]
    return world, [
        at_most("kB/s sent per node", sent / nodes / seconds / 1000, 0.2),
        at_most("packets/s sent per node", sum(packets) / nodes / seconds, 0.3),
        Figure("packets/s of the busiest node", packets[-1] / seconds),
        Figure("mean contacts known", sum(known) / nodes),
        Figure("fewest contacts known", min(known)),
    ]
