"""A bad network: what was acknowledged can be read, and nothing happens twice.

One run goes through two links: 10 % loss, then 30 %; both double and reorder datagrams.
"""

from dave.crypto.network import network
from dave.node.operations import Found, PutResult
from dave.wire.entry import Entry
from sim.checks import acknowledged_not_committed, stored_twice, tables_over_limit
from sim.figures import Figure, at_least, exactly
from sim.host import Operation
from sim.network import Link
from sim.world import World

ENTRIES = 60
AT_ONCE = 20
PATIENCE_SECONDS = 20.0
MILD = Link(delay_ms=20, jitter_ms=5, loss=0.10, duplication=0.05, reordering=0.05)
HARD = Link(delay_ms=20, jitter_ms=5, loss=0.30, duplication=0.10, reordering=0.20)
SECRET = b"a simulated secret"


def run(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """A network with a secret, so that no time goes into stamps."""
    world = World(seed, network("lossy", SECRET), MILD)
    for _ in range(nodes):
        world.add_node()
    world.run(20)
    figures = _round(world, "10 % loss", MILD, 1.0)
    figures += _round(world, "30 % loss", HARD, 0.9)
    world.links.default = MILD
    world.run(60)
    return world, [
        *figures,
        exactly("stored twice", stored_twice(world), 0),
        exactly("tables that do not empty", tables_over_limit(world), 0),
        Figure("datagrams sent", world.links.sent),
        Figure("datagrams lost", world.links.lost),
    ]


def _round(world: World, name: str, link: Link, share: float) -> list[Figure]:
    world.links.default = link
    owner = world.owner()
    writer = world.add_client()
    entries = [owner.entry(b"key %d" % i, b"%d" % i, world.time()) for i in range(ENTRIES)]
    puts: list[PutResult] = []
    for start in range(0, ENTRIES, AT_ONCE):
        batch = entries[start : start + AT_ONCE]
        operations = [writer.put(entry, PATIENCE_SECONDS) for entry in batch]
        puts += world.run_until_resolved(*operations)
        world.run_until_resolved(*[world.settled(operation) for operation in operations])
    pairs = list(zip(entries, puts, strict=True))
    acknowledged = [entry for entry, put in pairs if put.has_quorum]
    reader = world.add_client([world.nodes[-1]])
    gets = [reader.get(entry.id, PATIENCE_SECONDS, 1) for entry in acknowledged]
    return [
        at_least(f"{name}: share of puts with a quorum", len(acknowledged) / ENTRIES, share),
        exactly(f"{name}: acknowledged, not read", _unread(world, gets, acknowledged), 0),
        exactly(
            f"{name}: acknowledged, not committed", acknowledged_not_committed(world, pairs), 0
        ),
    ]


def _unread(world: World, gets: list[Operation], entries: list[Entry]) -> int:
    results = world.run_until_resolved(*gets)
    return sum(
        result.found is not Found.FOUND or result.entry != entry
        for result, entry in zip(results, entries, strict=True)
    )
