"""Half of all nodes stand behind NATs: they take part as clients, and nobody counts on them.

A node that cannot be reached is of no use as a replica, since a reader it never wrote to finds
nobody there. So none may stand in any table, from where it would be handed out, and none may be
given entries. Their own puts and gets work as anybody's. Addresses are public; latencies are those
of the King data.
"""

from random import Random

from dave.crypto.network import network
from dave.node.results import Found
from dave.testing.host import Host
from dave.testing.links import Link
from dave.testing.world import World
from sim.checks import natted_in_tables, unsigned_read
from sim.figures import Figure, at_least, exactly
from sim.history import History
from sim.latency import KingLatency

LOOK_SECONDS = 10
SECRET = b"a simulated secret"


def run(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """60 puts and gets."""
    return _run(seed, nodes, 60)


def run_full(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """2,000 puts and gets."""
    return _run(seed, nodes, 2000)


def _run(seed: int, nodes: int, operations: int) -> tuple[World, list[Figure]]:
    latency = KingLatency(Random(seed))
    link = Link(delay_ms=0.5, jitter_ms=2)
    world = World(seed, network("nat", SECRET), link, latency=latency, is_public=True)
    natted: list[Host] = []
    world.add_nodes(2)
    while len(world.nodes) < nodes:
        natted += world.add_nodes(1, is_natted=True)
        world.add_nodes(1)
    handed_out = 0
    for _ in range(300 // LOOK_SECONDS):
        world.run(LOOK_SECONDS)
        handed_out += natted_in_tables(world)
    history = History(world)
    owner = world.owner()
    for number in range(operations):
        host = natted[number % len(natted)]
        history.put(host, owner.entry(b"%d" % number, b"", world.time()))
        world.run(0.2)
        handed_out += natted_in_tables(world) if number % 50 == 0 else 0
    history.collect()
    for number, written in enumerate(list(history.written)):
        history.get(natted[(number + 1) % len(natted)], written.entry.id)
        world.run(0.1)
    history.collect()
    puts = [written.result.has_quorum for written in history.written]
    gets = [read.result.found is Found.FOUND for read in history.read]
    return world, [
        exactly("contacts behind a NAT in tables, whenever looked", handed_out, 0),
        exactly("entries on nodes behind a NAT", _held(world, natted, history), 0),
        at_least("puts of nodes behind a NAT", sum(puts) / len(puts), 0.999),
        at_least("gets of nodes behind a NAT", sum(gets) / len(gets), 0.999),
        exactly("unsigned values read", unsigned_read(history), 0),
        Figure("nodes behind a NAT", len(natted)),
        Figure("datagrams that NATs refused", sum(h.nat.refused for h in natted if h.nat)),
    ]


def _held(world: World, natted: list[Host], history: History) -> int:
    """Entries given to nodes that nobody else can reach; what a node put itself does not count."""
    return sum(
        host is not written.host and host.node.own(written.entry.id, world.now) is not None
        for host in natted
        for written in history.written
    )
