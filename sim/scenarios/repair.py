"""Most nodes die at once, and nobody says a word: what survives is whole again within minutes.

An entry that R nodes hold survives unless all of them are among the dead. Goal: not below what
independent deaths give, 1 - share^R (Rodrigues and Liskov 2005), allowing for chance; then all
survivors at all of the R nearest living nodes within 10 minutes, and silence after that.
"""

from math import sqrt

from dave.crypto.network import network
from dave.limits import REPLICAS
from dave.testing.host import Host
from dave.testing.links import Link
from dave.testing.world import World
from dave.wire.entry import Entry
from sim.convergence import until_right
from sim.figures import Figure, at_least, at_most, exactly

ENTRIES = 200
AT_ONCE = 20
SHARE_KILLED = 0.6
REPAIR_SECONDS = 600
STEP_SECONDS = 10
TTL_SECONDS = 86_400
SECRET = b"a simulated secret"


def run(
    seed: int, nodes: int, entries: int = ENTRIES, share: float = SHARE_KILLED
) -> tuple[World, list[Figure]]:
    """At least 10 nodes; `share` of them die."""
    world = World(seed, network("repair", SECRET), Link(delay_ms=20, jitter_ms=10))
    for _ in range(nodes):
        world.add_node([world.nodes[world.rng.randrange(len(world.nodes))]] if world.nodes else [])
        world.run(0.2)
    world.run(90)
    items = put_all(world, entries)
    world.run(10)
    copies = [len(holders(world, entry)) for entry in items]
    for host in world.rng.sample(world.nodes, round(share * nodes)):
        world.kill(host)
    alive = [entry for entry in items if holders(world, entry)]
    expected = 1 - share ** min(REPLICAS, nodes)
    # Entries of one region share its fate, and there are about as many regions as nodes.
    chance = 3 * sqrt(expected * (1 - expected) / min(entries, nodes))
    took = until_right(world, alive, "whole", STEP_SECONDS, 2 * REPAIR_SECONDS, unit=60)
    world.run(REPAIR_SECONDS)
    lost = sum(not holders(world, entry) for entry in alive)
    before = _announced(world)
    world.run(60)
    return world, [
        at_least("copies of an entry before, the fewest", min(copies), min(REPLICAS, nodes)),
        Figure("copies of an entry before, mean", sum(copies) / entries),
        at_least("share of entries that survive", len(alive) / entries, expected - chance),
        at_most("seconds until all survivors are whole", took, REPAIR_SECONDS),
        exactly("survivors lost later", lost, 0),
        exactly("announcements in a minute when all is done", _announced(world) - before, 0),
        Figure("entries handed on", _handed_on(world)),
        Figure("copies of an entry after, mean", _mean_copies(world, alive)),
    ]


def put_all(world: World, count: int, prefix: bytes = b"") -> list[Entry]:
    """Put that many new entries by a new client, and wait for all acknowledgements."""
    owner, client = world.owner(), world.add_client([_living(world)[0]])
    made = [
        owner.entry(prefix + b"%d" % i, b"value %d" % i, world.time(), TTL_SECONDS)
        for i in range(count)
    ]
    for start in range(0, count, AT_ONCE):
        puts = [client.put(entry) for entry in made[start : start + AT_ONCE]]
        world.run_until_resolved(*[world.settled(put) for put in puts])
    return made


def holders(world: World, entry: Entry) -> list[Host]:
    """The living nodes that hold this very version."""
    return [host for host in _living(world) if host.node.own(entry.id, world.now) == entry]


def _living(world: World) -> list[Host]:
    return [host for host in world.nodes if host.is_up]


def _announced(world: World) -> int:
    return sum(host.node.replicas.announcer.sent for host in _living(world))


def _handed_on(world: World) -> int:
    return sum(host.node.replicas.announcer.handed_on for host in _living(world))


def _mean_copies(world: World, entries: list[Entry]) -> float:
    return sum(len(holders(world, entry)) for entry in entries) / max(len(entries), 1)
