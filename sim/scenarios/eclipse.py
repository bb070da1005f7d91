"""Two addresses with as many keys as they like want to be all that one node knows.

From many ports of two hosts, members of a ring talk to the victim, some with ids ground near its
own. The victim is restarted now and then, and then knows its edges only. However many they are, it
never has more than 2 of a subnet in a bucket and 10 in its table, and what honest nodes hold it
finds. All addresses are public, or there would be no limit.
"""

from dave.crypto.network import network
from dave.node.results import Found
from dave.testing.host import Host
from dave.testing.world import PORT, World
from dave.wire.entry import Entry
from sim.adversaries import Ring, grind, member_of
from sim.checks import subnet_counts, subnets_over_limit
from sim.figures import Figure, at_least, at_most, exactly
from sim.history import History

HOSTS = ("30.0.0.1", "30.0.1.1")
ENTRIES = 20
SECRET = b"a simulated secret"


def run(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """60 keys in all, two restarts."""
    return _run(seed, nodes, keys=60, restarts=2)


def run_full(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """600 keys in all, eight restarts."""
    return _run(seed, nodes, keys=600, restarts=8)


def _run(seed: int, nodes: int, keys: int, restarts: int) -> tuple[World, list[Figure]]:
    world = World(seed, network("eclipse", SECRET), is_public=True)
    honest = world.add_nodes(nodes)
    world.run(120)
    victim = honest[nodes // 2]
    owner = world.owner()
    history = History(world)
    entries = [owner.entry(b"%d" % i, b"", world.time()) for i in range(ENTRIES)]
    for entry in entries:
        history.put(honest[1], entry)
    history.collect()
    ring = Ring()
    over, in_bucket, in_table, without = 0, 0, 0, 0
    found = asked = 0
    for _ in range(restarts + 1):
        for number in range(keys // (restarts + 1)):
            _join(world, ring, victim, len(ring), is_near=number % 3 == 0)
            world.run(0.5)
            over += subnets_over_limit(world, [victim])
        world.run(120)
        over += subnets_over_limit(world, [victim])
        buckets, subnets = subnet_counts(victim.node)
        in_bucket = max(in_bucket, *buckets.values(), 0)
        in_table = max(in_table, *subnets.values(), 0)
        known = {contact.address for contact in victim.node.table}
        without += not any(host.address in known for host in honest)
        found += _read_all(history, victim, entries)
        asked += ENTRIES
        world.kill(victim)
        world.run(10)
        world.restart(victim)
        world.run(20)
    return world, [
        at_most("most of one subnet in a bucket", in_bucket, 2),
        at_most("most of one subnet in the table", in_table, 10),
        exactly("contacts over the limits, whenever looked", over, 0),
        exactly("times without an honest contact", without, 0),
        at_least("share of entries that the victim finds", found / asked, 0.999),
        Figure("keys of the two addresses", len(ring)),
    ]


def _join(world: World, ring: Ring, victim: Host, number: int, *, is_near: bool) -> None:
    """One more key, on another port of the next of the two hosts."""
    distance = 1 << (56 if is_near else 64)
    identity = grind(world.rng, victim.node.id, distance)
    address = HOSTS[number % len(HOSTS)], PORT + number
    ring.join(identity, address)
    world.add_node([victim], identity=identity, address=address, make=member_of(ring))


def _read_all(history: History, victim: Host, entries: list[Entry]) -> int:
    """How many of the entries the victim finds."""
    first = len(history.read)
    for entry in entries:
        history.get(victim, entry.id)
    history.collect()
    return sum(read.result.found is Found.FOUND for read in history.read[first:])
