"""What is missed while apart is pulled, and little else is moved.

`run`: a node comes back with an empty disk, or comes new, and pulls what it should hold.
`run_partition`: both sides of a partition write for an hour. Goal: identical within two sync rounds
after the healing, and at most 1.3 times the bytes of the copies that were missing.
"""

from dave.crypto.network import network
from dave.limits import ENTRY_BYTES_MAX, REPLICAS
from dave.names import place_of
from dave.testing.host import Host
from dave.testing.links import Link
from dave.testing.owner import Owner
from dave.testing.world import CAPACITY_BYTES, World
from dave.wire.entry import Entry
from sim.checks import wrong_copies
from sim.convergence import until_right
from sim.figures import Figure, at_most, exactly
from sim.sides import grow, part

TTL_SECONDS = 86_400
VALUE_BYTES = 1000
AT_ONCE = 20
PARTITION_SECONDS = 3600
REPAIR_SECONDS = 120
"""After so long what a node held that is gone is at others."""
REST_SECONDS = 600
"""After so long all nodes have heard of all others what there is."""
ROUND_SECONDS = 60
"""Of one sync: every node has asked every neighbour with a gap once."""
STEP_SECONDS = 2
IDLE_BYTES = 60
"""That a node sends a second while neighbours come and go, whatever they hold."""
SECRET = b"a simulated secret"


def run(seed: int, nodes: int, entries: int = 300) -> tuple[World, list[Figure]]:
    """At least 10 nodes hold `entries`. A new one comes; later an old one, which was away."""
    world = _grown(seed, nodes)
    owner, client = world.owner(), world.add_client()
    held = put_all(world, owner, client, entries, b"before ")
    world.run(2 * ROUND_SECONDS)
    fresh = world.add_node()
    fresh_figures = _brings(world, held, "a fresh replica")
    away = next(host for host in world.nodes[1:] if host is not fresh)
    clocks = away.node.clocks.all()
    world.kill(away)
    world.run(REPAIR_SECONDS)
    missed = put_all(world, owner, client, entries // 3, b"missed ")
    world.run(ROUND_SECONDS)
    world.restart(away)
    away.node.clocks.restore(clocks)
    away_figures = _brings(world, missed, "who was away")
    # An announcement that was lost shows at the next probe of who sent it.
    world.run(REST_SECONDS)
    before = _activity(world)
    world.run(10 * ROUND_SECONDS)
    streams, pulls, announced = (
        now - was for now, was in zip(_activity(world), before, strict=True)
    )
    return world, [
        *fresh_figures,
        *away_figures,
        exactly("connections made in ten minutes at rest", streams, 0),
        exactly("pulls in ten minutes at rest", pulls, 0),
        exactly("announcements in ten minutes at rest", announced, 0),
        *counts(world),
    ]


def _brings(world: World, entries: list[Entry], who: str) -> list[Figure]:
    """What it takes until all replicas have what they should."""
    missing = missing_bytes(world, entries)
    idle, before = IDLE_BYTES * len(world.nodes), moved(world)
    took = 0.0
    while lacking(world, entries) and took < 10 * ROUND_SECONDS:
        world.run(STEP_SECONDS)
        took += STEP_SECONDS
    share = (moved(world) - before - idle * took) / missing
    return [
        at_most(f"{who}: seconds until it holds all", took, 2 * ROUND_SECONDS),
        exactly(f"{who}: entries that it lacks then", lacking(world, entries), 0),
        Figure(f"{who}: bytes moved / bytes missing", share),
    ]


def lacking(world: World, entries: list[Entry]) -> int:
    """Copies that the R nearest nodes lack."""
    return sum(
        host.node.own(entry.id, world.now) != entry
        for entry in entries
        for host in nearest(world, entry)
    )


def _activity(world: World) -> tuple[int, int, int]:
    nodes = [host.node for host in world.nodes]
    pulls = sum(node.syncs.pulls for node in nodes)
    return world.pipes.made, pulls, sum(node.replicas.announcer.sent for node in nodes)


def run_partition(
    seed: int, nodes: int, entries: int = 300, seconds: float = PARTITION_SECONDS
) -> tuple[World, list[Figure]]:
    """Half of the nodes on each side; `entries` are written on each."""
    # Room for all that is written, even where each node holds each entry.
    world = _grown(seed, nodes, max(CAPACITY_BYTES, 4 * entries * ENTRY_BYTES_MAX))
    owner = world.owner()
    clients = [world.add_client([edge]) for edge in world.nodes[:2]]
    part(world, clients)
    world.run(seconds / 2)
    written: list[Entry] = []
    for number, client in enumerate(clients):
        written += put_all(world, owner, client, entries, b"side %d " % number)
    world.run(seconds / 2)
    missing = missing_bytes(world, written)
    before = moved(world)
    idle = _idle_bytes(world)
    world.links.heal()
    took = until_right(world, written, "identical", STEP_SECONDS, 10 * ROUND_SECONDS)
    share = (moved(world) - before - idle * took) / missing
    return world, [
        exactly("entries written", len(written), 2 * entries),
        at_most("seconds until all replicas are the same", took, 2 * ROUND_SECONDS),
        exactly("replicas that differ or lack an entry", wrong_copies(world, written), 0),
        at_most("bytes moved / bytes missing", share, 1.3),
        Figure("bytes by streams / bytes missing", world.pipes.carried / missing),
        *counts(world),
    ]


def run_partition_full(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """10,000 entries written on each side."""
    return run_partition(seed, nodes, 10_000)


def put_all(
    world: World, owner: Owner, client: Host, count: int, prefix: bytes = b""
) -> list[Entry]:
    """Put that many new entries of 1,000 bytes, and wait for all acknowledgements."""
    made = []
    for start in range(0, count, AT_ONCE):
        puts = []
        for i in range(start, min(start + AT_ONCE, count)):
            value = world.rng.randbytes(VALUE_BYTES)
            made.append(owner.entry(prefix + b"%d" % i, value, world.time(), TTL_SECONDS))
            puts.append(client.put(made[-1]))
        world.run_until_resolved(*[world.settled(put) for put in puts])
    return made


def missing_bytes(world: World, entries: list[Entry]) -> int:
    """Encoded bytes of the copies that the R nearest nodes lack."""
    return sum(
        len(entry.data)
        for entry in entries
        for host in nearest(world, entry)
        if host.node.own(entry.id, world.now) != entry
    )


def nearest(world: World, entry: Entry) -> list[Host]:
    """The R living nodes nearest to an entry."""
    place = place_of(entry.id)
    living = [host for host in world.nodes if host.is_up]
    return sorted(living, key=lambda host: host.node.id ^ place)[:REPLICAS]


def moved(world: World) -> int:
    """Bytes sent so far by all nodes, by datagrams and streams."""
    return sum(host.sent_bytes for host in world.nodes) + world.pipes.carried


def counts(world: World) -> list[Figure]:
    """What the nodes did."""
    syncs = [host.node.syncs for host in world.nodes if host.is_up]
    announcers = [host.node.replicas.announcer for host in world.nodes if host.is_up]
    return [
        Figure("pulls", sum(sync.pulls for sync in syncs)),
        Figure("pulls that failed", sum(sync.failed for sync in syncs)),
        Figure("entries that came by pulls", sum(sync.pulled for sync in syncs)),
        Figure("entries handed on by PUT", sum(each.handed_on for each in announcers)),
    ]


def _grown(seed: int, nodes: int, capacity: int = CAPACITY_BYTES) -> World:
    world = World(seed, network("sync", SECRET), Link(delay_ms=20, jitter_ms=10))
    grow(world, nodes, capacity)
    return world


def _idle_bytes(world: World) -> float:
    """Bytes a second that the network sends anyway."""
    before = moved(world)
    world.run(ROUND_SECONDS)
    return (moved(world) - before) / ROUND_SECONDS
