"""A bad network: what was acknowledged can be read, and nothing happens twice.

One run goes through two links: 10 % loss each way, then 30 %; both replay and reorder half of all
datagrams. An operation succeeds if it does within its time; who fails is tried again, as an
application does, since all that was put must be there in the end.
"""

from dave.crypto.network import network
from dave.node.results import Found, PutResult
from dave.testing.host import Host
from dave.testing.links import Link
from dave.testing.world import World
from dave.wire.entry import Entry
from sim.checks import acknowledged_not_committed, stored_twice, tables_over_limit
from sim.figures import Figure, at_least, exactly

ENTRIES = 300
ENTRIES_FULL = 2000
AT_ONCE = 20
PATIENCE_SECONDS = 8.0
ATTEMPTS = 4
MILD = Link(delay_ms=20, jitter_ms=5, loss=0.10, reordering=0.5, replay=0.5)
HARD = MILD._replace(loss=0.30)
SECRET = b"a simulated secret"


def run(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """300 entries on each link."""
    return _run(seed, nodes, ENTRIES)


def run_full(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """2,000 entries on each link."""
    return _run(seed, nodes, ENTRIES_FULL)


def _run(seed: int, nodes: int, count: int) -> tuple[World, list[Figure]]:
    # A network with a secret, so that no time goes into stamps.
    world = World(seed, network("lossy", SECRET), MILD)
    for _ in range(nodes):
        world.add_node()
    world.run(20)
    figures = _round(world, "10 % loss", MILD, count, 0.999)
    figures += _round(world, "30 % loss", HARD, count, 0.99)
    world.links.default = MILD
    world.run(60)
    return world, [
        *figures,
        exactly("stored twice", stored_twice(world), 0),
        exactly("tables that do not empty", tables_over_limit(world), 0),
        Figure("datagrams sent", world.links.sent),
        Figure("datagrams lost", world.links.lost),
    ]


def _round(world: World, name: str, link: Link, count: int, goal: float) -> list[Figure]:
    world.links.default = link
    owner = world.owner()
    writer = world.add_client()
    entries = [owner.entry(b"key %d" % i, b"%d" % i, world.time()) for i in range(count)]
    puts: list[tuple[Entry, PutResult]] = []
    left = entries
    put_at_once = 0
    for attempt in range(ATTEMPTS):
        tried = _put_all(world, writer, left)
        puts += tried
        left = [entry for entry, put in tried if not put.has_quorum]
        put_at_once += len(tried) - len(left) if attempt == 0 else 0
    acknowledged = [entry for entry, put in puts if put.has_quorum]
    reader = world.add_client([world.nodes[-1]])
    unread = _unread(world, reader, acknowledged)
    read_at_once = len(acknowledged) - len(unread)
    for _ in range(ATTEMPTS - 1):
        unread = _unread(world, reader, unread)
    uncommitted = acknowledged_not_committed(world, puts)
    return [
        at_least(f"{name}: share of puts that succeed", put_at_once / count, goal),
        at_least(f"{name}: share of gets that succeed", read_at_once / len(acknowledged), goal),
        exactly(f"{name}: puts with a quorum in the end", len(acknowledged), count),
        exactly(f"{name}: acknowledged, not read in the end", len(unread), 0),
        exactly(f"{name}: acknowledged, not committed", uncommitted, 0),
    ]


def _put_all(world: World, client: Host, entries: list[Entry]) -> list[tuple[Entry, PutResult]]:
    results: list[PutResult] = []
    for start in range(0, len(entries), AT_ONCE):
        operations = [
            client.put(entry, PATIENCE_SECONDS) for entry in entries[start : start + AT_ONCE]
        ]
        world.run_until_resolved(*[world.settled(operation) for operation in operations])
        results += world.run_until_resolved(*operations)
    return list(zip(entries, results, strict=True))


def _unread(world: World, client: Host, entries: list[Entry]) -> list[Entry]:
    """Those of `entries` that one get each does not find; one that returns anything but the entry
    put is no find."""
    unread = []
    for start in range(0, len(entries), AT_ONCE):
        some = entries[start : start + AT_ONCE]
        gets = [client.get(entry.id, PATIENCE_SECONDS) for entry in some]
        results = world.run_until_resolved(*gets)
        unread += [
            entry
            for entry, result in zip(some, results, strict=True)
            if result.found is not Found.FOUND or result.entry != entry
        ]
    return unread
