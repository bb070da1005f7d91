"""What must hold in every run, one function each; all count violations, so that 0 is right."""

from collections import Counter
from collections.abc import Iterable

from dave.node.results import PutResult
from dave.store.journal import ENTRY
from dave.wire.entry import Entry
from sim.host import Host
from sim.world import World


def versions_on_disk(world: World, host: Host) -> Counter[bytes]:
    """How many records of each version (digest) a node's journal holds."""
    assert host.disk is not None
    entries = [Entry(record.body) for record in host.disk.records() if record.type == ENTRY]
    return Counter(entry.digest(world.network) for entry in entries)


def acknowledged_not_committed(world: World, puts: Iterable[tuple[Entry, PutResult]]) -> int:
    """Acknowledgements (STORED or SAME) by a node whose disk does not hold the version."""
    on_disk = {host.address: versions_on_disk(world, host) for host in world.nodes}
    wrong = 0
    for entry, result in puts:
        digest = entry.digest(world.network)
        told = [outcome.address for outcome in result.outcomes if outcome.stored]
        wrong += sum(not on_disk[address][digest] for address in told)
    return wrong


def stored_twice(world: World) -> int:
    """Records on a disk of a version that was there already: a request had its effect twice."""
    return sum(
        count - 1 for host in world.nodes for count in versions_on_disk(world, host).values()
    )


def tables_over_limit(world: World) -> int:
    """Tables of running nodes that hold more than a quiet node may: requests that nobody answers
    any more, puts that are never acknowledged. Call it when all operations have long ended."""
    running = [host.node for host in world.nodes if host.is_up]
    return sum(len(node.puts) > 0 for node in running) + sum(
        len(node.requests) > len(node.table) + len(node.edges) for node in running
    )
