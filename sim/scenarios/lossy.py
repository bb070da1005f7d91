"""A bad network: what was acknowledged can be read, and nothing happens twice.

One run goes through two links: 10 % loss, then 30 %; both double and reorder datagrams.
"""

from dave.crypto.network import network
from dave.node.results import Found, PutResult
from dave.wire.entry import Entry
from sim.checks import acknowledged_not_committed, stored_twice, tables_over_limit
from sim.figures import Figure, exactly
from sim.host import Host
from sim.network import Link
from sim.world import World

ENTRIES = 60
AT_ONCE = 20
PATIENCE_SECONDS = 8.0
ATTEMPTS = 4
"""As an application does: a handshake of which five packets are lost says 'unreachable'."""
MILD = Link(delay_ms=20, jitter_ms=5, loss=0.10, duplication=0.05, reordering=0.05)
HARD = Link(delay_ms=20, jitter_ms=5, loss=0.30, duplication=0.10, reordering=0.20)
SECRET = b"a simulated secret"


def run(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """A network with a secret, so that no time goes into stamps."""
    world = World(seed, network("lossy", SECRET), MILD)
    for _ in range(nodes):
        world.add_node()
    world.run(20)
    figures = _round(world, "10 % loss", MILD)
    figures += _round(world, "30 % loss", HARD)
    world.links.default = MILD
    world.run(60)
    return world, [
        *figures,
        exactly("stored twice", stored_twice(world), 0),
        exactly("tables that do not empty", tables_over_limit(world), 0),
        Figure("datagrams sent", world.links.sent),
        Figure("datagrams lost", world.links.lost),
    ]


def _round(world: World, name: str, link: Link) -> list[Figure]:
    world.links.default = link
    owner = world.owner()
    writer = world.add_client()
    entries = [owner.entry(b"key %d" % i, b"%d" % i, world.time()) for i in range(ENTRIES)]
    first = 0
    puts: list[tuple[Entry, PutResult]] = []
    left = entries
    for attempt in range(ATTEMPTS):
        tried = _put_all(world, writer, left)
        puts += tried
        left = [entry for entry, put in tried if not put.has_quorum]
        first += len(tried) - len(left) if attempt == 0 else 0
    acknowledged = [entry for entry, put in puts if put.has_quorum]
    reader = world.add_client([world.nodes[-1]])
    unread = acknowledged
    for _ in range(ATTEMPTS):
        unread = _unread(world, reader, unread)
    uncommitted = acknowledged_not_committed(world, puts)
    return [
        Figure(f"{name}: puts with a quorum at once", first),
        exactly(f"{name}: puts with a quorum", len(acknowledged), ENTRIES),
        exactly(f"{name}: acknowledged, not read", len(unread), 0),
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
    gets = [client.get(entry.id, PATIENCE_SECONDS) for entry in entries]
    results = world.run_until_resolved(*gets)
    return [
        entry
        for entry, result in zip(entries, results, strict=True)
        if result.found is not Found.FOUND or result.entry != entry
    ]
