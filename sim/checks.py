"""What must hold in every run, one function each; all count violations, so that 0 is right."""

from collections import Counter
from collections.abc import Iterable

from dave.limits import REPLICAS
from dave.names import EntryId, HybridTime, place_of
from dave.node.node import Node
from dave.node.results import Found, PutResult
from dave.peers.subnets import is_private, subnet
from dave.store.journal import ENTRY
from dave.testing.host import Host
from dave.testing.signatures import verify
from dave.testing.world import World
from dave.wire.entry import Entry
from sim.history import History

SUBNET_IN_BUCKET_MAX = 2
SUBNET_IN_TABLE_MAX = 10
"""Contacts of one /24 or /48 (DESIGN section 7)."""


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


def lost(world: World, entries: Iterable[Entry]) -> int:
    """Entries that no node holds any more, neither a running one nor the disk of one that is down:
    neither the version given nor a newer one."""
    down = [_on_disk(host) for host in world.nodes if not host.is_up]
    return sum(
        copies(world, entry) == 0 and all(held.get(entry.id, -1) < entry.time for held in down)
        for entry in entries
    )


def copies(world: World, entry: Entry) -> int:
    """How many running nodes hold an entry, or a newer version of it."""
    own = [host.node.own(entry.id, world.now) for host in world.nodes if host.is_up]
    return sum(held is not None and held.time >= entry.time for held in own)


def unsigned_read(history: History) -> int:
    """Gets that returned bytes which the owner of that entry did not sign."""
    network = history.world.network
    wrong = 0
    for read in history.read:
        entry = read.result.entry
        if entry is not None:
            signed = entry.signature + entry.signed_bytes(network)
            wrong += entry.id != read.entry_id or not verify(entry.owner, signed)
    return wrong


def regressions(history: History) -> int:
    """Reads that returned an older version than the same client knew when it asked: monotonic
    reads, and a client's own writes. Only reads count that most of the nodes asked have answered:
    what fewer say is told as such (`answered` of `asked`)."""
    known = history.known()
    wrong = 0
    for read in history.read:
        result = read.result
        if result.found is not Found.UNREACHABLE and 2 * result.answered > result.asked:
            time = 0 if result.entry is None else result.entry.time
            before = known[read.host.address, read.entry_id]
            wrong += any(at <= read.started and time < newer for at, newer in before)
    return wrong


def subnets_over_limit(world: World, hosts: Iterable[Host] | None = None) -> int:
    """Over all running nodes: contacts beyond 2 of one public subnet in a bucket, or 10 in the
    table (DESIGN section 7). Buckets go by the length of the prefix shared with the own id."""
    beyond = 0
    for host in world.nodes if hosts is None else hosts:
        if host.is_up:
            in_bucket, in_table = subnet_counts(host.node)
            beyond += sum(max(0, count - SUBNET_IN_BUCKET_MAX) for count in in_bucket.values())
            beyond += sum(max(0, count - SUBNET_IN_TABLE_MAX) for count in in_table.values())
    return beyond


def subnet_counts(node: Node) -> tuple[Counter[tuple[bytes, int]], Counter[bytes]]:
    """Contacts with a public address in a node's table: by subnet and bucket, and by subnet."""
    in_bucket: Counter[tuple[bytes, int]] = Counter()
    in_table: Counter[bytes] = Counter()
    for contact in node.table:
        if not is_private(contact.address[0]):
            of = subnet(contact.address[0])
            in_bucket[of, (contact.id ^ node.id).bit_length()] += 1
            in_table[of] += 1
    return in_bucket, in_table


def natted_in_tables(world: World) -> int:
    """Contacts in tables of running nodes, and so handed out and counted as replicas, that stand
    behind a NAT."""
    return sum(
        (found := world.hosts.get(contact.address)) is not None and found.nat is not None
        for host in world.nodes
        if host.is_up
        for contact in host.node.table
    )


def wrong_copies(world: World, newest: Iterable[Entry]) -> int:
    """Running nodes that hold anything but the newest version of an entry, or lack it although they
    are among the R running nodes nearest to it, by what only the simulator knows."""
    running = [host for host in world.nodes if host.is_up]
    wrong = 0
    for entry in newest:
        place = place_of(entry.id)
        running.sort(key=lambda host: host.node.id ^ place)
        for rank, host in enumerate(running):
            held = host.node.own(entry.id, world.now)
            if held is None:
                wrong += rank < REPLICAS
            else:
                wrong += not held.same_version(entry.data)
    return wrong


def _on_disk(host: Host) -> dict[EntryId, HybridTime]:
    """The newest time of each entry that a node would find after a restart."""
    assert host.disk is not None
    newest: dict[EntryId, HybridTime] = {}
    for record in host.disk.records():
        if record.type == ENTRY:
            entry = Entry(record.body)
            newest[entry.id] = max(newest.get(entry.id, 0), entry.time)
    return newest
