"""More puts at once than a node lets wait: it says BUSY and acknowledges nothing that it loses.

The disks are slow, so that puts pile up behind them; in the end every node is killed without a word
and started again.
"""

from dave.crypto.network import network
from dave.limits import PENDING_PUTS_MAX
from dave.node.results import PutResult
from dave.testing.host import Host, Operation
from dave.testing.links import Link
from dave.testing.world import World
from dave.wire.entry import Entry
from dave.wire.status import PutStatus
from sim.checks import acknowledged_not_committed, stored_twice, tables_over_limit
from sim.figures import Figure, at_least, at_most, exactly

CLIENTS = 4
PUTS_EACH = PENDING_PUTS_MAX // 2 - 100
COMMIT_MS = 150.0
PATIENCE_SECONDS = 10.0
SECRET = b"a simulated secret"


def run(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """Few nodes, since each of them is given every put."""
    world = World(seed, network("flood", SECRET), Link(delay_ms=1, jitter_ms=0.5))
    for _ in range(nodes):
        world.add_node(commit_ms=COMMIT_MS)
    world.run(5)
    owner = world.owner()
    clients = [world.add_client() for _ in range(CLIENTS)]
    for number, client in enumerate(clients):  # so that all have their sessions
        world.run_until_resolved(client.put(owner.entry(b"first %d" % number, b"", world.time())))
    entries: list[Entry] = []
    operations: list[Operation] = []
    for number, client in enumerate(clients):
        for i in range(PUTS_EACH):
            entries.append(owner.entry(b"%d %d" % (number, i), b"flood", world.time()))
            operations.append(client.put(entries[-1], PATIENCE_SECONDS))
    most_pending = _watch(world, operations)
    puts: list[PutResult] = world.run_until_resolved(*operations)
    pairs = list(zip(entries, puts, strict=True))
    busy = sum(host.node.puts.counts[PutStatus.BUSY] for host in world.nodes)
    for host in world.nodes:
        world.kill(host)
        world.restart(host)
    figures = [
        at_least("puts that were told BUSY", busy, 1),
        at_most("puts that waited in one node", most_pending, PENDING_PUTS_MAX),
        at_least("share of puts with a quorum", sum(p.has_quorum for p in puts) / len(puts), 0.99),
        exactly("acknowledged, not committed", acknowledged_not_committed(world, pairs), 0),
        exactly("acknowledged, lost by a crash", _lost(world, pairs), 0),
        exactly("stored twice", stored_twice(world), 0),
    ]
    world.run(30)
    return world, [*figures, exactly("tables that do not empty", tables_over_limit(world), 0)]


def _watch(world: World, operations: list[Operation]) -> int:
    """Until all has settled: the most puts that were pending in one node."""
    most = 0
    settled = [world.settled(operation) for operation in operations]
    until = world.now + int((PATIENCE_SECONDS + 1) * 1e9)
    left = len(settled)
    while left and world.clock.step(until):
        most = max(most, *(len(host.node.puts) for host in world.nodes))
        while left and settled[left - 1].number in settled[left - 1].host.ended:
            left -= 1
    return most


def _lost(world: World, puts: list[tuple[Entry, PutResult]]) -> int:
    """Acknowledgements by a node that does not serve the entry after its restart."""
    by_address: dict[tuple[str, int], Host] = {host.address: host for host in world.nodes}
    return sum(
        by_address[outcome.address].node.own(entry.id, world.now) != entry
        for entry, result in puts
        for outcome in result.outcomes
        if outcome.stored
    )
