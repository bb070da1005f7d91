"""An hour of two networks that do not know of each other, and then one again: both sides have
written, some of it under the same keys, and soon after the healing all replicas are the same."""

from dave.crypto.network import network
from dave.testing.host import Host
from dave.testing.links import Link
from dave.testing.owner import Owner
from dave.testing.world import World
from dave.wire.entry import Entry
from sim.checks import wrong_copies
from sim.convergence import until_right
from sim.figures import Figure, at_most, exactly
from sim.scenarios.repair import TTL_SECONDS
from sim.sides import grow, part

ENTRIES = 60
PARTITION_SECONDS = 3600
HEAL_SECONDS = 180
STEP_SECONDS = 2
SECRET = b"a simulated secret"


def run(
    seed: int, nodes: int, entries: int = ENTRIES, seconds: float = PARTITION_SECONDS
) -> tuple[World, list[Figure]]:
    """At least 4 nodes, half of them on each side. A third of the entries was there before and is
    written again on both sides, a third is new on one side, a third on the other."""
    world = World(seed, network("partition", SECRET), Link(delay_ms=20, jitter_ms=10))
    grow(world, nodes)
    owner = world.owner()
    third = entries // 3
    shared = [b"shared %d" % i for i in range(third)]
    _put(world, owner, world.add_client(), shared, b"before", [])
    clients = [world.add_client([edge]) for edge in world.nodes[:2]]
    part(world, clients)
    world.run(seconds / 2)
    written: list[Entry] = []
    for number, client in enumerate(clients):
        keys = shared + [b"side %d %d" % (number, i) for i in range(third)]
        _put(world, owner, client, keys, b"side %d" % number, written)
    world.run(seconds / 2)
    world.links.heal()
    newest = {}
    for entry in sorted(written, key=lambda entry: entry.time):
        newest[entry.key] = entry
    wanted = list(newest.values())
    took = until_right(world, wanted, "identical", STEP_SECONDS, 3 * HEAL_SECONDS)
    return world, [
        exactly("entries written", len(wanted), 3 * third),
        at_most("seconds until all replicas are the same", took, HEAL_SECONDS),
        exactly("replicas that differ or lack an entry", wrong_copies(world, wanted), 0),
        Figure("datagrams kept apart", world.links.cut),
    ]


def _put(
    world: World, owner: Owner, client: Host, keys: list[bytes], value: bytes, made: list[Entry]
) -> None:
    """Put a new version under each key, in the order of time; they are added to `made`."""
    for key in keys:
        entry = owner.entry(key, value, world.time(), TTL_SECONDS)
        world.run_until_resolved(world.settled(client.put(entry)))
        made.append(entry)
